"""Pictures: what is in them, and that drawing them touches no global state."""

from __future__ import annotations

import io
import itertools
import math
import struct
import subprocess
import sys
import threading
from xml.etree import ElementTree

import numpy as np
import pytest
from family import ordinary

import cosine_fast
from cosine_fast import CosineDecay

pytest.importorskip("matplotlib", reason="pictures need matplotlib")

from matplotlib import colors

from cosine_fast import plotting

RUN = CosineDecay(0.0, 1_428_512, 0.1, warmup_target=4e-4, warmup_steps=2000)
PLAIN = CosineDecay(1e-3, 10_000)
SVG = "{http://www.w3.org/2000/svg}"


def picture(*curves, kind="svg", stop=None, **options):
    curves = [curve if isinstance(curve, tuple) else (curve.name, curve) for curve in curves]
    if stop is None:
        stop = max(int(schedule.warmup_steps + schedule.decay_steps) for _, schedule in curves)
    file = io.BytesIO()
    plotting.draw(curves, file, kind, **{"start": 0, "stop": stop, **options})
    return file.getvalue()


def words(*curves, **options):
    """The texts in a picture: in an SVG file they stay text."""
    texts = ElementTree.fromstring(picture(*curves, **options)).iter(f"{SVG}text")
    return ["".join(text.itertext()).strip() for text in texts]


def test_what_a_picture_says():
    said = words(RUN, title="A run")
    for text in ("optimizer step", "learning rate", "A run", "500k", "1M", "floor 4e-5"):
        assert text in said
    assert any("warmup" in text for text in said)
    assert "2,000 steps" in " ".join(said)
    assert not any("warmup" in text for text in words(PLAIN))
    assert "floor 0" in words(PLAIN)


def test_floor_is_marked_only_where_the_curve_is_down():
    assert not any("floor" in text for text in words(RUN, stop=1000))


def test_floor_of_zero_on_a_logarithmic_axis():
    assert "floor 0, below this axis" in words(PLAIN, log=True)
    with pytest.raises(ValueError, match="above 0"):
        picture(CosineDecay(0.0, 10), log=True)


def test_a_short_warmup_on_a_logarithmic_axis(monkeypatch):
    """The curve rises from its first positive rate."""
    axes = figure_of(monkeypatch, RUN, log=True).axes[0]
    rates = axes.lines[0].get_ydata()
    assert min(rates[rates > 0]) == RUN(1) < axes.get_ylim()[0]


def test_several_curves_have_a_legend():
    said = words(("first", RUN), ("second", PLAIN))
    for text in ("first", "second", "end of warmup", "floor"):
        assert text in said


@pytest.mark.parametrize("kind", ["svg", "pdf"])  # a .png has no text of its own
def test_any_name_will_do(kind):
    names = ["", "_hidden", "$\\frac{", "a<b>&-->", "tab\tline\nend", "x" * 5000]
    assert picture(*[(name, PLAIN) for name in names], kind=kind)
    for name in names if kind == "svg" else ["".join(names)]:
        assert picture(PLAIN, kind=kind, title=name)


def test_png_is_fit_for_print():
    data = picture(RUN, kind="png")
    width, height = struct.unpack(">II", data[16:24])
    at = data.index(b"pHYs") + 4
    per_metre = struct.unpack(">I", data[at : at + 4])[0]
    assert per_metre * 0.0254 > 199
    assert width >= 1500
    assert height >= 800


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_picture_is_the_same_file(kind):
    assert picture(RUN, PLAIN, kind=kind) == picture(RUN, PLAIN, kind=kind)


@pytest.mark.parametrize(
    "schedule",
    [
        CosineDecay(1.0, 1),
        CosineDecay(1.0, 0.25),
        CosineDecay(1.0, 5, warmup_target=2.0, warmup_steps=2),
        CosineDecay(0.0, 5),
        CosineDecay(-1.0, 5, alpha=0.5),
        CosineDecay(1e-300, 5),
        CosineDecay(1e300, 2**62),
        CosineDecay(1.0, 10, alpha=1.0),
        CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=1000.5),
    ],
    ids=str,
)
def test_unusual_schedules(schedule):
    assert picture(schedule, kind="png")
    assert picture(schedule, PLAIN, kind="png")


def test_only_a_decay_to_alpha_has_a_floor():
    schedule = cosine_fast.PolynomialDecay(1.0, 10, end_learning_rate=2.0)
    assert not any("floor" in text for text in words(schedule, stop=20))


