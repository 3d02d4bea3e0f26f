"""PyTorch's schedulers, by their names and parameters, with the rates of their closed forms at every step.

The parameters are documented with PyTorch's classes, of which these are subclasses.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any, ClassVar

import numpy as np
import torch
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import ChainedScheduler, LRScheduler, SequentialLR

from ..dialects import torch as dialects
from ..schedules._base import Formula

__all__ = dialects.__all__


def _caller(method: Callable[..., Any]) -> Any:
    """Return the object whose method this call comes from, or None."""
    frame: FrameType | None = sys._getframe()
    while frame and frame.f_code is not method.__code__:
        frame = frame.f_back
    return frame and frame.f_locals["self"]


def _is_chained() -> bool:
    """Return whether the call comes from a ChainedScheduler with other schedulers in it."""
    chain = _caller(ChainedScheduler.step)
    return chain is not None and len(chain._schedulers) > 1


def set_rate(group: dict[str, Any], rate: float) -> None:
    """Set the learning rate of a parameter group."""
    if isinstance(group["lr"], torch.Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


def _plain(value: Any) -> Any:
    """Return Python's numbers for NumPy's, also within containers."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return type(value)({_plain(key): _plain(each) for key, each in value.items()})
    return [_plain(each) for each in value] if isinstance(value, list) else value


