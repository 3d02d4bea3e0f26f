"""How options and configs are read. Needs click."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
import numpy as np

from cosine_fast import CosineDecay, LearningRateSchedule, deserialize
from cosine_fast.schedules._evaluation import as_array
from cosine_fast.serialization import with_class

from .signals import CommandError, shortened

if TYPE_CHECKING:
    from cosine_fast.stores import Plan

Made = TypeVar("Made")
CONFIG_LIMIT = 1 << 20  # bytes; a usual config has a few hundred
SWEEP_LIMIT = 1 << 26  # a list of a million schedules may take so much


# What people call these options elsewhere, in lower case and with hyphens.
HABITS = {
    "--lr": "--initial-learning-rate", "--learning-rate": "--initial-learning-rate",
    "--base-lr": "--initial-learning-rate", "--init-lr": "--initial-learning-rate",
    "--max-lr": "--warmup-target", "--lr-max": "--warmup-target", "--peak": "--warmup-target",
    "--peak-lr": "--warmup-target", "--warmup": "--warmup-steps", "--min-lr": "--end-learning-rate",
    "--lr-min": "--end-learning-rate", "--eta-min": "--end-learning-rate", "--floor": "--end-learning-rate",
    "--steps": "--decay-steps", "--num-steps": "--decay-steps", "--total-steps": "--decay-steps",
    "--max-steps": "--decay-steps", "--epochs": "--decay-steps", "--t-max": "--decay-steps",
    "--begin": "--start", "--end": "--stop", "--input": "--config", "--out": "--output",
}  # fmt: skip


class Range(click.FloatRange):
    """A range of numbers that `count` reads. Without it click would let NaN belong to a range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(count(value), param, ctx)


class Command(click.Command):
    """A command that refuses an option given twice, of which click would take the last."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            _, _, order = self.make_parser(ctx).parse_args(list(args))
            for each in order:
                if isinstance(each, click.Option) and not each.multiple and order.count(each) > 1:
                    raise click.UsageError(f"Option '{each.opts[-1]}' is given twice.", ctx)
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name.lower().replace("_", "-")
            meant = HABITS.get(name, name)
            if not any(meant in each.opts for each in self.params):
                raise
            text = f"No such option '{error.option_name}'. Did you mean '{meant}'?"
            raise click.UsageError(text, ctx) from None


def count(text: str) -> int | float:
    """The number in a text such as 1000000, 1_000_000, 1e6 or 0.5: an int if it is whole, else a float."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise click.BadParameter(f"expected a number, received {text!r}") from None
    if not number.is_finite() or number.adjusted() >= 30:  # an int of more digits takes long to make
        raise click.BadParameter(f"expected a finite number of at most 30 digits, received {text!r}")
    return int(number) if number == number.to_integral_value() else float(number)


def whole(text: str) -> int:
    number = count(text)
    if isinstance(number, float):
        raise click.BadParameter(f"expected a whole number, received {text!r}")
    return number


def positive(text: str) -> int:
    number = whole(text)
    if number < 1:
        raise click.BadParameter(f"expected at least 1, received {text!r}")
    return number


def number(name: str, kind: Callable[[str], Any], text: str, **rest: Any) -> Callable[[Any], Any]:
    """A decorator that adds an option whose value `kind` reads."""
    return click.option(name, type=kind, metavar="NUMBER", help=text, **rest)


def parameters(command: Any) -> Any:
    """A decorator that adds the options that are CosineDecay's parameters."""
    for option in (
        click.option("--name", help="Name of the schedule."),
        number("--warmup-steps", count, "Steps of the linear warmup.  [default: 0]"),
        number("--warmup-target", float, "Peak, at the end of the warmup; without it there is no warmup."),
        number("--end-learning-rate", float, "Floor, in place of --alpha."),
        number("--alpha", float, "Floor, as a fraction of the peak.  [default: 0]"),
        number("--decay-steps", count, "Steps of the cosine decay, after the warmup."),
        number("--initial-learning-rate", float, "Rate at step 0, whether or not there is a warmup."),
    ):
        command = option(command)
    return command