@pytest.mark.parametrize(
    "schedule",
    [
        cosine_fast.ExponentialDecay(1.0, 1, 1e9),
        cosine_fast.ExponentialDecay(-1.0, 1, 1e9),
        cosine_fast.ExponentialDecay(1.0, 5, 0.0),
        cosine_fast.ExponentialDecay(1.0, 5, -0.5, staircase=True),
        cosine_fast.InverseTimeDecay(1.0, 10, -0.5),
        cosine_fast.PolynomialDecay(1.0, 10, power=-2.0),
        cosine_fast.PolynomialDecay(1.0, 10, power=0.0),
        cosine_fast.CosineDecayRestarts(1.0, 3, m_mul=1e30, t_mul=1.0),
        cosine_fast.CosineDecayRestarts(1.0, 3, t_mul=0.5),
        cosine_fast.PiecewiseConstantDecay([], [1e300]),
        cosine_fast.PiecewiseConstantDecay([1e308], [-1.7e308, 1.7e308]),
    ],
    ids=str,
)
def test_rates_that_no_axis_shows(schedule):
    """Infinite rates and poles leave gaps."""
    assert picture(schedule, kind="png", stop=1000)


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (5, 6), (-100, 100), (10**9, 10**9 + 5), (2**62, 2**63 - 1)])
def test_any_window(start, stop):
    assert picture(RUN, kind="png", start=start, stop=stop)
    assert picture(RUN, PLAIN, kind="png", start=start, stop=stop, log_x=True)


def figure_of(monkeypatch, *curves, **options):
    """The figure, as matplotlib's objects."""
    from matplotlib.figure import Figure

    kept = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: kept.append(figure))
    picture(*curves, **options)
    return kept[0]


def curves_of(axes):
    return [line for line in axes.lines if line.get_label() != plotting.MARK]


def test_a_single_curve_has_its_name():
    assert "CosineDecay" in words(RUN)
    assert "A run" in words(("A run", RUN))
    assert "CosineDecay" not in words(RUN, title="")


def test_names_and_ticks_do_not_repeat(monkeypatch):
    said = words(("run", RUN), ("run", PLAIN), ("other", PLAIN))
    assert {"run (1)", "run (2)", "other"} <= {*said}
    for start, stop in ((0, 10**6), (10**6, 10**6 + 20), (10**9, 10**9 + 5), (1_400_000, 1_400_300)):
        figure = figure_of(monkeypatch, RUN, start=start, stop=stop)
        figure.draw_without_rendering()
        for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
            labels = [label.get_text() for label in axis.get_majorticklabels()]
            assert len(labels) == len({*labels}) > 1, labels


@pytest.mark.parametrize(
    ("start", "stop"), [(1_400_000, 1_430_000), (10**9, 10**9 + 100), (1500, 16_000), (-30, -20), (0, 10**6), (-5, 5)]
)
def test_ticks_of_logarithmic_steps(monkeypatch, start, stop):
    """At least two, also within a decade."""
    axes = figure_of(monkeypatch, RUN, start=start, stop=stop, log_x=True).axes[0]
    assert sum(start <= tick <= stop for tick in axes.get_xticks()) > 1


def test_a_small_picture(monkeypatch):
    """Ticks do not overlap, marks have no texts, and names fit; more curves need more height."""
    for log in (False, True):
        figure = figure_of(monkeypatch, RUN, width=2, height=1.5, log=log, log_x=log)
        figure.draw_without_rendering()
        (axes,) = figure.axes
        assert not axes.texts
        for ticks in (axes.get_xticklabels(), axes.get_yticklabels(which="both")):
            boxes = [label.get_window_extent() for label in ticks if label.get_text()]
            assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    many = [("the name of run " + "x" * i, RUN) for i in range(13)]
    with pytest.raises(ValueError, match=r"--height: expected at least 3.71 for so many curves, received 2.5"):
        picture(*many, width=3, height=2.5)
    figure = figure_of(monkeypatch, *many, width=3, height=3.8)
    figure.draw_without_rendering()
    for box in (figure.legends[0].get_window_extent(), figure.axes[0].yaxis.label.get_window_extent()):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1


def test_floors_of_several_lie_on_no_curve(monkeypatch):
    """Each is a mark at the edge, in the colour of its curve."""
    axes = figure_of(monkeypatch, *[CosineDecay(x, 9, 0.1, name=str(x)) for x in (1, 2, 3)]).axes[0]
    marks = [line for line in axes.lines if line.get_marker() == "<"]
    curves = curves_of(axes)
    assert [mark.get_linestyle() for mark in marks] == ["None"] * 3
    assert [mark.get_color() for mark in marks] == [curve.get_color() for curve in curves]
    assert [mark.get_ydata()[0] for mark in marks] == pytest.approx([0.1, 0.2, 0.3])
    curve, *_ = figure_of(monkeypatch, RUN).axes[0].lines
    assert curve.get_linestyle() == "-"


def lab(color):
    """CIELAB coordinates, in which two colors that look alike are near."""
    rgb = np.array(colors.to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]] @ linear / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("style", [None, "dark_background", "grayscale", "tableau-colorblind10"])
