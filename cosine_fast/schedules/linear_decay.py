"""LinearDecay: a line down, after an optional line up."""

from __future__ import annotations

from ._checks import INT64_MIN, number_of, rate_of, warn_ignored
from ._joined import Joined, Segment, whole_length
from .polynomial_decay import PolynomialDecay


class LinearDecay(Joined):
    """A line from the peak to the end rate, after an optional linear warmup; most often a line to zero.

    With s the step, in optimizer steps, and t = s - warmup_steps (t = s without a warmup), the rate is::

        s < warmup_steps:  initial_learning_rate + (warmup_target - initial_learning_rate) * s / warmup_steps
        else:              peak + (end_learning_rate - peak) * min(t, decay_steps) / decay_steps

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32, the results are float32.
    decay_steps : int
        The length of the decay in steps, without the warmup; > 0.
    end_learning_rate : float, default 0.0
        The rate at the end of the decay and after it.
    warmup_target : float, optional
        The peak, at which the warmup ends. None: there is no warmup, and the peak is `initial_learning_rate`.
        With ``warmup_steps=0`` the decay begins at it, with a UserWarning.
    warmup_steps : int, default 0
        The length of the warmup in steps; >= 0. Ignored without `warmup_target`, with a UserWarning.
    name : str, default "LinearDecay"
        Kept for configs; it has no effect.

    Raises
    ------
    ValueError
        If a parameter is not finite, out of its range, or no whole number of steps.
    TypeError
        If a parameter has another type.

    See Also
    --------
    PolynomialDecay : A power of the line.
    WarmupStableDecay : A constant rate before the decay.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Keras has no such
    schedule. Below step 0 the first line goes on. NaN gives NaN, +inf the end rate. Accuracy is that of
    `PolynomialDecay`, of which the lines are made.

    References
    ----------
    Bergsma et al., "Straight to Zero: Why Linearly Decaying the Learning Rate to Zero Works Best for LLMs", ICLR 2025,
    arXiv:2502.15938; ``get_linear_schedule_with_warmup`` of Transformers.

    Examples
    --------
    >>> schedule = LinearDecay(0.0, decay_steps=900, warmup_target=1e-3, warmup_steps=100)
    >>> schedule([0, 50, 100, 550, 1000, 2000])
    array([0.    , 0.0005, 0.001 , 0.0005, 0.    , 0.    ])
    """

    __slots__ = ()
    _name = "joined_schedule"

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, end_learning_rate: float = 0.0,
        warmup_target: float | None = None, warmup_steps: int = 0, name: str = "LinearDecay",
    ) -> None:  # fmt: skip
        self._init(initial_learning_rate, decay_steps, end_learning_rate, warmup_target, warmup_steps, name)
        warn_ignored(warmup_target, warmup_steps)

    def _init(
        self, initial_learning_rate: float, decay_steps: int, end_learning_rate: float, warmup_target: float | None,
        warmup_steps: int, name: str,
    ) -> None:  # fmt: skip
        """As `__init__`, without a warning: of copies nobody is warned."""
        start, dtype = rate_of("initial_learning_rate", initial_learning_rate)
        length = whole_length("decay_steps", decay_steps, positive=True)
        warmup = whole_length("warmup_steps", warmup_steps)
        peak = start if warmup_target is None else number_of("warmup_target", warmup_target)
        warms = warmup_target is not None and warmup > 0
        begin = warmup if warms else 0
        segments = [Segment(PolynomialDecay(start, warmup, peak), INT64_MIN, 0)] if warms else []
        segments.append(Segment(PolynomialDecay(peak, length, end_learning_rate), begin or INT64_MIN, begin))
        given = (initial_learning_rate, decay_steps, end_learning_rate, warmup_target, warmup_steps, name)
        self._join(given, dtype, segments, name, start, warmup, warmup_target is None)
