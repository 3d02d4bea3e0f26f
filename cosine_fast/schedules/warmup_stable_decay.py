"""WarmupStableDecay: a line up, a constant, and a decay of one of several shapes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from ._base import Formula
from ._checks import INT64_MIN, LARGEST, check_fall, choice_of, nearest, number_of, rate_of
from ._joined import Joined, Segment, whole_length
from .constant_schedule import ConstantSchedule
from .cosine_decay import CosineDecay
from .exponential_decay import ExponentialDecay
from .polynomial_decay import PolynomialDecay

LEAST_RATIO = 2.0**-1022  # that has all its digits

# The decay from the peak in D steps to the end rate. A sign of -1: backwards, from the end rate to the peak.
DECAYS: dict[str, tuple[Callable[[float, int, float], Formula], float]] = {
    "linear": (PolynomialDecay, 1.0),
    "cosine": (lambda peak, D, end: CosineDecay(peak, D, end_learning_rate=end), 1.0),
    "1-sqrt": (lambda peak, D, end: PolynomialDecay(end, D, peak, 0.5), -1.0),
    "exponential": (lambda peak, D, end: ExponentialDecay(peak, D, nearest(Fraction(end) / Fraction(peak))), 1.0),
    "1-square": (lambda peak, D, end: PolynomialDecay(end, D, peak, 2.0), -1.0),
}


class WarmupStableDecay(Joined):
    """WSD: a linear warmup, a constant rate, and then a decay.

    With s the step, in optimizer steps, t = s - warmup_steps - stable_steps and x = t / decay_steps, the rate is::

        s < warmup_steps:     initial_learning_rate + (peak_learning_rate - initial_learning_rate) * s / warmup_steps
        t < 0:                peak_learning_rate
        t < decay_steps:      end_learning_rate + (peak_learning_rate - end_learning_rate) * f(x)
        else:                 end_learning_rate

    f(x) is 1 - x for ``decay="linear"``, (1 + cos(pi * x)) / 2 for "cosine", 1 - sqrt(x) for "1-sqrt" and 1 - x**2 for
    "1-square". For "exponential" the decay is ``peak_learning_rate * (end_learning_rate / peak_learning_rate) ** x``.

    Parameters
    ----------
    peak_learning_rate : float
        The rate after the warmup. If it is a NumPy float32, the results are float32.
    warmup_steps, stable_steps, decay_steps : int
        The lengths of the parts in steps; >= 0, and the decay's > 0.
    decay : {"linear", "cosine", "1-sqrt", "exponential", "1-square"}, default "linear"
        The shape of the decay.
    initial_learning_rate : float, default 0.0
        The rate at step 0, where the warmup begins.
    end_learning_rate : float, default 0.0
        The rate at the end of the decay and after it; for "exponential" > 0, as the peak, and at least 2**-1022 of it.
    name : str, default "WarmupStableDecay"
        Kept for configs; it has no effect.

    Raises
    ------
    ValueError
        If a parameter is not finite, out of its range, or no whole number of steps.
    TypeError
        If a parameter has another type.

    See Also
    --------
    warmup_stable_decay : Many of these schedules in one call.
    LinearDecay : A warmup and a line, without the constant rate.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Keras has no such
    schedule. Below step 0 the warmup's line goes on. NaN gives NaN, +inf the end rate. In float64 a rate is within 2
    ULP of the exact value, or within 3 where it is below 1e-300 or 1e30 times smaller than the peak. Where a "1-sqrt"
    decay has more than 2**53 steps, a fraction of a step is rounded: the rate there may be wrong by 2**-53 of the
    difference of peak and end besides. The rates at step 0, at the peak and from the end of the decay on are exact.

    References
    ----------
    Hu et al., "MiniCPM: Unveiling the Potential of Small Language Models with Scalable Training Strategies", 2024,
    arXiv:2404.06395; the shapes are compared in Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed
    Training Durations", NeurIPS 2024, arXiv:2405.18392. ``get_wsd_schedule`` of Transformers has the first three.

    Examples
    --------
    >>> schedule = WarmupStableDecay(1e-3, warmup_steps=100, stable_steps=800, decay_steps=100)
    >>> schedule([0, 50, 100, 900, 950, 1000])
    array([0.    , 0.0005, 0.001 , 0.001 , 0.0005, 0.    ])
    >>> WarmupStableDecay(1e-3, 100, 800, 100, decay="1-sqrt")(925)
    0.0005
    """

    __slots__ = ()
    _name = "joined_schedule"

    def __init__(
        self, peak_learning_rate: float, warmup_steps: int, stable_steps: int, decay_steps: int, *,
        decay: str = "linear", initial_learning_rate: float = 0.0, end_learning_rate: float = 0.0,
        name: str = "WarmupStableDecay",
    ) -> None:  # fmt: skip
        make, sign = DECAYS[choice_of("decay", decay, DECAYS)]
        peak, dtype = rate_of("peak_learning_rate", peak_learning_rate)
        warmup, stable = whole_length("warmup_steps", warmup_steps), whole_length("stable_steps", stable_steps)
        length = whole_length("decay_steps", decay_steps, positive=True)
        start = number_of("initial_learning_rate", initial_learning_rate)
        end = number_of("end_learning_rate", end_learning_rate)
        if decay == "exponential" and not (peak > 0.0 and end > 0.0 and LEAST_RATIO <= end / peak <= LARGEST):
            raise ValueError(
                "An exponential decay needs rates > 0, the end rate from 2**-1022 to 2**1000 times the peak. "
                f"Received: peak_learning_rate={peak_learning_rate}, end_learning_rate={end_learning_rate}"
            )
        check_fall(peak_learning_rate=peak, initial_learning_rate=start)
        check_fall(peak_learning_rate=peak, end_learning_rate=end)
        falls, ends = warmup + stable, warmup + stable + length
        segments = [
            Segment(PolynomialDecay(start, warmup or 1, peak), INT64_MIN, 0),
            Segment(ConstantSchedule(peak), warmup, 0),
            Segment(make(peak, length, end), falls, falls if sign > 0.0 else ends, sign),
            Segment(ConstantSchedule(end), ends, 0),
        ]
        if not warmup:
            segments = [segments[1]._replace(begin=INT64_MIN), *segments[2:]]
        given = (peak_learning_rate, warmup_steps, stable_steps, decay_steps, decay, initial_learning_rate)
        self._join((*given, end_learning_rate, name), dtype, segments, name, start)