_CONFIG = "Config of any schedule: the JSON of keras.optimizers.schedules.serialize; or CosineDecay's parameters."
FILE: dict[str, Any] = {"type": click.Path(), "metavar": "FILE"}  # the type is for the completion of names alone
config = click.option("--config", **FILE, help=_CONFIG)
configs = click.option("--config", "configs", multiple=True, **FILE, help=f"{_CONFIG} Repeat it to compare.")
dtypes = click.Choice(["float64", "float32"])
dtype = click.option("--dtype", type=dtypes, default="float64", show_default=True, help="Type of the learning rates.")
# One thread by default: writing takes several times as long as computing on one thread. The other threads would spin
# while they wait; on a busy machine this made the whole run four times as slow.
_THREADS = "Number of threads that compute. Writing the file takes most of the time."
threads = click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help=_THREADS)
force = click.option("--force", is_flag=True, help="Overwrite existing files.")
quiet = click.option("-q", "--quiet", is_flag=True, help="Print no summary and no progress.")


def output(text: str) -> Callable[[Any], Any]:
    return click.option("-o", "--output", required=True, **FILE, help=text)


def table(*more: str) -> Callable[[Any], Any]:
    """A decorator that adds the options of a table as output, in one of the usual formats or in one of `more`."""
    kinds = ["npy", "csv", "parquet", "jsonl", *more]

    def decorated(command: Any) -> Any:
        text = "Format of the output.  [default: by its name; csv on standard output]"
        command = click.option("--format", "kind", type=click.Choice(kinds), help=text)(command)
        names = f"{', '.join(f'.{kind}' for kind in kinds[:-1])} or .{kinds[-1]}"
        return output(f"{names} file to write; - is standard output.")(command)

    return decorated


def store(command: Any) -> Any:
    """A decorator that adds the options of a .zarr store, which the command takes as one dict, `store`."""
    options = {
        "chunks": number("--chunks", positive, "Values of a store that are read at once.  [default: 4194304]"),
        "resume": click.option("--resume", is_flag=True, help="Go on with a store that is not complete."),
        "workers": click.option("--workers", type=click.IntRange(1, 1000), help="Worker processes that write a store."),
        "scheduler": click.option("--scheduler", metavar="ADDRESS", help="Dask's scheduler, as tcp://HOST:PORT."),
    }
    return _as_dict("store", options, command)


def _as_dict(name: str, options: dict[str, Any], command: Any) -> Any:
    """A command with these options, which it takes as one dict."""

    @functools.wraps(command)
    def with_dict(**given: Any) -> Any:
        return command(**{name: {key: given.pop(key) for key in options}}, **given)

    return functools.reduce(lambda decorated, option: option(decorated), reversed(options.values()), with_dict)


_HEIGHT = "Height in inches.  [default: 3.4, more with a legend]"


def picture(command: Any) -> Any:
    """A decorator that adds the options of a picture, which the command takes as one dict, `look`."""
    look = {
        "log": click.option("--log", is_flag=True, help="Logarithmic learning rates."),
        "log_x": click.option("--log-x", is_flag=True, help="Logarithmic steps, which show a short warmup."),
        "title": click.option("--title", help="Title of the picture.  [default: the name of a single schedule]"),
        "width": click.option("--width", type=Range(2, 50), help="Width in inches.  [default: 6]"),
        "height": click.option("--height", type=Range(1.5, 50), help=_HEIGHT),
        "dpi": click.option("--dpi", type=click.IntRange(10, 2400), help="Dots per inch of a .png.  [default: 300]"),
        "style": click.option("--style", help="Style of matplotlib, for example dark_background, or a .mplstyle file."),
    }
    return _as_dict("look", look, command)


_NOT_FINITE = ("nan", "inf", "infinity")