class ClosedForm(LRScheduler):
    """A scheduler whose rates depend on nothing but ``last_epoch``."""

    def _get_closed_form_lr(self) -> list[float]:
        """Return the rates at ``last_epoch``; PyTorch calls it by this name in ``step(epoch)``."""
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        """Return the rates at ``last_epoch``, for ``step()``."""
        name = type(self).__name__
        # At the first step of a run, or of a SequentialLR, the rates that are found were set by others.
        changed = (
            self._step_count > 1
            and self.last_epoch > 0
            and any(
                isinstance(group["lr"], float) and group["lr"] != last  # to read a tensor may wait for its device
                for group, last in zip(self.optimizer.param_groups, self._last_lr, strict=False)
            )
        )
        # The first steps are always checked: a factor that stays the same, such as ConstantLR's, changes no rate there.
        if (changed or self._step_count <= 2) and _is_chained():
            raise ValueError(
                f"{name} cannot be with other schedulers in a ChainedScheduler: they multiply the rate that they find, "
                f"and {name} sets it. Use a JoinedSchedule or a SequentialLR instead."
            )
        if changed:
            warnings.warn(
                f"Something else has changed a learning rate since {name} set it, and {name} sets it again. "
                "Another scheduler steps this optimizer, or the optimizer's state was loaded without the scheduler's.",
                UserWarning,
                stacklevel=4,
            )
        return self._get_closed_form_lr()

    def state_dict(self) -> dict[str, Any]:
        """Return PyTorch's state, with Python's numbers for NumPy's, which ``torch.load`` refuses."""
        state: dict[str, Any] = _plain(super().state_dict())
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state. Groups that still have the rates that this scheduler set get the rates of the state."""
        before = self._last_lr
        super().load_state_dict(state_dict)
        if _caller(SequentialLR.load_state_dict):  # only one of its schedulers has set the rates
            return
        for group, old, new in zip(self.optimizer.param_groups, before, self._last_lr, strict=False):
            if float(group["lr"]) == float(old):
                set_rate(group, float(new))


class _DropIn(ClosedForm):
    """What replaces the rates of one of PyTorch's schedulers, which follows it in the bases."""

    _dialect: ClassVar[Callable[..., Formula]]  # its parameters but the first one are PyTorch's attributes
    _names: ClassVar[list[str]]
    base_lrs: list[Any]
    _made: tuple[list[Any], list[Formula]] = [], []

    def __init_subclass__(cls) -> None:
        cls._names = [*inspect.signature(cls._dialect).parameters][1:]

    def _parameters(self) -> list[tuple[Any, ...]]:
        """Return what each schedule is made of. A state that is loaded may change it, as in PyTorch."""
        return [(rate, *(getattr(self, name) for name in self._names)) for rate in self.base_lrs]

    def _make(self, rate: Any, *parameters: Any) -> Formula:
        return type(self)._dialect(float(rate), *parameters)

    def _values(self, step: float) -> list[float]:
        """Return the values of all schedules."""
        parameters = self._parameters()
        if parameters != self._made[0]:  # the same tensors are equal without being read
            self._made = parameters, [self._make(*each) for each in parameters]
        return [float(schedule(step)) for schedule in self._made[1]]

    def _base_of(self, number: int) -> float:
        """Return the base rate of a new parameter group: as in PyTorch, its rate is that of the step before."""
        step = max(self.last_epoch - 1, 0)
        parameters = [getattr(self, name) for name in self._names]
        at_0, at_1 = (float(self._make(base, *parameters)(step)) for base in (0.0, 1.0))  # a linear function of it
        if at_0 == at_1:
            raise ValueError(
                f"{type(self).__name__} cannot take the new parameter group {number} at the step {step}, "
                "at which the rate of a group does not depend on its base rate."
            )
        return (float(self.optimizer.param_groups[number]["lr"]) - at_0) / (at_1 - at_0)

    def _get_closed_form_lr(self) -> list[float]:
        if (bases := len(self.base_lrs)) > (groups := len(self.optimizer.param_groups)):
            raise ValueError(
                f"{type(self).__name__} has rates for {bases} parameter groups. The optimizer has {groups}."
            )
        new = range(bases, groups)
        self.base_lrs = [*self.base_lrs, *map(self._base_of, new)]
        return self._values(self.last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return PyTorch's state."""
        return {key: value for key, value in super().state_dict().items() if key != "_made"}


class ConstantLR(_DropIn, lr_scheduler.ConstantLR):
    """PyTorch's ConstantLR, in its closed form."""

    _dialect = dialects.ConstantLR


class LinearLR(_DropIn, lr_scheduler.LinearLR):
    """PyTorch's LinearLR, in its closed form."""

    _dialect = dialects.LinearLR


class ExponentialLR(_DropIn, lr_scheduler.ExponentialLR):
    """PyTorch's ExponentialLR, in its closed form."""

    _dialect = dialects.ExponentialLR


class StepLR(_DropIn, lr_scheduler.StepLR):
    """PyTorch's StepLR, in its closed form."""

    _dialect = dialects.StepLR


class MultiStepLR(_DropIn, lr_scheduler.MultiStepLR):
    """PyTorch's MultiStepLR, in its closed form."""

    _dialect = dialects.MultiStepLR

    def _parameters(self) -> list[tuple[Any, ...]]:
        return [(rate, [*self.milestones.elements()], self.gamma) for rate in self.base_lrs]


class PolynomialLR(_DropIn, lr_scheduler.PolynomialLR):
    """PyTorch's PolynomialLR, in its closed form."""

    _dialect = dialects.PolynomialLR


class CosineAnnealingLR(_DropIn, lr_scheduler.CosineAnnealingLR):
    """PyTorch's CosineAnnealingLR, in its closed form."""

    _dialect = dialects.CosineAnnealingLR


class CosineAnnealingWarmRestarts(_DropIn, lr_scheduler.CosineAnnealingWarmRestarts):
    """PyTorch's CosineAnnealingWarmRestarts, also where its logarithms or its `last_epoch` miss a restart."""

    _dialect = dialects.CosineAnnealingWarmRestarts

    @property
    def _epoch(self) -> Any:
        """The epoch of ``step(epoch)``, of which ``last_epoch`` is the whole part."""
        return self.last_epoch + self.T_cur % 1

    def _get_closed_form_lr(self) -> list[float]:
        if (count := len(self.base_lrs)) < len(self.optimizer.param_groups):  # PyTorch's class fails too
            raise ValueError(f"CosineAnnealingWarmRestarts cannot take the new parameter group {count}.")
        return self._values(self._epoch)

    def step(self, epoch: float | None = None) -> None:
        """Set the rates of the next step, or of an epoch, which may have a fraction."""
        self._step_count += 1  # as in PyTorch's other schedulers
        super().step(self._epoch + 1 if epoch is None else epoch)


class OneCycleLR(_DropIn, lr_scheduler.OneCycleLR):
    """PyTorch's OneCycleLR, its momentum too; at the step `total_steps`, past the run, it keeps the last rate."""

    _dialect = dialects.OneCycleLR

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state, and set its momentum."""
        super().load_state_dict(state_dict)
        if not _caller(SequentialLR.load_state_dict):
            self._get_closed_form_lr()

    def _parameters(self) -> list[tuple[Any, ...]]:
        phases, parameters = self._schedule_phases, []
        for kind in ("lr", "momentum") if self.cycle_momentum else ("lr",):
            names = [phases[0][f"start_{kind}"], *(phase[f"end_{kind}"] for phase in phases)]
            for number, group in enumerate(self.optimizer.param_groups):
                if not group.keys() >= {*names}:
                    wanted = f"The new parameter group {number} must have {', '.join(names)} for OneCycleLR"
                    raise ValueError(f"{wanted}. Received: {', '.join(group)}")
            parameters += [tuple(group[name] for name in names) for group in self.optimizer.param_groups]
        return [(rates, [phase["end_step"] for phase in phases], self._anneal_func_type) for rates in parameters]

    def _make(self, rates: Any, *parameters: Any) -> Formula:
        return dialects.phases([*map(float, rates)], *parameters)

    def _get_closed_form_lr(self) -> list[float]:
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"There are only {self.total_steps} steps (`total_steps`). Received: step {self.last_epoch}"
            )
        values, groups = self._values(self.last_epoch), self.optimizer.param_groups
        for group, momentum in zip(groups, values[len(groups) :], strict=self.cycle_momentum):
            if self.use_beta1:
                group["betas"] = momentum, *group["betas"][1:]
            else:
                group["momentum"] = momentum
        return values[: len(groups)]
