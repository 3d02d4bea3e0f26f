"""Megatron's schedule, by its own name and parameters; Megatron is not needed.

A step is ``num_steps`` of the original: what its ``step(increment)`` has added up, so samples in Megatron-LM, whose
increment is the global batch size. Compared with megatron-core 0.16.1. What concerns weight decay and checkpoints is
left out; a parameter group's own ``max_lr`` and ``min_lr`` go to a schedule of its own.

>>> schedule = OptimizerParamScheduler(0.0, 1e-3, 1e-5, lr_warmup_steps=10, lr_decay_steps=110, lr_decay_style="cosine")
>>> schedule([0, 5, 10, 60, 110, 200])
array([0.00e+00, 5.00e-04, 1.00e-03, 5.05e-04, 1.00e-05, 1.00e-05])
"""

from __future__ import annotations

from ..schedules import (
    ConstantSchedule,
    CosineDecay,
    InverseSquareRootDecay,
    JoinedSchedule,
    PolynomialDecay,
    WarmupStableDecay,
)
from ..schedules._base import Formula
from ..schedules._checks import choice_of, number_of
from ..schedules._joined import whole_length
from ._parts import floored, without

__all__ = ["OptimizerParamScheduler"]

_STYLES = ("constant", "linear", "cosine", "inverse-square-root", "WSD")
_WSD_STYLES = {"linear": "linear", "cosine": "cosine", "minus_sqrt": "1-sqrt"}


@without(
    "a schedule has no weight decay and no checkpoints", "start_wd", "end_wd", "wd_incr_steps", "wd_incr_style",
    "use_checkpoint_opt_param_scheduler", "override_opt_param_scheduler",
)  # fmt: skip
def OptimizerParamScheduler(
    init_lr: float, max_lr: float, min_lr: float, lr_warmup_steps: int, lr_decay_steps: int, lr_decay_style: str, *,
    wsd_decay_steps: int | None = None, lr_wsd_decay_style: str | None = None,
) -> Formula:  # fmt: skip
    """Return a linear warmup, and then a decay.

    Parameters
    ----------
    init_lr, max_lr, min_lr : float
        The rates at step 0 (if there is a warmup), after the warmup, and past `lr_decay_steps`; the second is the
        largest, and the third >= 0.
    lr_warmup_steps, lr_decay_steps : int
        The steps at which the warmup and the decay end; the second is the larger one.
    lr_decay_style : {"constant", "linear", "cosine", "inverse-square-root", "WSD"}
        The shape of the decay; "constant" has none.
    wsd_decay_steps : int, optional
        With "WSD" the number of steps in which the rate falls; > 0.
    lr_wsd_decay_style : {"linear", "cosine", "minus_sqrt"}, optional
        With "WSD" the shape of the fall; the original's "exponential" is refused.

    Returns
    -------
    schedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If an argument is unsuitable, or has no exact equivalent.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> schedule = OptimizerParamScheduler(
    ...     0.0, 1e-3, 0.0, 10, 100, "WSD", wsd_decay_steps=20, lr_wsd_decay_style="minus_sqrt"
    ... )
    >>> schedule([5, 10, 80, 85, 100])
    array([0.0005, 0.001 , 0.001 , 0.0005, 0.    ])
    """
    first, peak, floor = number_of("init_lr", init_lr), number_of("max_lr", max_lr), number_of("min_lr", min_lr)
    if not 0.0 <= floor <= peak >= first:
        raise ValueError(
            "Argument `max_lr` must be the largest rate, and `min_lr` >= 0. "
            f"Received: init_lr={init_lr}, max_lr={max_lr}, min_lr={min_lr}"
        )
    warmup, end = whole_length("lr_warmup_steps", lr_warmup_steps), whole_length("lr_decay_steps", lr_decay_steps)
    if not warmup < end:
        raise ValueError(
            "Argument `lr_decay_steps` must be larger than `lr_warmup_steps`. "
            f"Received: lr_decay_steps={lr_decay_steps}, lr_warmup_steps={lr_warmup_steps}"
        )
    style, offset = choice_of("lr_decay_style", lr_decay_style, _STYLES), warmup
    after: Formula
    if style == "constant":
        after = ConstantSchedule(peak)
    elif style == "linear":
        after = PolynomialDecay(peak, end - warmup, floor)
    elif style == "cosine":
        after = CosineDecay(peak, end - warmup, end_learning_rate=floor)
    elif style == "inverse-square-root":
        fall = floored(InverseSquareRootDecay(peak, max(warmup, 1)), floor)
        after, offset = JoinedSchedule([fall, ConstantSchedule(floor)], [end + 1], offsets=[0, 0]), 0
    else:
        if wsd_decay_steps is None:
            raise ValueError("Argument `wsd_decay_steps` must be given with lr_decay_style='WSD'.")
        length = whole_length("wsd_decay_steps", wsd_decay_steps, positive=True)
        if lr_wsd_decay_style == "exponential":
            raise ValueError(
                "Argument `lr_wsd_decay_style` must be linear, cosine or minus_sqrt: there is no schedule of a power "
                "less a constant, 2 * 0.5**x - 1. Received: lr_wsd_decay_style='exponential'"
            )
        shape = _WSD_STYLES[choice_of("lr_wsd_decay_style", lr_wsd_decay_style, _WSD_STYLES)]
        fall = WarmupStableDecay(peak, 0, 0, length, decay=shape, end_learning_rate=floor)
        after, offset = JoinedSchedule([ConstantSchedule(peak), fall], [end - length], offsets=[0, end - length]), 0
    if warmup == 0:
        return after
    # The step at which the warmup ends has the peak, where the fall of WSD begins before it too.
    return JoinedSchedule([PolynomialDecay(first, warmup, peak), after], [warmup + 1], offsets=[0, offset])
