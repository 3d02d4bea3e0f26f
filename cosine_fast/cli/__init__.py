"""The command line: ``cosine-fast precompute | sweep | evaluate | show | plot | info``.

`commands` says what each command does, `options` how options and configs are read, `files` how inputs are read and
outputs written, `storing` how stores are written, `facts` what `info` says, `signals` how a signal or an error becomes
one line on standard error and an exit status.

click, tqdm, pyarrow, polars, matplotlib, zarr and distributed are optional. `facts` and `signals` need no click. Only
`signals.run` imports `commands`, and with it the modules that need click. `storing` needs zarr; each function that
needs one of the other libraries imports it. `signals` names what to install if one is missing.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys

from . import signals
from .signals import run


def main() -> None:
    """Run the command line in sys.argv and exit."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed; opened now, or the next file would have its number
            setattr(sys, name, open(os.devnull, "r+"))  # noqa: SIM115
    signals.install()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names may have characters that a terminal lacks
    status = run(sys.argv[1:])
    with contextlib.suppress(OSError):
        sys.stdout.close()  # here, or Python reports a closed pipe once more
    sys.exit(status)
