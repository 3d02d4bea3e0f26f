"""torchtitan's schedules, by their own names and parameters; torchtitan is not needed.

A step is one of a run of ``training.steps`` steps, counted from 0. `LRSchedulersContainer` is compared with torchtitan
0.3.0; `linear_warmup_linear_decay` is that of 2024, before release 0.1.0.

>>> schedule = LRSchedulersContainer(1e-3, training_steps=100, warmup_steps=10, decay_ratio=0.2, min_lr_factor=0.1)
>>> schedule([0, 4, 9, 80, 90, 100])
array([0.0001 , 0.0005 , 0.001  , 0.001  , 0.00055, 0.0001 ])
"""

from __future__ import annotations

from ..schedules import ConstantSchedule, CosineAnnealing, JoinedSchedule, PolynomialDecay, WarmupStableDecay
from ..schedules._base import Formula
from ..schedules._checks import choice_of, number_of
from ..schedules._joined import whole_length

__all__ = ["LRSchedulersContainer", "linear_warmup_linear_decay"]

_DECAYS = {"linear": "linear", "sqrt": "1-sqrt", "cosine": "cosine"}


def LRSchedulersContainer(
    learning_rate: float, training_steps: int, *, warmup_steps: int = 200, total_steps: int | None = None,
    decay_ratio: float | None = None, decay_type: str = "linear", min_lr_factor: float = 0.0,
) -> Formula:  # fmt: skip
    """Return a linear warmup, a constant rate, and a decay.

    The keywords are the fields of ``LRSchedulersContainer.Config``.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    training_steps : int
        The length of the run in steps; > 0.
    warmup_steps : int, default 200
        The length of the warmup in steps; step 0 has ``learning_rate / warmup_steps``. It is cut at the end.
    total_steps : int, optional
        The length of the schedule in steps; > 0. By default `training_steps`.
    decay_ratio : float, optional
        The length of the decay as a fraction of that of the schedule. By default it follows the warmup.
    decay_type : {"linear", "sqrt", "cosine"}, default "linear"
        The shape of the decay.
    min_lr_factor : float, default 0.0
        The rate after the last step as a fraction of `learning_rate`.

    Returns
    -------
    schedule
        The schedule. Past the end a decay by "cosine" rises again, as in torchtitan. The others stay, while those of
        torchtitan would go on below zero.

    Raises
    ------
    TypeError, ValueError
        If an argument is unsuitable; or the run has more steps than the schedule, and its rates would go below zero.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> LRSchedulersContainer(1e-3, 100, warmup_steps=20, decay_type="cosine")([0, 9, 19, 60, 100])
    array([5.e-05, 5.e-04, 1.e-03, 5.e-04, 0.e+00])
    """
    peak, floor = number_of("learning_rate", learning_rate), number_of("min_lr_factor", min_lr_factor)
    run = total = whole_length("training_steps", training_steps, positive=True)
    if total_steps is not None:
        total = whole_length("total_steps", total_steps, positive=True)
    shape = _DECAYS[choice_of("decay_type", decay_type, _DECAYS)]
    if total < run and shape != "cosine":
        raise ValueError(
            "Argument `total_steps` must be at least `training_steps`: torchtitan's rates go on below the last one, to "
            f"negative ones. Received: total_steps={total_steps}, training_steps={training_steps}"
        )
    warmup = min(whole_length("warmup_steps", warmup_steps), total)
    decay = total - warmup
    if decay_ratio is not None:
        decay = min(decay, round(total * number_of("decay_ratio", decay_ratio)))
        if decay < 0:
            raise ValueError(f"Argument `decay_ratio` must be >= 0. Received: decay_ratio={decay_ratio}")
    parts: list[Formula] = [ConstantSchedule(peak)]
    begins, offsets = [], [0]
    if warmup:  # a step is counted from 1
        parts, begins, offsets = [PolynomialDecay(0.0, warmup, peak), *parts], [warmup], [-1, 0]
    if decay:
        fall: Formula = WarmupStableDecay(peak, 0, 0, decay, decay=shape, end_learning_rate=peak * floor)
        parts.append(CosineAnnealing(peak, decay, peak * floor) if shape == "cosine" else fall)
        begins, offsets = [*begins, total - decay + 1], [*offsets, total - decay]
    return JoinedSchedule(parts, begins, offsets=offsets)


def linear_warmup_linear_decay(learning_rate: float, warmup_steps: int, decay_steps: int) -> Formula:
    """Return a linear warmup by ``(step + 1) / (warmup_steps + 1)``, and then a line to 0.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    warmup_steps, decay_steps : int
        The lengths of the warmup and of the decay in steps; the second is > 0, in torchtitan
        ``max(1, training.steps - warmup_steps)``.

    Returns
    -------
    schedule
        The schedule. Past the end it stays at 0, while the rates of torchtitan would go on below zero.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> linear_warmup_linear_decay(1e-3, 4, 10)([0, 3, 4, 9, 14])
    array([0.0002, 0.0008, 0.001 , 0.0005, 0.    ])
    """
    peak, warmup = number_of("learning_rate", learning_rate), whole_length("warmup_steps", warmup_steps)
    fall = PolynomialDecay(peak, whole_length("decay_steps", decay_steps, positive=True), 0.0)
    return JoinedSchedule([PolynomialDecay(0.0, warmup + 1, peak), fall], [warmup], offsets=[-1, warmup])
