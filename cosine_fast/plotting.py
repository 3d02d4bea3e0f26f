"""Pictures of learning-rate schedules, fit for a paper. Needs matplotlib.

They are drawn without pyplot, which keeps figures in global state and picks a window system: so `draw` works in a
worker thread and on a machine without a display.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .cli.signals import one_line, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

    from cosine_fast import LearningRateSchedule

SAMPLES = 2000  # more than a printed column has dots
MARKED = 60  # up to so many steps in the picture, every one gets a dot
SIZE = (6.0, 3.4)  # inches
DPI = 300
ROUND = [1, 2, 2.5, 5, 10]  # ticks at 200, 250 or 500, and not at 300 or 400
NAME_LENGTH = 60  # names come from files, and a long one would push the curve out of the picture
LARGEST = 1e300  # matplotlib adds margins to the largest rate
DECADES = 4  # of a logarithmic axis, where the curve goes down to zero

# Okabe and Ito's colours, which colour-blind people can tell apart, without black and yellow. The styles of line tell
# curves apart in grey print, and when there are more curves than colours.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES: tuple[Any, ...] = ("-", "--", "-.", (0, (1, 1.2)), (0, (5, 1, 1, 1, 1, 1)))
INK = "#333333"
GREY = "#777777"

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so a picture looks the same everywhere
    "font.size": 9,
    **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color"), INK),
    **dict.fromkeys(("axes.linewidth", "xtick.major.width", "ytick.major.width"), 0.6),
    "ytick.minor.width": 0.4,
    "axes.unicode_minus": True,
    "pdf.fonttype": 42,  # as outlines that journals accept, not Type 3
    "svg.hashsalt": "cosine_fast",  # the same picture is the same file
}
# Thin lines, drawn below the curves.
DOTTED: dict[str, Any] = {"linestyle": (0, (1, 2)), "linewidth": 0.7, "zorder": 1}
DASHED: dict[str, Any] = {"linestyle": (0, (4, 3)), "linewidth": 0.7, "zorder": 1}


def draw(
    curves: Sequence[tuple[str, LearningRateSchedule]], file: BinaryIO, kind: str, *, start: int, stop: int,
    log: bool = False, title: str | None = None,
) -> None:  # fmt: skip
    """Draw named schedules from step `start` to `stop` into a file of a kind: png, svg or pdf."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
        axes = figure.add_subplot()
        axes.set_prop_cycle(color=COLOURS * len(STYLES), linestyle=STYLES * len(COLOURS))
        lines, lows, highs = [], [], []
        for _, schedule in curves:
            ends = [_warmup(schedule), _end(schedule)]
            steps = np.unique(np.append(np.linspace(start, stop, SAMPLES), ends).clip(start, stop))
            rates = _rates(schedule, steps)
            if log:
                if not (rates > 0).any():
                    raise ValueError("a logarithmic axis needs a learning rate above 0")
                # A warmup from 0 or nearly 0 would squeeze the decay into the top of the axis.
                decay = rates[(steps >= _warmup(schedule)) & (rates > 0)]
                highs.append(np.nanmax(rates))
                lows.append(max(min(decay, default=0.0), highs[-1] / 10**DECADES))
            lines += axes.plot(steps, rates, linewidth=1.5, zorder=3)
            if stop - start <= MARKED:
                dots = np.arange(start, stop + 1)
                axes.plot(dots, _rates(schedule, dots), ".", color=lines[-1].get_color(), markersize=4, zorder=3)
        _scale(axes, start, stop, (min(lows), max(highs)) if log else None)
        if len(curves) == 1:
            _mark(axes, curves[0][1], start, stop)
        else:
            _mark_all(axes, curves, lines, start, stop)
        if title:
            axes.set_title(shortened(one_line(title), NAME_LENGTH), fontsize=10, pad=10, parse_math=False)
        # No date in the file: the same picture is the same file.
        dates = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
        figure.savefig(file, format=kind, metadata=dates[kind])


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


