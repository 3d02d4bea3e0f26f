"""InverseSquareRootDecay: the rate falls as one over the square root of the step."""

from __future__ import annotations

from ._base import Formula
from ._checks import INT64_MAX, check_size, exact_of, number_of, rate_of, received, steps_of


class InverseSquareRootDecay(Formula):
    """The inverse square root schedule of Transformers: constant at first, then 1 / sqrt(step).

    With s the step, in optimizer steps, the rate is::

        initial_learning_rate * sqrt(timescale / max(s + shift, timescale))

    Parameters
    ----------
    initial_learning_rate : float
        The rate while s + shift <= timescale. If it is a NumPy float32, the results are float32.
    timescale : int or float
        The number of steps after which the rate begins to fall; > 0. Integers are exact up to 2**63 - 1.
    shift : int or float, default 0
        A number of steps that is added to each step; it may be negative.
    name : str, default "InverseSquareRootDecay"
        Kept for configs; it has no effect.

    Raises
    ------
    ValueError
        If a parameter is not finite or out of its range; initial_learning_rate is at most 2**1000 (1e301) in size.
    TypeError
        If a parameter has another type.

    See Also
    --------
    with_warmup : Puts a warmup before it.
    InverseTimeDecay : A fall as 1 / time.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Keras has no such
    schedule. NaN gives NaN, +inf 0. In float64 a rate is within 0.51 ULP of the exact value, 1 if it is subnormal.

    References
    ----------
    Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762, section 5.3; with a timescale and a shift as in
    Zhai et al., "Scaling Vision Transformers", 2021, arXiv:2106.04560.

    Examples
    --------
    >>> schedule = InverseSquareRootDecay(0.5, timescale=10_000)
    >>> schedule(0), schedule(10_000), schedule(40_000)
    (0.5, 0.5, 0.25)
    >>> InverseSquareRootDecay(0.5, 100, shift=100).precompute(0, 301, 100)
    array([0.5       , 0.35355339, 0.28867513, 0.25      ])
    """

    __slots__ = ()
    _name = "inverse_square_root_decay"
    _keras = False

    def __init__(
        self, initial_learning_rate: float, timescale: float, shift: float = 0, name: str = "InverseSquareRootDecay"
    ) -> None:
        initial, dtype = rate_of("initial_learning_rate", initial_learning_rate)
        scale = steps_of("timescale", timescale, positive=True)
        offset = exact_of(shift, number_of("shift", shift))
        offset = int(offset) if offset % 1 == 0 else offset
        check_size(initial, initial_learning_rate)
        if not abs(offset) <= INT64_MAX:
            raise ValueError(f"Argument `shift` must be > -2**63 and < 2**63. {received('shift', shift)}")
        given = (initial_learning_rate, timescale, shift, name)
        self._take(given, dtype, (initial,), (scale, offset), name)
