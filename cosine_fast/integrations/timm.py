"""timm: a scheduler that is called as timm's are, with the rates of a schedule.

timm's training script calls ``step_update`` after every update and ``step`` after every epoch, and counts them itself.
timm itself is not imported.
"""

from __future__ import annotations

import copy
from typing import Any

import torch

from ..schedules._base import LearningRateSchedule
from . import torch as integration
from ._torch_schedulers import set_rate

__all__ = ["ScheduledLR"]


class ScheduledLR(integration.ScheduledLR):
    """Set the learning rates of an optimizer to those of a schedule at the epoch or update that timm gives.

    Where a parameter group has an ``lr_scale``, as timm's layer decay makes them, its rate is multiplied by it.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        The optimizer. Its own ``lr`` has no effect.
    schedule : LearningRateSchedule, or list or tuple of them
        One schedule for all parameter groups, or one for each.
    t_in_epochs : bool, default True
        As in timm: whether the schedule's steps are epochs, which ``step`` is called with, and not updates, which
        ``step_update`` is called with.

    Raises
    ------
    TypeError, ValueError
        As `cosine_fast.integrations.torch.ScheduledLR` raises them.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : The same for other training loops.

    Notes
    -----
    timm's noise is left out. ``state_dict`` and ``load_state_dict`` are those of
    `cosine_fast.integrations.torch.ScheduledLR`.

    Examples
    --------
    >>> from cosine_fast import CosineDecay
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))])
    >>> scheduler = ScheduledLR(optimizer, CosineDecay(0.1, 1000), t_in_epochs=False)
    >>> scheduler.step_update(500)
    >>> scheduler.step(1)  # an epoch changes nothing here
    >>> optimizer.param_groups[0]["lr"]
    0.05
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        schedule: LearningRateSchedule | list[LearningRateSchedule] | tuple[LearningRateSchedule, ...],
        t_in_epochs: bool = True,
    ) -> None:
        self.t_in_epochs = t_in_epochs
        super().__init__(optimizer, schedule)

    def _get_closed_form_lr(self) -> list[float]:
        scales = [group.get("lr_scale", 1.0) for group in self.optimizer.param_groups]
        return [rate * scale for rate, scale in zip(super()._get_closed_form_lr(), scales, strict=True)]

    def step(self, epoch: float | None = None, metric: Any = None) -> None:
        """Set the rates of an epoch; `metric` has no effect."""
        if epoch is None:  # as PyTorch's constructor calls it
            super().step()
        elif self.t_in_epochs:
            self._set(epoch)

    def step_update(self, num_updates: int, metric: Any = None) -> None:
        """Set the rates after a number of updates; `metric` has no effect."""
        if not self.t_in_epochs:
            self._set(num_updates)

    def _set(self, epoch: float) -> None:
        self.last_epoch = epoch
        for group, rate in zip(self.optimizer.param_groups, self._get_closed_form_lr(), strict=True):
            set_rate(group, rate)
        self._last_lr = [copy.deepcopy(group["lr"]) for group in self.optimizer.param_groups]  # it may be a tensor