def _scale(axes: Axes, start: int, stop: int, rates: tuple[float, float] | None) -> None:
    """Axes, ticks and labels; `rates` are the limits of a logarithmic axis."""
    from matplotlib.ticker import EngFormatter, MaxNLocator, ScalarFormatter

    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("optimizer step")
    axes.set_ylabel("learning rate")
    margin = 0.01 * max(stop - start, 1)
    axes.set_xlim(start - margin, stop + margin)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=ROUND, integer=True))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 500k, 1M
    axes.grid(True, axis="y", color="#E6E6E6", linewidth=0.5)
    axes.set_axisbelow(True)
    if rates is not None:
        axes.set_yscale("log", nonpositive="mask")
        axes.set_ylim(rates[0] / 1.6, rates[1] * 1.6)
        return
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=ROUND))
    formatter = ScalarFormatter(useMathText=True)
    formatter.set_powerlimits((-2, 4))
    axes.yaxis.set_major_formatter(formatter)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 0.0) if low > 0 else low, high + 0.03 * (high - low))


def _mark(axes: Axes, schedule: Any, start: int, stop: int) -> None:
    """The warmup and the floor of the only curve, with their figures."""
    warmup = _warmup(schedule)
    span = max(stop - start, 1)
    top = axes.get_xaxis_transform()  # x in steps, y in heights of the axes
    if start < warmup <= stop:
        text = f"warmup\n{_count(schedule.warmup_steps)} steps"
        axes.axvspan(start, warmup, color="#000000", alpha=0.06, linewidth=0, zorder=0)
        axes.axvline(warmup, color=GREY, **DOTTED)
        x, y, side = (start + warmup) / 2, 0.98, "center"
        if (warmup - start) / span <= 0.15:  # too narrow to write in: half-way up, below the curve and above the floor
            x, y, side = warmup + 0.012 * span, 0.55, "left"
        axes.text(x, y, text, transform=top, color=GREY, fontsize=8, ha=side, va="top", linespacing=1.25)
    floor, height = _floor(schedule), axes.get_yaxis_transform()  # x in widths of the axes
    if floor is None or stop < _end(schedule):
        return
    if _in_view(axes, floor):
        axes.axhline(floor, color=GREY, **DASHED)
        label, at = f"floor {_rate(floor)}", floor
    else:  # a floor of 0 on a logarithmic axis
        label, at = f"floor {_rate(floor)}, below this axis", axes.get_ylim()[0]
    axes.annotate(
        label, (0.5, at), xycoords=height, xytext=(0, 3), textcoords="offset points", color=GREY, fontsize=8,
        ha="center", va="bottom",
    )  # fmt: skip


def _mark_all(
    axes: Axes, curves: Sequence[tuple[str, LearningRateSchedule]], lines: list[Line2D], start: int, stop: int
) -> None:
    """Warmups and floors of several curves, each in its colour, and the legend."""
    from matplotlib.lines import Line2D

    marks = {}
    for (_, schedule), line in zip(curves, lines, strict=True):
        warmup, floor = _warmup(schedule), _floor(schedule)
        if start < warmup <= stop:
            axes.axvline(warmup, color=line.get_color(), **DOTTED)
            marks["end of warmup"] = DOTTED
        if floor and _in_view(axes, floor):
            axes.axhline(floor, color=line.get_color(), **DASHED)
            marks["floor"] = DASHED
    names = [*(name for name, _ in curves), *sorted(marks)]
    lines = [*lines, *(Line2D([], [], color=GREY, **marks[name] | {"linewidth": 0.9}) for name in sorted(marks))]
    legend = axes.legend(lines, ["."] * len(lines), loc="best", frameon=False, fontsize=8, handlelength=2.6)
    # Given afterwards, for a legend leaves out names that begin with an underscore and sets $x$ as mathematics.
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(shortened(one_line(name), NAME_LENGTH))


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