@pytest.mark.parametrize("name", ["run {}", "a name that is as long as names of runs often are {}"])
def test_twelve_curves(monkeypatch, style, name):
    """No two with the same dashes have similar colors, and the legend is below the axes, with all of their names."""
    schedules = [(name.format(i), CosineDecay(1.0 + i, 90, 0.1)) for i in range(12)]
    figure = figure_of(monkeypatch, *schedules, style=style)
    for one, other in itertools.combinations(curves_of(figure.axes[0]), 2):
        if one._unscaled_dash_pattern == other._unscaled_dash_pattern:
            assert math.dist(lab(one.get_color()), lab(other.get_color())) > 29
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [*(name.format(i) for i in range(12)), "floor"]
    figure.draw_without_rendering()
    assert legend.get_window_extent().width < 0.9 * figure.bbox.width
    assert legend.get_window_extent().y1 < figure.axes[0].get_window_extent().y0
    assert figure.axes[0].get_window_extent().height > 0.45 * figure.bbox.height


def test_the_legend_lies_on_no_line(monkeypatch):
    wsd = cosine_fast.WarmupStableDecay(1.0, 100, 800, 100)
    figure = figure_of(monkeypatch, wsd, ("other", wsd), stop=1100)
    figure.draw_without_rendering()
    assert figure.legends[0].get_window_extent().y1 < figure.axes[0].get_window_extent().y0


def test_styles(tmp_path):
    """Those of matplotlib and files; whatever the style, the text of an SVG file stays text."""
    file = tmp_path / "own.mplstyle"
    file.write_text("text.color: ff0000\n")
    assert "CosineDecay" in words(RUN, style="default")
    assert b"#ff0000" in picture(RUN, style=str(file))
    with pytest.raises(ValueError, match=r"--style: expected a .mplstyle file or one of default, .*, received 'no'"):
        picture(RUN, style="no")


def test_a_short_warmup_can_be_seen(monkeypatch):
    axes = figure_of(monkeypatch, RUN, log_x=True).axes[0]
    axes.figure.draw_without_rendering()
    curve, *_ = axes.lines
    x, y = curve.get_transform().transform(curve.get_xydata()).T
    assert (x[y.argmax()] - x[0]) / (x[-1] - x[0]) > 0.4
    assert (curve.get_xdata() < 2000).sum() > 500
    label = next(text for text in axes.texts if text.get_text().startswith("warmup"))
    assert label.get_window_extent().x1 < x[y.argmax()]


def test_segments_are_marked(monkeypatch):
    """At each boundary within the picture; not twice where a warmup ends; a thousand of them would hide the curve."""
    wsd = cosine_fast.WarmupStableDecay(1.0, 100, 800, 100)
    linear = cosine_fast.LinearDecay(0.0, 900, warmup_target=1.0, warmup_steps=100)
    many = cosine_fast.join_schedules([cosine_fast.ConstantSchedule(0.1)] * 1000, range(1, 1000))

    def marked(figure):
        thin = [line for line in figure.axes[0].lines if line.get_linewidth() == plotting.THIN["linewidth"]]
        return [line.get_xdata()[0] for line in thin]

    assert marked(figure_of(monkeypatch, wsd, stop=1100)) == [100, 900, 1000]
    assert marked(figure_of(monkeypatch, wsd, stop=950)) == [100, 900]
    assert marked(figure_of(monkeypatch, wsd, linear, PLAIN, stop=1100)) == [100, 900, 1000]
    assert marked(figure_of(monkeypatch, many, stop=1100)) == []
    monkeypatch.undo()
    assert "start of a segment" in words(wsd, linear, stop=1100)


# ---------------------------------------------------------------------------------- schedule.plot


@pytest.fixture
def axes():
    from matplotlib.figure import Figure

    return Figure().add_subplot()


@pytest.mark.parametrize("schedule", ordinary(cosine_fast), ids=repr)
def test_plot_of_any_schedule(schedule, axes):
    """The curve has the schedule's own rates, at whole steps, up to `stop`."""
    assert schedule.plot(3000, axes) is axes
    (curve,) = curves_of(axes)
    steps, rates = curve.get_data()
    assert rates.tolist() == schedule(steps).tolist()
    assert (steps[0], steps[-1], steps.dtype) == (0, 3000, np.int64)
    assert curve.get_label() == schedule.name
    begins = [segment.begin for segment in getattr(schedule, "_segments", [])[1:]]
    assert {*begins} <= {*steps}


