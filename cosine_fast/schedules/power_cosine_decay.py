"""PowerCosineDecay: a cosine to a power, of a power of the step."""

from __future__ import annotations

import math

from ._base import Formula
from ._checks import check_fall, number_of, rate_of, received, steps_of

_LARGEST_POWER = 1024.0


class PowerCosineDecay(Formula):
    """A cosine decay with optax's `exponent` and timm's `k_decay`: one for its height, one for its steps.

    With s the step, in optimizer steps, and x = s / decay_steps between 0 and 1, the rate is::

        (initial_learning_rate - end_learning_rate) * ((1 + cos(pi * x**k_decay)) / 2) ** exponent
            + end_learning_rate

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0 and before. If it is a NumPy float32, the results are float32.
    decay_steps : int or float
        The length of the decay in steps; > 0. Integers are exact up to 2**63 - 1.
    end_learning_rate : float, default 0.0
        The rate at the end of the decay and after it. It may be the larger one.
    exponent : float, default 1.0
        The power of the cosine, from 1/1024 to 1024. Above 1 the decay begins sooner.
    k_decay : float, default 1.0
        The power of x, from 1/1024 to 1024. Above 1 the decay begins later. 1 is the fastest.
    name : str, default "PowerCosineDecay"
        Kept for configs; it has no effect.

    Raises
    ------
    ValueError
        If a parameter is not finite or out of its range; the rates and their difference are at most 2**1000 (1e301) in
        size.
    TypeError
        If a parameter has another type.

    See Also
    --------
    CosineDecay : The cosine without exponents.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Keras has no such
    schedule. NaN gives NaN.

    In float64 a rate is within 1 ULP of the exact value if `initial_learning_rate` is not smaller than
    `end_learning_rate`, and within 2 ULP if it is (all sizes here are without sign); between ends of different signs,
    within 1 ULP of the larger one. A rate below 1e-300, or more than 1e30 times smaller than the larger end, is within
    3 ULP instead, and 2**-700 of the larger end besides. The rates at step 0 and at decay_steps are exact.

    References
    ----------
    ``optax.cosine_decay_schedule(init_value, decay_steps, alpha, exponent)``, where end_learning_rate is alpha *
    init_value, and ``timm.scheduler.CosineLRScheduler(t_initial, lr_min, k_decay)``. k_decay is from Zhang and Li,
    "k-decay: A New Method for Learning Rate Schedule", 2020, arXiv:2004.05909.

    Examples
    --------
    >>> schedule = PowerCosineDecay(0.5, decay_steps=1000, exponent=2.0)
    >>> schedule(0), schedule(500), schedule(1000), schedule(2000)
    (0.5, 0.125, 0.0, 0.0)
    >>> PowerCosineDecay(0.5, 1000, k_decay=0.5).precompute(0, 1001, 250)
    array([0.5       , 0.25      , 0.09857503, 0.02181895, 0.        ])
    """

    __slots__ = ()
    _name = "power_cosine_decay"
    _keras = False

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, end_learning_rate: float = 0.0, exponent: float = 1.0,
        k_decay: float = 1.0, name: str = "PowerCosineDecay",
    ) -> None:  # fmt: skip
        initial, dtype = rate_of("initial_learning_rate", initial_learning_rate)
        length = steps_of("decay_steps", decay_steps, positive=True)
        end = number_of("end_learning_rate", end_learning_rate)
        powers = number_of("exponent", exponent), number_of("k_decay", k_decay)
        check_fall(initial_learning_rate=initial_learning_rate, end_learning_rate=end_learning_rate)
        for key, power in zip(("exponent", "k_decay"), powers, strict=True):
            if not 1 / _LARGEST_POWER <= power <= _LARGEST_POWER:
                raise ValueError(f"Argument `{key}` must be from 1/1024 to 1024. {received(key, power)}")
        given = (initial_learning_rate, decay_steps, end_learning_rate, exponent, k_decay, name)
        self._take(given, dtype, (initial, end, *powers), (length,), name)

    @property
    def _end(self) -> int:
        length: float = self._key[1][0]
        return math.ceil(length)