def steps_in(text: bytes) -> np.ndarray[Any, Any]:
    """The steps in a text, which are separated by spaces, lines or commas."""
    try:
        words = text.decode("utf-8-sig").replace(",", " ").split()
        steps = as_array([float(word) if word.lstrip("+-").lower() in _NOT_FINITE else count(word) for word in words])
    except (click.BadParameter, ValueError, OverflowError) as error:
        reason = error.message if isinstance(error, click.BadParameter) else str(error)
        raise CommandError(f"standard input: {shortened(reason, 200)}") from error
    if not steps.size:
        raise CommandError("standard input: has no steps")
    return steps


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object without duplicate keys (json keeps the last of them without a word)."""
    tree = dict(pairs)
    if len(tree) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(key for key in keys if keys.count(key) > 1)!r} appears twice")
    return tree


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def read_config(file: str) -> LearningRateSchedule:
    """The schedule that a JSON file describes."""
    expected = "the JSON of keras.optimizers.schedules.serialize, or the parameters of CosineDecay"
    return _read_json(file, CONFIG_LIMIT, lambda tree: deserialize(with_class(tree)), "a schedule", expected)


def read_sweep(file: str) -> Plan:
    """The sweep that a JSON file describes."""
    from cosine_fast.stores import plan_of

    expected = "schedule; one of grid, list and random; perhaps steps"
    return _read_json(file, SWEEP_LIMIT, plan_of, "a sweep", expected)


def _read_json(file: str, limit: int, made: Callable[[dict[str, Any]], Made], what: str, expected: str) -> Made:
    """What is made of the object in a JSON file."""
    try:
        with open(file, "rb") as stream:
            text = stream.read(limit + 1)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    try:
        if len(text) > limit:
            raise ValueError(f"larger than {limit:,} bytes")
        tree = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_no_constant)
        if not isinstance(tree, dict):
            raise ValueError(f"expected an object, received {type(tree).__name__}")
    except RecursionError:
        reason = "nested too deeply"
    except UnicodeDecodeError:
        reason = "not UTF-8"
    except ValueError as error:
        reason = str(error)
    else:
        with plain_errors(f"{file}: "):
            return made(tree)
    raise CommandError(f"{file}: not the config of {what}: {shortened(reason, 200)} (expected {expected})")


def schedule_of(config: str | None, options: dict[str, Any]) -> LearningRateSchedule:
    """The schedule of --config or of CosineDecay's options, whichever is given."""
    given = {key: value for key, value in options.items() if value is not None}
    if config is not None:
        if given:
            raise click.UsageError(f"{option_of(min(given))} cannot be given beside --config")
        return read_config(config)
    for key in ("initial_learning_rate", "decay_steps"):
        if key not in given:
            raise click.UsageError(f"{option_of(key)} is missing (or give --config FILE)")
    with plain_errors(called=option_of):
        return CosineDecay(**given)


@contextlib.contextmanager
def plain_errors(prefix: str = "", called: Callable[[str], str] = str) -> Iterator[None]:
    """Report errors and warnings of the library as `plain` has them, after a prefix such as the name of a file."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            yield
    except (ValueError, TypeError, OverflowError, UserWarning) as error:  # python -W error makes a warning an error
        text = prefix + shortened(plain(str(error), called), 200)
        raise (CommandError if prefix else click.UsageError)(text) from error
    for text in dict.fromkeys(str(warning.message).partition(" Received: ")[0] for warning in caught):
        warnings.warn(prefix + plain(text, called), stacklevel=2)


def plain(text: str, called: Callable[[str], str] = str) -> str:
    """A message of the library without Python's terms; `called` gives the name by which the user knows a parameter."""
    text = text.replace(".__init__() got an unexpected keyword argument", " has no parameter")
    text = re.sub(r"\.__init__\(\) missing \d+ required [\w-]+ arguments?:", " lacks", text)
    text = re.sub(r"\. A class of one's own .*", "", text)
    text = re.sub(r"(?:Arguments? )?`(\w+)`", lambda name: called(name[1]), text).replace("`", "")
    text = re.sub(r", \w+=None\b", "", text)
    text = re.sub(r"\.? Received: (?:\w+=(?=[^=]*$))?", ", got ", text)
    return re.sub(r"(\w+)=", lambda name: called(name[1]) + "=", text)


def option_of(parameter: str) -> str:
    return "--" + parameter.replace("_", "-")


def end_of(schedule: LearningRateSchedule, without: str = "--stop is missing") -> int:
    """The first step from which on the rate stays the same."""
    end: int | None = getattr(schedule, "_end", None)
    if end is None:
        raise click.UsageError(f"{without}: {type(schedule).__name__} has no end")
    return end


def steps_of(schedule: LearningRateSchedule, start: int, stop: int | None, step: int) -> range:
    """The steps asked for; by default up to the end of the schedule, with the first step of its last rate."""
    if step == 0:
        raise click.UsageError("--step: expected a whole number other than 0, received 0")
    steps = range(start, end_of(schedule) + 1 if stop is None else stop, step)
    if not steps:
        raise click.UsageError(f"there are no steps from --start {start} to --stop {steps.stop} by --step {step}")
    if not all(-(2**63) <= at < 2**63 for at in (steps[0], steps[-1])):
        raise click.UsageError(f"steps must fit in int64, received {steps[0]} to {steps[-1]}")
    if (steps.stop - steps.start) // steps.step >= 2**63 - 1:
        raise click.UsageError("--start, --stop and --step give more steps than a file can hold")
    return steps