def test_plot_draws_what_the_command_draws(axes):
    """Title, texts and ticks of a single curve; a legend of several."""
    RUN.plot(ax=axes)
    axes.figure.draw_without_rendering()
    assert axes.get_title() == "CosineDecay"
    assert [text.get_text() for text in axes.texts] == ["warmup\n2,000 steps", "floor 4e-5"]
    assert {"500k", "1M"} <= {label.get_text() for label in axes.get_xticklabels()}
    cosine_fast.WarmupStableDecay(1e-3, 100, 800, 100, name="other").plot(ax=axes)
    assert axes.get_title() == ""
    assert list(axes.texts) == []
    said = [text.get_text() for text in axes.get_legend().get_texts()]
    assert said == ["CosineDecay", "other", "end of warmup", "floor", "start of a segment"]
    assert axes.get_ylim()[1] > 1e-3


def test_plot_options(axes):
    axes.set_title("mine")
    RUN.plot(5000, axes, start=100, log=True, log_x=True)
    assert [curve.get_xdata()[[0, -1]].tolist() for curve in curves_of(axes)] == [[100, 5000]]
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_title()) == ("symlog", "log", "mine")
    assert PLAIN.plot(ax=axes, title="both").get_title() == "both"


def test_plot_by_default():
    """In a new figure of pyplot, to a little past the end."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    for schedule, stop in ((RUN, 1_487_733), (cosine_fast.ConstantSchedule(0.1), 1), (CosineDecay(0.1, 50), 52)):
        axes = schedule.plot()
        assert axes.figure in map(pyplot.figure, pyplot.get_fignums())
        curve = axes.lines[0]
        assert curve.get_xdata()[-1] == stop
        assert curve.get_marker() == ("." if stop <= plotting.MARKED else "None")
        assert PLAIN.plot(ax=axes) is axes
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("optimizer step", "learning rate")
        pyplot.close(axes.figure)


def test_plot_takes_matplotlibs_settings():
    """Styles of line, too, come from the cycle of the axes."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"axes.prop_cycle": "cycler(color='rg') + cycler(linestyle=['-', '--'])"}):
        axes = Figure().add_subplot()
    lines = [curves_of(PLAIN.plot(ax=axes))[-1] for _ in range(2)]
    assert [(line.get_color(), line.get_linestyle()) for line in lines] == [("r", "-"), ("g", "--")]


def test_plot_of_ones_own_schedule(axes):
    class Own(cosine_fast.LearningRateSchedule):
        def __call__(self, step):
            return 0.5**step

    assert Own().plot(10, axes).lines[0].get_ydata().tolist() == [0.5**step for step in range(11)]
    assert axes.lines[0].get_label() == "Own"


@pytest.mark.parametrize("stop", [0, -1, 2**53])
def test_plot_refuses(stop, axes):
    with pytest.raises(ValueError, match="Argument `stop` must be the last step"):
        PLAIN.plot(stop, axes)
    for bad in (1.5, "x"):
        with pytest.raises(TypeError, match=r"Argument `stop` must be an integer. Received: stop="):
            PLAIN.plot(bad, axes)
    with pytest.raises(TypeError, match=r"Argument `start` must be an integer. Received: start='x'"):
        PLAIN.plot(5, axes, start="x")
    with pytest.raises(TypeError, match=r"Argument `ax` must be an Axes of matplotlib. Received: ax=3"):
        PLAIN.plot(ax=3)
    with pytest.raises(ValueError, match=r"start < stop.*stop=5, start=5"):
        PLAIN.plot(5, axes, start=5)
    for schedule in (cosine_fast.ExponentialDecay(0.1, 10, 0.5), CosineDecay(0.1, 2**60)):
        with pytest.raises(ValueError, match=rf"a schedule must have an end.*{type(schedule).__name__}, stop=None"):
            schedule.plot(ax=axes)


def test_plot_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"matplotlib is not installed: pip install matplotlib \(or the extra plot\)"):
        PLAIN.plot()


def test_light_and_dark(monkeypatch):
    for style, ink, paper in ((None, plotting.INK, "white"), ("dark_background", "white", "black")):
        figure = figure_of(monkeypatch, RUN, style=style)
        axes = figure.axes[0]
        assert figure.get_facecolor() == axes.get_facecolor() == colors.to_rgba(paper)
        texts = [*axes.texts, axes.title, axes.xaxis.label, *axes.get_xticklabels()]
        assert {colors.to_hex(text.get_color()) for text in texts} == {colors.to_hex(ink)}


def test_a_thread_draws_the_same():
    """One at a time, because matplotlib's settings belong to the process."""
    expected = picture(RUN, kind="png")
    drawn = []
    thread = threading.Thread(target=lambda: drawn.append(picture(RUN, kind="png")))
    thread.start()
    thread.join()
    assert drawn == [expected]


def test_pyplot_stays_out():
    program = (
        "import io, sys\n"
        "from cosine_fast import CosineDecay, plotting\n"
        "assert 'matplotlib' not in sys.modules\n"
        "plotting.draw([('a', CosineDecay(1.0, 10))], io.BytesIO(), 'png', start=0, stop=10)\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
