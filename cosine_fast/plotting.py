"""Pictures of learning-rate schedules, fit for a paper. Needs matplotlib.

They are drawn without pyplot, which keeps figures in global state and picks a window system: so `draw` works in a
worker thread and on a machine without a display. `plot` makes a figure of pyplot if it is given no axes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from weakref import WeakKeyDictionary

import numpy as np

from ._backend import shown
from .cli.signals import one_line, shortened
from .schedules._checks import integer_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

    from cosine_fast import LearningRateSchedule

SAMPLES = 2000  # more than a printed column has dots
MARKED = 60  # up to this many steps in the picture, every one gets a dot
SIZE = (6.0, 3.4)  # inches, without a legend below the axes
LEAST = 1.5  # inches of height, without the legend
ROW = 0.17  # inches that a row of the legend takes
ROOM = (2.5, 1.2)  # inches of the axes in which the texts of the marks and all ticks have room
DPI = 300
ROUND = [1, 2, 2.5, 5, 10]  # ticks at 200, 250 or 500, and not at 300 or 400
NAME_LENGTH = 60  # names come from files, and a long one would push the curve out of the picture
LARGEST = 1e300  # matplotlib adds margins to the largest rate
DECADES = 4  # of a logarithmic axis, where the curve goes down to zero

# Okabe and Ito's colours, which colour-blind people can tell apart, without black and yellow. The styles of line tell
# curves apart in grey print, and when there are more curves than colours.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES: tuple[Any, ...] = (
    "-", "--", "-.", (0, (1, 1.2)), (0, (5, 1, 1, 1, 1, 1)), (0, (9, 2)), (0, (2, 2)), (0, (5, 1, 5, 1, 1, 1)),
)  # fmt: skip
INK = "#333333"
FAINT = 0.7  # opacity of marks in the colour of text, which a style may change

FILES: dict[Any, Any] = {  # whatever the style
    "pdf.fonttype": 42,  # as outlines that journals accept, not Type 3
    "svg.hashsalt": "cosine_fast",  # the same picture is the same file
    "svg.fonttype": "none",  # text stays text
}
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so a picture looks the same everywhere
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlepad": 10,
    "lines.markersize": 4,
    **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color"), INK),
    **dict.fromkeys(("axes.linewidth", "xtick.major.width", "ytick.major.width"), 0.6),
    "ytick.minor.width": 0.4,
    "axes.unicode_minus": True,
    **FILES,
}
MARK = "_mark"  # label of marks, which are drawn anew when a curve is added
# Thin lines, drawn below the curves.
DOTTED: dict[str, Any] = {"linestyle": (0, (1, 2)), "linewidth": 0.7, "zorder": 1, "label": MARK}
THIN: dict[str, Any] = {"linestyle": "-", "linewidth": 0.4, "zorder": 1, "label": MARK}
DASHED: dict[str, Any] = {"linestyle": (0, (4, 3)), "linewidth": 0.7, "zorder": 1, "label": MARK}
EDGE: dict[str, Any] = {"linestyle": "", "marker": "<", "markersize": 4, "zorder": 1, "label": MARK}
TEXT: dict[str, Any] = {"alpha": FAINT, "fontsize": "small", "label": MARK}

DRAWN: WeakKeyDictionary[Line2D, LearningRateSchedule] = WeakKeyDictionary()  # the schedule of each curve


def draw(
    curves: Sequence[tuple[str, LearningRateSchedule]], file: BinaryIO, kind: str, *, start: int, stop: int,
    log: bool = False, log_x: bool = False, title: str | None = None, width: float | None = None,
    height: float | None = None, dpi: int | None = None, style: str | None = None,
) -> None:  # fmt: skip
    """Draw named schedules from step `start` to `stop` into a file of a kind: png, svg or pdf."""
    import matplotlib
    import matplotlib.style
    from matplotlib.figure import Figure

    known = ["default", *matplotlib.style.available]
    if style and style not in known and not Path(style).is_file():
        raise ValueError(f"--style: expected a .mplstyle file or one of {', '.join(known)}, received {style!r}")
    with matplotlib.rc_context(STYLE):
        if style:
            matplotlib.style.use(style)
        matplotlib.rcParams.update(FILES)
        width = width or SIZE[0]
        letters = min(NAME_LENGTH, int(16 * width) - 8)  # that fit into a row of the legend
        curves = [(shortened(name, letters), schedule) for name, schedule in curves]
        columns = 1 if max(len(name) for name, _ in curves) > letters // 2 - 4 else 2
        rows = math.ceil(len(curves) / columns) if len(curves) > 1 else 0
        least = LEAST + ROW * rows
        if height and height < least:
            raise ValueError(f"--height: expected at least {least:.2f} for so many curves, received {height:g}")
        figure = Figure(figsize=(width, height or SIZE[1] + ROW * rows), dpi=dpi or DPI, layout="constrained")
        axes = figure.add_subplot()
        own = matplotlib.rcParams["axes.prop_cycle"]
        colours = (
            COLOURS if own == matplotlib.rcParamsDefault["axes.prop_cycle"] else own.by_key().get("color", COLOURS)
        )
        axes.set_prop_cycle(_cycle(colours, len(curves)))
        legend = functools.partial(figure.legend, loc="outside lower center", ncols=columns)
        _draw(axes, curves, start, stop, log, log_x, title, legend)
        # No date in the file: the same picture is the same file.
        dates = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
        figure.savefig(file, format=kind, metadata=dates[kind])


def plot(
    schedule: LearningRateSchedule, stop: Any, axes: Axes | None, start: Any, log: bool, log_x: bool, title: str | None
) -> Axes:
    """Draw a schedule into someone's axes, or into a new figure of pyplot, which can show it."""
    given = stop
    if stop is None:
        end = _end(schedule)
        stop = 2**53 if end == math.inf else max(1, math.ceil(end * 1.04))  # with a little of the last rate
    start, stop = integer_of("start", start), integer_of("stop", stop)
    if not -(2**53) < start < stop < 2**53:
        raise ValueError(
            f"Argument `stop` must be the last step to draw, -2**53 < start < stop < 2**53; without it a schedule must "
            f"have an end in that range. Received: {type(schedule).__name__}, stop={shown(given)}, start={start}"
        )
    try:
        import matplotlib.axes
    except ModuleNotFoundError as error:
        raise ImportError("matplotlib is not installed: pip install matplotlib (or the extra plot)") from error
    if axes is None:
        from matplotlib import pyplot

        axes = pyplot.subplots(layout="constrained")[1]
    elif not isinstance(axes, matplotlib.axes.Axes):
        raise TypeError(f"Argument `ax` must be an Axes of matplotlib. Received: ax={shown(axes)}")
    name = getattr(schedule, "name", None) or type(schedule).__name__
    _draw(axes, [(name, schedule)], start, stop, log, log_x, title, axes.legend)
    return axes


