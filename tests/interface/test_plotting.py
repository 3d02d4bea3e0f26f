"""Pictures: what is in them, and that drawing them touches no global state."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import threading

import pytest

import cosine_fast
from cosine_fast import CosineDecay

pytest.importorskip("matplotlib", reason="pictures need matplotlib")

from cosine_fast import plotting

RUN = CosineDecay(0.0, 1_428_512, 0.1, warmup_target=4e-4, warmup_steps=2000)
PLAIN = CosineDecay(1e-3, 10_000)


def picture(*curves, kind="svg", stop=None, **options):
    curves = [curve if isinstance(curve, tuple) else (curve.name, curve) for curve in curves]
    if stop is None:
        stop = max(int(schedule.warmup_steps + schedule.decay_steps) for _, schedule in curves)
    file = io.BytesIO()
    plotting.draw(curves, file, kind, **{"start": 0, "stop": stop, **options})
    return file.getvalue()


def words(*curves, **options):
    """The texts in a picture: an SVG file has each in a comment beside its outline."""
    lines = picture(*curves, **options).decode().splitlines()
    return [line.strip()[5:-4] for line in lines if line.strip().startswith("<!-- ")]


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


def test_several_curves_have_a_legend():
    said = words(("first", RUN), ("second", PLAIN))
    for text in ("first", "second", "end of warmup", "floor"):
        assert text in said


@pytest.mark.parametrize("name", ["", "_hidden", "$\\frac{", "a<b>&-->", "tab\tline\nend", "x" * 5000])
def test_any_name_will_do(name):
    for kind in ("png", "svg", "pdf"):
        assert picture((name, RUN), (name, PLAIN), kind=kind, title=name)


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
