"""PyTorch: a scheduler whose rates are those of a schedule, PyTorch's own schedulers in closed form, and rates for
tensors of steps.

>>> from cosine_fast import CosineDecay
>>> weights = torch.nn.Parameter(torch.ones(2))
>>> optimizer = torch.optim.SGD([weights])
>>> scheduler = ScheduledLR(optimizer, CosineDecay(0.1, decay_steps=4))
>>> for _ in range(2):
...     optimizer.step()
...     scheduler.step()
>>> scheduler.get_last_lr(), scheduler.state_dict()["last_epoch"]
([0.05], 2)
>>> learning_rates(CosineDecay(0.1, decay_steps=4), torch.arange(3))
tensor([0.1000, 0.0854, 0.0500], dtype=torch.float64)

PyTorch's own schedulers are here too, by their names and parameters, as subclasses of them that have the rates of their
closed forms. A state of the one can be loaded by the other. `cosine_fast.dialects.torch` describes the parameters.

>>> scheduler = CosineAnnealingLR(torch.optim.SGD([weights], lr=0.1), T_max=4)
>>> isinstance(scheduler, torch.optim.lr_scheduler.CosineAnnealingLR)
True

Importing this module lets ``torch.load`` with ``weights_only=True`` load this package's schedules.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import torch

from .._backend import shown
from ..dialects import torch as dialects
from ..schedules import SCHEDULES
from ..schedules._base import LearningRateSchedule, restore
from ..schedules._checks import number_of, received
from ..serialization import deserialize, serialize
from ._torch_schedulers import *  # noqa: F403
from ._torch_schedulers import ClosedForm

__all__ = [*dialects.__all__, "ScheduledLR", "learning_rates"]

_DTYPES = {torch.float64: np.float64, torch.float32: np.float32}

torch.serialization.add_safe_globals([restore, *SCHEDULES.values()])  # which check what they are made from


class ScheduledLR(ClosedForm):
    """Set the learning rates of an optimizer to those of a schedule at the step ``last_epoch``.

    The rates depend on nothing but ``last_epoch``: a run that is stopped and resumed has the same ones to the last bit.
    The optimizer's own ``lr`` has no effect. A tensor ``lr`` is filled in place, and rounds the rate to its dtype.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        The optimizer.
    schedule : LearningRateSchedule, or list or tuple of them
        One schedule for all parameter groups, or one for each. One of your own needs ``get_config``.
    last_epoch : int, default -1
        As in PyTorch, the step before the first one: -1 at the start of a run.
    ratios : list or tuple of float, default (1.0,)
        What the rates are multiplied by: one factor for all parameter groups, or one for each.

    Raises
    ------
    TypeError
        If `optimizer`, `schedule`, `last_epoch`, one of `ratios` or a state is of another type.
    ValueError
        If there are not as many schedules or ratios as parameter groups, if the state that ``load_state_dict`` gets is
        that of another scheduler or of another schedule, or in ``step()``, if a ``ChainedScheduler`` has others too.

    Warns
    -----
    UserWarning
        In ``step()``, if something else has changed a learning rate since the last step, which this overwrites, such as
        an optimizer's state that was loaded without the scheduler's.

    See Also
    --------
    cosine_fast.integrations.lightning.every_step : What Lightning needs of it.
    cosine_fast.integrations.timm.ScheduledLR : The same, called as timm's schedulers are.

    Notes
    -----
    ``state_dict()`` has numbers, strings and lists (and tensors where ``lr`` is one), and the schedules as
    `cosine_fast.serialize` writes them.

    Examples
    --------
    >>> from cosine_fast import CosineDecay
    >>> groups = [{"params": [torch.nn.Parameter(torch.ones(2))]} for _ in range(2)]
    >>> optimizer = torch.optim.AdamW(groups)
    >>> scheduler = ScheduledLR(optimizer, CosineDecay(0.1, decay_steps=4), ratios=[1.0, 0.5])
    >>> [group["lr"] for group in optimizer.param_groups]
    [0.1, 0.05]
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        schedule: LearningRateSchedule | list[LearningRateSchedule] | tuple[LearningRateSchedule, ...],
        last_epoch: int = -1,
        *,
        ratios: list[float] | tuple[float, ...] = (1.0,),
    ) -> None:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(f"Argument `optimizer` must be a torch.optim.Optimizer. Received: {shown(optimizer)}")
        if not isinstance(ratios, (list, tuple)):
            raise TypeError(f"Argument `ratios` must be a list or tuple of numbers. Received: {shown(ratios)}")
        self.optimizer = optimizer
        self.per_group = isinstance(schedule, (list, tuple))
        self.schedules = [*schedule] if isinstance(schedule, (list, tuple)) else [schedule]
        self.ratios = [number_of("ratios", ratio) for ratio in ratios]
        if not isinstance(last_epoch, Integral):
            raise TypeError(f"Argument `last_epoch` must be an integer. {received('last_epoch', last_epoch)}")
        self._serialized()  # an error now, not at the first checkpoint
        seen: set[int] = set()
        for group in optimizer.param_groups:  # the optimizer's default `lr` is one tensor for all groups
            if isinstance(group["lr"], torch.Tensor) and id(group["lr"]) in seen:
                group["lr"] = group["lr"].clone()
            seen.add(id(group["lr"]))
        super().__init__(optimizer, last_epoch)

    def _serialized(self) -> list[dict[str, Any]]:
        return [serialize(schedule) for schedule in self.schedules]

    def _are_equal(self, configs: Any) -> bool:
        """Return whether these are configs of the schedules. One of another version may lack a parameter."""
        try:
            return [deserialize(config) for config in configs] == self.schedules
        except (TypeError, ValueError):
            return False

    def _of_groups(self, name: str, values: list[Any], one_for_all: bool) -> list[Any]:
        """Return a value for each parameter group; groups may be added to an optimizer during a run."""
        count = len(self.optimizer.param_groups)
        if len(values) != count and not (one_for_all and len(values) == 1):
            wanted = f"Argument `{name}` must have one for each of the {count} parameter groups"
            raise ValueError(f"{wanted}, or be one for all. Received: {len(values)}")
        return values if len(values) == count else values * count

    def _get_closed_form_lr(self) -> list[float]:
        schedules = self._of_groups("schedule", self.schedules, not self.per_group)
        ratios = self._of_groups("ratios", self.ratios, True)
        # A float, whatever the schedule returns. Multiplying by 1.0 changes nothing.
        return [float(schedule(self.last_epoch)) * ratio for schedule, ratio in zip(schedules, ratios, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return PyTorch's state, and the schedules and ratios."""
        return {**super().state_dict(), "schedules": self._serialized()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the state of a ScheduledLR with the same schedules and ratios; others are a ValueError."""
        if not isinstance(state_dict, dict):
            raise TypeError(f"Argument `state_dict` must be a dict. Received: {shown(state_dict)}")
        if "schedules" not in state_dict:
            raise ValueError(
                "The state must be that of a ScheduledLR, and is that of another scheduler. To go on from it, load the "
                "optimizer's state and make the ScheduledLR with last_epoch=state['last_epoch'] - 1."
            )
        own = {"schedules": self._serialized(), "ratios": self.ratios}
        for key, value in own.items():
            received = state_dict.get(key)
            if received != value and not (key == "schedules" and self._are_equal(received)):
                wanted = f"The state must be that of a ScheduledLR with the same {key}, {value}"
                raise ValueError(f"{wanted}. Received: {shown(received)}")
        own["per_group"] = self.per_group
        super().load_state_dict({key: value for key, value in state_dict.items() if key not in own})


@torch.compiler.disable  # the kernel is outside of compiled graphs
def learning_rates(
    schedule: LearningRateSchedule, steps: torch.Tensor, dtype: torch.dtype = torch.float64
) -> torch.Tensor:
    """Return the rates at a tensor of steps.

    Parameters
    ----------
    schedule : LearningRateSchedule
        The schedule.
    steps : torch.Tensor
        Steps of any shape and any integer or floating-point dtype. On the CPU, integers, float64 and float32 are read
        where they are; other floats are converted to float32, which is exact, and other devices' steps are copied to
        the CPU, and the rates back.
    dtype : torch.dtype, default torch.float64
        The dtype of the rates: float64 or float32.

    Returns
    -------
    torch.Tensor
        The rates, in the shape of the steps and on their device, without a gradient.

    Raises
    ------
    TypeError
        If `schedule` or `steps` is of another type, if `steps` has neither integers nor floats, or for another `dtype`.
    OverflowError
        If a step is beyond int64.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : The rates of an optimizer.

    Notes
    -----
    Under ``torch.compile`` the graph breaks here; with ``fullgraph=True`` that is an error.

    Examples
    --------
    >>> from cosine_fast import CosineDecay
    >>> steps = torch.tensor([[0, 2], [4, 8]], dtype=torch.bfloat16)
    >>> learning_rates(CosineDecay(0.5, decay_steps=4), steps, torch.float32)
    tensor([[0.5000, 0.2500],
            [0.0000, 0.0000]])
    """
    if not callable(schedule):
        raise TypeError(f"Argument `schedule` must be a LearningRateSchedule. Received: {shown(schedule)}")
    if not isinstance(steps, torch.Tensor):
        raise TypeError(f"Argument `steps` must be a torch.Tensor. Received: {shown(steps)}")
    if dtype not in _DTYPES:
        raise TypeError(f"Argument `dtype` must be torch.float64 or torch.float32. Received: {shown(dtype)}")
    if steps.is_nested or steps.is_quantized or steps.layout is not torch.strided:
        raise TypeError(f"Argument `steps` must be a dense tensor. Received: {steps.dtype}, {steps.layout}")
    if steps.is_meta:
        return torch.empty_like(steps, dtype=dtype)
    if steps.is_floating_point() and steps.dtype != torch.float64:
        steps = steps.float()
    try:
        array = steps.numpy(force=True)
    except RuntimeError as error:
        wanted = "Argument `steps` must be a tensor with memory: the kernel is outside of torch.func's transforms."
        raise RuntimeError(f"{wanted} Received: {type(steps).__name__}") from error
    rates = schedule(array, dtype=_DTYPES[dtype])  # type: ignore[call-arg]  # all take it
    return torch.from_numpy(np.asarray(rates)).to(steps.device)