def _draw(
    axes: Axes, curves: Sequence[tuple[str, LearningRateSchedule]], start: int, stop: int, log: bool, log_x: bool,
    title: str | None, legend: Callable[..., Legend],
) -> None:  # fmt: skip
    """Draw named schedules into axes, beside those that were drawn there before."""
    for name, schedule in curves:
        steps = _samples(schedule, start, stop)
        rates = _rates(schedule, steps)
        if log and not (rates > 0).any():
            raise ValueError("a logarithmic axis needs a learning rate above 0")
        (line,) = axes.plot(steps, rates, label=name, marker="." if stop - start <= MARKED else None)
        DRAWN[line] = schedule
    for old in [*axes.lines, *axes.patches, *axes.texts]:
        if old.get_label() == MARK:
            old.remove()
    lines: dict[Any, Any] = {line: DRAWN[line] for line in axes.lines if line in DRAWN}
    start = min(int(line.get_xdata()[0]) for line in lines)
    stop = max(int(line.get_xdata()[-1]) for line in lines)
    _scale(axes, lines, start, stop, log, log_x)
    first, *others = lines
    name = shortened(one_line(str(first.get_label())), NAME_LENGTH)
    if others:
        _mark_all(axes, lines, start, stop, legend)
    else:
        _mark(axes, lines[first], start, stop)
    if title is None and axes.get_title() in ("", name):
        title = "" if others else name
    if title is not None:
        axes.set_title(shortened(one_line(title), NAME_LENGTH), parse_math=False)


def _cycle(colours: Sequence[Any], count: int) -> Any:
    """The colours by turns, each with the style of line whose other colours are least like it."""
    from cycler import cycler
    from matplotlib.colors import to_rgb

    by_style: dict[Any, list[Any]] = {style: [] for style in STYLES}
    looks = []
    for number in range(count):
        colour = to_rgb(colours[number % len(colours)])
        distances = {s: min((math.dist(colour, c) for c in by_style[s]), default=math.inf) for s in STYLES}
        style = max(STYLES, key=distances.__getitem__)
        by_style[style].append(colour)
        looks.append((colour, style))
    return cycler(color=[colour for colour, _ in looks]) + cycler(linestyle=[style for _, style in looks])


