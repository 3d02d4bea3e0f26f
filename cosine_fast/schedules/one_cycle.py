"""OneCycle: a cosine up, and a cosine down."""

from __future__ import annotations

import math
from fractions import Fraction

from ._base import Formula
from ._checks import INT64_MIN, choice_of, nearest, number_of, rate_of
from ._joined import Joined, Segment, whole_length
from .constant_schedule import ConstantSchedule
from .cosine_decay import CosineDecay


class OneCycle(Joined):
    """The 1cycle policy: a cosine from the initial rate up to the peak, then a cosine down to the end rate.

    With s the step, in optimizer steps, and f(x) = (1 + cos(pi * x)) / 2, the rate is::

        s < rise:   peak_learning_rate + (initial - peak_learning_rate) * f(s / rise)
        else:       end + (peak_learning_rate - end) * f(min((s - rise) / (last - rise), 1))

        initial = peak_learning_rate / div_factor
        end     = initial / final_div_factor

    Parameters
    ----------
    peak_learning_rate : float
        The largest rate. If it is a NumPy float32, the results are float32.
    total_steps : int
        The number of steps; > 0.
    pct_start : float, default 0.3
        The fraction of the steps in which the rate rises; >= 0 and < 1.
    div_factor : float, default 25.0
        The peak over the initial rate; > 0.
    final_div_factor : float, default 1e4
        The initial rate over the end rate; > 0.
    dialect : {"optax", "torch"}, default "optax"
        Where the parts end. "optax": ``rise = int(pct_start * total_steps)`` and ``last = total_steps``. "torch":
        ``rise = pct_start * total_steps - 1`` and ``last = total_steps - 1``, the last step of the run.
    name : str, default "OneCycle"
        Kept for configs; it has no effect.

    Raises
    ------
    ValueError
        If a parameter is not finite or out of its range, or the peak would not lie at step 0 or later and before the
        last step.
    TypeError
        If a parameter has another type.

    See Also
    --------
    CosineDecay : A linear warmup, then a cosine.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Keras has no such
    schedule. Below step 0 the cosine of the rise goes on; if `rise` is 0, the rate is the peak there. Where `rise` has
    a fraction, fractional steps from there to the next whole one have the peak. NaN gives NaN, +inf the end rate. In
    float64 a rate is within 2 ULP of the exact value.

    References
    ----------
    Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", 2017,
    arXiv:1708.07120; ``optax.cosine_onecycle_schedule``; ``torch.optim.lr_scheduler.OneCycleLR``, with its defaults but
    for `total_steps`.

    Examples
    --------
    >>> schedule = OneCycle(0.1, 1000, div_factor=10.0, final_div_factor=100.0)
    >>> schedule([0, 150, 300, 650, 1000, 2000])
    array([0.01   , 0.055  , 0.1    , 0.05005, 0.0001 , 0.0001 ])
    """

    __slots__ = ()
    _name = "joined_schedule"

    def __init__(
        self, peak_learning_rate: float, total_steps: int, pct_start: float = 0.3, div_factor: float = 25.0,
        final_div_factor: float = 1e4, dialect: str = "optax", name: str = "OneCycle",
    ) -> None:  # fmt: skip
        peak, dtype = rate_of("peak_learning_rate", peak_learning_rate)
        steps = whole_length("total_steps", total_steps, positive=True)
        fraction = number_of("pct_start", pct_start)
        factors = number_of("div_factor", div_factor), number_of("final_div_factor", final_div_factor)
        if not 0.0 <= fraction < 1.0:
            raise ValueError(f"Argument `pct_start` must be >= 0 and < 1. Received: pct_start={pct_start}")
        if not min(factors) > 0.0:
            raise ValueError(
                "Arguments `div_factor` and `final_div_factor` must be > 0. "
                f"Received: div_factor={div_factor}, final_div_factor={final_div_factor}"
            )
        rising = nearest(Fraction(fraction) * steps)
        if choice_of("dialect", dialect, ("optax", "torch")) == "optax":
            rise, last = float(int(rising)), steps
        else:
            rise, last = nearest(Fraction(rising) - 1), steps - 1
        if not 0.0 <= rise < last:
            raise ValueError(
                "The peak must be at step 0 or later, and before the last step. "
                f"Received: total_steps={total_steps}, pct_start={pct_start}, dialect={dialect!r}"
            )
        initial = number_of("peak_learning_rate / div_factor", nearest(Fraction(peak) / Fraction(factors[0])))
        quotient = "peak_learning_rate / div_factor / final_div_factor"
        end = number_of(quotient, nearest(Fraction(initial) / Fraction(factors[1])))
        fall = nearest(last - Fraction(rise))
        rises: Formula = CosineDecay(initial, rise, end_learning_rate=peak) if rise else ConstantSchedule(peak)
        # Its warmup is flat, and reaches to where the rate begins to fall, which may be between two steps.
        target = peak if rise else None
        falls = CosineDecay(peak, fall, warmup_target=target, warmup_steps=rise, end_learning_rate=end)
        segments = [Segment(rises, INT64_MIN, 0), Segment(falls, math.ceil(rise), 0)]
        given = (peak_learning_rate, total_steps, pct_start, div_factor, final_div_factor, dialect, name)
        self._join(given, dtype, segments, name)
