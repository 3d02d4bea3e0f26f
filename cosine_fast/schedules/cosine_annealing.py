"""CosineAnnealing: a cosine that goes on past its lowest point."""

from __future__ import annotations

from ._checks import INT64_MIN, number_of, rate_of
from ._joined import Joined, Segment
from .cosine_decay import CosineDecay


class CosineAnnealing(Joined):
    """A cosine from the initial to the end rate, and back again: with a period of ``2 * decay_steps``, for every step.

    With s the step, in optimizer steps, the rate is::

        end_learning_rate + (initial_learning_rate - end_learning_rate) * (1 + cos(pi * s / decay_steps)) / 2

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32, the results are float32.
    decay_steps : int or float
        Half of the period, in steps; > 0. Integers are exact up to 2**63 - 1.
    end_learning_rate : float, default 0.0
        The rate at decay_steps, 3 * decay_steps, ...; of any sign, above the initial rate too.
    name : str, default "CosineAnnealing"
        Kept for configs; it has no effect.

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    TypeError
        If a parameter is no number.

    See Also
    --------
    CosineDecay : A cosine that ends at its floor.
    CosineDecayRestarts : Cosines that start again at the top.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Keras has no such
    schedule. NaN gives NaN, and so do the infinities. Accuracy is that of `CosineDecay`, of which this is made.

    References
    ----------
    The closed form of ``torch.optim.lr_scheduler.CosineAnnealingLR``; ``get_cosine_schedule_with_warmup`` of
    Transformers is `with_warmup` of it, with ``decay_steps = (total - warmup) / (2 * num_cycles)``.

    Examples
    --------
    >>> schedule = CosineAnnealing(0.5, decay_steps=1000)
    >>> schedule([0, 500, 1000, 1500, 2000, 3000])
    array([0.5 , 0.25, 0.  , 0.25, 0.5 , 0.  ])
    """

    __slots__ = ()
    _name = "joined_schedule"

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, end_learning_rate: float = 0.0,
        name: str = "CosineAnnealing",
    ) -> None:  # fmt: skip
        initial, dtype = rate_of("initial_learning_rate", initial_learning_rate)
        end = number_of("end_learning_rate", end_learning_rate)
        decay = CosineDecay(initial, decay_steps, end_learning_rate=end)
        # At negative steps a CosineDecay is even and goes on.
        segments = [Segment(decay, INT64_MIN, 0), Segment(decay, 0, 0, -1.0)]
        self._join((initial_learning_rate, decay_steps, end_learning_rate, name), dtype, segments, name)

    @property
    def _joints(self) -> tuple[int, ...] | None:
        _, length, *_ = self._given
        return (0, int(length) + 1) if length % 1 == 0 else None  # the other half of a period has the same rates