def _samples(schedule: Any, start: int, stop: int) -> NDArray[np.int64]:
    """The steps to draw a curve from: evenly and by powers, for a short warmup, and those where the curve bends."""
    powers = np.geomspace(1, max(-start, stop, 2), SAMPLES)
    joints = np.array([_warmup(schedule), _end(schedule), *_joints(schedule)], np.float64)
    samples = np.concatenate([np.linspace(start, stop, SAMPLES), powers, -powers, joints - 1, joints])
    return np.unique(samples.round().clip(start, min(stop, 2**63 - 1024))).astype(np.int64)  # a float has 53 bits


def _joints(schedule: Any) -> list[int]:
    """The steps at which the segments of a joined schedule begin, but for the first."""
    return [segment.begin for segment in getattr(schedule, "_segments", [])[1:]]


def _mark_segments(axes: Axes, schedule: Any, start: int, stop: int, **look: Any) -> bool:
    """Draw thin lines where segments begin, unless they are too many to see; return whether there are any."""
    joints = [joint for joint in _joints(schedule) if start < joint <= stop and joint != _warmup(schedule)]
    if len(joints) > MARKED:
        return False
    for joint in joints:
        axes.axvline(joint, **THIN, **look)
    return bool(joints)


def _warmup(schedule: Any) -> float:
    """Where the warmup ends; 0 if there is none."""
    return 0.0 if getattr(schedule, "warmup_target", None) is None else float(schedule.warmup_steps)


def _end(schedule: Any) -> float:
    """The first step from which on the rate stays the same; infinity if there is none."""
    end = getattr(schedule, "_end", None)
    return math.inf if end is None else float(end)


def _floor(schedule: Any) -> float | None:
    """The rate at the end, as a fraction of the peak called alpha; None if there is none."""
    return float(schedule(math.inf)) if hasattr(schedule, "alpha") and _end(schedule) < math.inf else None


def _rates(schedule: Any, steps: NDArray[Any]) -> NDArray[np.float64]:
    """The rates, with gaps where they are too large for an axis."""
    rates = np.array(schedule(steps), np.float64)
    rates[~(np.abs(rates) <= LARGEST)] = np.nan
    return rates


def _scale(axes: Axes, lines: Mapping[Any, Any], start: int, stop: int, log: bool, log_x: bool) -> None:
    """Axes, ticks and labels."""
    from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, ScalarFormatter, SymmetricalLogLocator

    axes.spines[["top", "right"]].set_visible(False)
    axes.set(xlabel="optimizer step", ylabel="learning rate", xmargin=0.01)
    near = min(abs(start), abs(stop)) if start * stop > 0 else 0
    far = max(abs(start), abs(stop))
    if log_x and far >= 10 * near:  # within a decade a logarithmic axis looks linear, and lacks ticks
        axes.set_xscale("symlog", linthresh=1, linscale=0.5)  # so that it has step 0, and negative ones
        powers = SymmetricalLogLocator(base=10, linthresh=1, subs=[1, 2, 5] if far < 100 * near else [1])
        powers.set_params(numticks=axes.xaxis.get_tick_space())
        axes.xaxis.set_major_locator(powers)
    elif axes.get_xscale() == "linear":
        nbins = axes.xaxis.get_tick_space() // 2 + 1
        axes.xaxis.set_major_locator(MaxNLocator(nbins=nbins, steps=ROUND, integer=True))
    # 500k, 1M; where that would not tell ticks apart, differences from a step that is written once.
    axes.xaxis.set_major_formatter(ScalarFormatter() if stop - start < 1e-4 * far else EngFormatter(sep=""))
    axes.grid(True, axis="y", color=_ink(), alpha=0.12, linewidth=0.5)
    axes.set_axisbelow(True)
    if log or axes.get_yscale() == "log":
        axes.set_yscale("log", nonpositive="mask")
        if not _has_room(axes):
            axes.yaxis.set_minor_locator(LogLocator(subs=[2, 4]))
        axes.set_ylim(*_limits(lines))
        return
    axes.update_datalim([(start, 0.0)])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=axes.yaxis.get_tick_space() // 2 + 1, steps=ROUND))
    formatter = ScalarFormatter(useMathText=True)
    formatter.set_powerlimits((-2, 4))
    axes.yaxis.set_major_formatter(formatter)


