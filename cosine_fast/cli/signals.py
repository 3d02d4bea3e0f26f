"""How a signal or an error becomes one line on standard error and an exit status.

Exit status: 0 done; 1 failed while working (full disk, no permission, a pipe that nobody reads); 2 refused (bad
options, bad input, a missing library); 128 + n stopped by signal n.
"""

from __future__ import annotations

import logging
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

EXTRAS = {"click": "cli", "tqdm": "cli", "pyarrow": "cli", "polars": "cli", "matplotlib": "plot"}
EXTRAS |= dict.fromkeys(("zarr", "dask", "distributed"), "stores")
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

# Python drops an exception that a handler raises inside one of its own callbacks (a dying weak reference, say), so
# long loops also look here for the signals that have arrived.
received: list[int] = []


class CommandError(Exception):
    """What the user is told in one line, the exit status that goes with it, and perhaps a second line: what to try."""

    def __init__(self, message: str, status: int = 2, hint: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.hint = hint


class Stopped(BaseException):
    """A signal asked us to stop. It is not an Exception, so that error handlers let it pass."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.status = 128 + signum
        self.message = "stopped, no file was written"


def check() -> None:
    """Stop if a signal has arrived."""
    if received:
        raise Stopped(received[0])


def shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def one_line(text: str) -> str:
    """The text as one line of printable characters, so that a name cannot control the terminal."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


def install() -> None:
    """Set the handlers of signals, warnings and logs for this process."""
    warnings.showwarning = _warn
    sys.unraisablehook = _unraisable
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it reports on its font cache
    for each in SIGNALS:
        if signal.getsignal(each) != signal.SIG_IGN:  # nohup and background jobs of a shell ignore some
            signal.signal(each, _stop)


def _stop(signum: int, _frame: Any) -> NoReturn:
    for each in SIGNALS:  # a second Ctrl-C must not interrupt the cleanup
        signal.signal(each, signal.SIG_IGN)
    received.append(signum)
    raise Stopped(signum)


def _unraisable(problem: Any) -> None:
    """Report an exception that Python cannot raise, except a signal's, which `received` has."""
    if not isinstance(problem.exc_value, Stopped):
        sys.__unraisablehook__(problem)


def _warn(message: Warning | str, *_rest: Any, **_more: Any) -> None:
    print(f"cosine-fast: warning: {one_line(str(message))}", file=sys.stderr)


def _execute(arguments: Sequence[str]) -> None:
    try:
        from .commands import execute
    except ModuleNotFoundError as error:
        from . import facts

        if error.name != "click" or not facts.bare(arguments):
            raise
    else:
        execute(arguments)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; an error prints one line, and one more if the usage was wrong."""
    hint = ""
    try:
        _execute(arguments)
        return 0
    except CommandError as problem:
        message, status, hint = str(problem), problem.status, problem.hint
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        # Not "pip install cosine-fast[cli]": there is no cosine-fast on PyPI.
        message, status = f"{library} is not installed: pip install {library} (or the extra {EXTRAS[library]})", 2
    except Warning as warning:  # python -W error makes it an error
        message, status = str(warning), 2
    except MemoryError:
        message, status = "out of memory", 1
    except BrokenPipeError:  # quietly, as click has it: `| head` has read enough
        return 1
    except OSError as error:
        message, status = ": ".join(str(part) for part in (error.filename, error.strerror or error) if part), 1
    except Stopped as stopped:
        message, status = stopped.message, stopped.status
    print(f"cosine-fast: error: {one_line(message)}", *filter(None, [hint]), sep="\n", file=sys.stderr)
    return status