def _limits(lines: Mapping[Any, Any]) -> tuple[float, float]:
    """The least and the largest rate on a logarithmic axis."""
    lows, highs = [], []
    for line, schedule in lines.items():
        steps, rates = line.get_data()
        highs.append(np.nanmax(rates))
        # A warmup from 0 or nearly 0 would squeeze the decay into the top of the axis.
        decay = rates[(steps >= _warmup(schedule)) & (rates > 0)]
        lows.append(max(min(decay, default=0.0), highs[-1] / 10**DECADES))
    return min(lows) / 1.6, max(highs) * 1.6


def _mark(axes: Axes, schedule: Any, start: int, stop: int) -> None:
    """The segments, the warmup and the floor of the only curve, the latter two with their figures if there is room."""
    _mark_segments(axes, schedule, start, stop, color=_ink(), alpha=FAINT)
    warmup, floor = _warmup(schedule), _floor(schedule)
    if start < warmup <= stop:
        axes.axvspan(start, warmup, color=_ink(), alpha=0.07, linewidth=0, zorder=0, label=MARK)
        axes.axvline(warmup, color=_ink(), alpha=FAINT, **DOTTED)
        low = axes.get_ylim()[0]
        to_axes = axes.transData + axes.transAxes.inverted()  # in widths and heights of the axes
        left, right = to_axes.transform([(start, low), (warmup, low)])[:, 0]
        x, y, side = (left + right) / 2, 0.98, "center"
        if right - left <= 0.15:  # too narrow to write in: half-way up, below the curve and above the floor
            x, y, side = right + 0.012, 0.55, "left"
        if _has_room(axes):
            text = f"warmup\n{_count(schedule.warmup_steps)} steps"
            axes.text(x, y, text, transform=axes.transAxes, ha=side, va="top", linespacing=1.25, **TEXT)
    if floor is None or stop < _end(schedule):
        return
    label, at = f"floor {_rate(floor)}", floor
    if _in_view(axes, floor):
        axes.axhline(floor, color=_ink(), alpha=FAINT, **DASHED)
    else:  # a floor of 0 on a logarithmic axis
        label, at = f"{label}, below this axis", axes.get_ylim()[0]
    if _has_room(axes):
        where = 0.5 if axes.get_xscale() == "linear" else 0.85, at  # where the curve is far above
        place: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
        axes.annotate(label, where, (0, 3), ha="center", va="bottom", **place, **TEXT)


def _mark_all(axes: Axes, lines: Mapping[Any, Any], start: int, stop: int, legend: Callable[..., Legend]) -> None:
    """Segments, warmups and floors of several curves, each in its colour, and the legend.

    A floor is a mark at the edge: a line would lie on the end of its curve, dashes on dashes.
    """
    from matplotlib.lines import Line2D

    marks: dict[str, dict[str, Any]] = {}
    edge = axes.get_yaxis_transform()  # x in widths of the axes
    for line, schedule in lines.items():
        warmup, floor = _warmup(schedule), _floor(schedule)
        if start < warmup <= stop:
            axes.axvline(warmup, color=line.get_color(), **DOTTED)
            marks["end of warmup"] = DOTTED
        if _mark_segments(axes, schedule, start, stop, color=line.get_color()):
            marks["start of a segment"] = THIN
        if floor and _in_view(axes, floor):
            axes.add_line(Line2D([1], [floor], color=line.get_color(), transform=edge, clip_on=False, **EDGE))
            marks["floor"] = EDGE
    names = [*_told_apart([str(line.get_label()) for line in lines]), *sorted(marks)]
    handles = [*lines, *(Line2D([], [], color=_ink(), alpha=FAINT, **marks[name]) for name in sorted(marks))]
    drawn = legend(handles, ["."] * len(names), frameon=False, fontsize="small", handlelength=3.2)
    # Given afterwards, for a legend leaves out names that begin with an underscore and sets $x$ as mathematics.
    for text, name in zip(drawn.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(shortened(one_line(name), NAME_LENGTH))


def _told_apart(names: list[str]) -> list[str]:
    """The names, with numbers where they are the same."""
    return [f"{name} ({names[: i + 1].count(name)})" if names.count(name) > 1 else name for i, name in enumerate(names)]


def _ink() -> Any:
    import matplotlib

    return matplotlib.rcParams["text.color"]


def _has_room(axes: Axes) -> bool:
    return bool((axes.bbox.size >= np.multiply(ROOM, axes.figure.dpi)).all())


def _in_view(axes: Axes, rate: float) -> bool:
    low, high = sorted(axes.get_ylim())
    return low <= rate <= high


def _count(steps: float) -> str:
    return f"{steps:,}" if steps == int(steps) else f"{steps:,.6g}"


def _rate(rate: float) -> str:
    """A rate as people write it: 0.4, 4e-5."""
    text = f"{rate:.4g}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else text
