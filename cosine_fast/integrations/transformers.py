"""Hugging Face's Transformers: its functions that make a scheduler for an optimizer, with schedules of cosine_fast.

The functions have the names and the signatures of those of ``transformers.optimization``, which need not be installed.
They return a `ScheduledLR` with a schedule for each parameter group, of the group's own rate; the functions of
`cosine_fast.dialects.transformers` make the schedules.

>>> import torch
>>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=1e-3)
>>> scheduler = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=10, num_training_steps=20)
>>> scheduler.get_last_lr(), scheduler.schedules[0](5)
([0.0], 0.0005)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer

from .._backend import shown
from ..dialects import transformers as dialects
from ..schedules._base import Formula
from ..schedules._checks import choice_of
from .torch import ScheduledLR

__all__ = [*dialects.__all__, "get_scheduler"]


def _of_optimizer(dialect: Callable[..., Formula]) -> Callable[..., ScheduledLR]:
    """Return the function of Transformers with this name."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    _, *parameters = inspect.signature(dialect).parameters.values()
    # Transformers has `last_epoch` last, or else before what the dialect takes by keywords only.
    place = sum(parameter.kind is kind for parameter in parameters)
    parameters.insert(place, inspect.Parameter("last_epoch", kind, default=-1))
    parameters.insert(0, inspect.Parameter("optimizer", kind))
    signature = inspect.Signature([parameter.replace(kind=kind) for parameter in parameters])

    def function(*arguments: Any, **options: Any) -> ScheduledLR:
        try:
            bound = signature.bind(*arguments, **options)
        except TypeError as error:
            raise TypeError(f"{dialect.__name__}() {error}") from None
        bound.apply_defaults()
        given = bound.arguments
        optimizer, last_epoch = given.pop("optimizer"), given.pop("last_epoch")
        if not isinstance(optimizer, Optimizer) or hasattr(optimizer, "optimizer_dict"):
            wanted = "Argument `optimizer` must be a torch.optim.Optimizer, not one of Transformers' for each layer."
            raise TypeError(f"{wanted} Received: {shown(optimizer)}")

        # Transformers takes these for the optimizer's own rate, and scales all rates of other groups.
        ends = [key for key in ("lr_end", "min_lr") if given.get(key)]

        def schedule(rate: float) -> Formula:
            default = float(optimizer.defaults["lr"]) if ends else rate  # some optimizers have none
            scaled = {key: given[key] * (rate / default) for key in ends if rate != default}
            return dialect(rate, **{**given, **scaled})

        rates = [float(group.get("initial_lr", group["lr"])) for group in optimizer.param_groups]
        return ScheduledLR(optimizer, [schedule(rate) for rate in rates], last_epoch)

    function.__name__ = function.__qualname__ = dialect.__name__
    function.__doc__ = (
        "Return a scheduler with these rates for an optimizer.\n\n"
        f"See Also\n--------\ncosine_fast.dialects.transformers.{dialect.__name__} : The schedule and its parameters.\n"
    )
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


get_constant_schedule = _of_optimizer(dialects.get_constant_schedule)
get_constant_schedule_with_warmup = _of_optimizer(dialects.get_constant_schedule_with_warmup)
get_cosine_schedule_with_warmup = _of_optimizer(dialects.get_cosine_schedule_with_warmup)
get_cosine_with_hard_restarts_schedule_with_warmup = _of_optimizer(
    dialects.get_cosine_with_hard_restarts_schedule_with_warmup
)
get_cosine_with_min_lr_schedule_with_warmup = _of_optimizer(dialects.get_cosine_with_min_lr_schedule_with_warmup)
get_cosine_with_min_lr_schedule_with_warmup_lr_rate = _of_optimizer(
    dialects.get_cosine_with_min_lr_schedule_with_warmup_lr_rate
)
get_inverse_sqrt_schedule = _of_optimizer(dialects.get_inverse_sqrt_schedule)
get_linear_schedule_with_warmup = _of_optimizer(dialects.get_linear_schedule_with_warmup)
get_polynomial_decay_schedule_with_warmup = _of_optimizer(dialects.get_polynomial_decay_schedule_with_warmup)
get_wsd_schedule = _of_optimizer(dialects.get_wsd_schedule)

_BY_NAME = {
    "linear": get_linear_schedule_with_warmup,
    "cosine": get_cosine_schedule_with_warmup,
    "cosine_with_restarts": get_cosine_with_hard_restarts_schedule_with_warmup,
    "polynomial": get_polynomial_decay_schedule_with_warmup,
    "constant": get_constant_schedule,
    "constant_with_warmup": get_constant_schedule_with_warmup,
    "inverse_sqrt": get_inverse_sqrt_schedule,
    "cosine_with_min_lr": get_cosine_with_min_lr_schedule_with_warmup,
    "cosine_warmup_with_min_lr": get_cosine_with_min_lr_schedule_with_warmup_lr_rate,
    "warmup_stable_decay": get_wsd_schedule,
}


def get_scheduler(
    name: str,
    optimizer: Optimizer,
    num_warmup_steps: int | None = None,
    num_training_steps: int | None = None,
    scheduler_specific_kwargs: dict[str, Any] | None = None,
) -> ScheduledLR:
    """Return a scheduler by the name that Transformers has for it.

    Parameters
    ----------
    name : str or transformers.SchedulerType
        The name: linear, cosine, cosine_with_restarts, polynomial, constant, constant_with_warmup, inverse_sqrt,
        cosine_with_min_lr, cosine_warmup_with_min_lr or warmup_stable_decay.
    optimizer : torch.optim.Optimizer
        The optimizer.
    num_warmup_steps, num_training_steps : int, optional
        The length of the warmup, and of the whole run, in steps. Schedules that have no such parameter ignore it.
    scheduler_specific_kwargs : dict, optional
        More parameters of the function that makes the schedule.

    Returns
    -------
    ScheduledLR
        The scheduler.

    Raises
    ------
    ValueError
        If there is no such name, or the rate is not a function of the step (reduce_lr_on_plateau, greedy), or a
        parameter is missing or out of its range.
    TypeError
        If a parameter is of a wrong type, or the function does not have it.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : The scheduler that it returns.

    Examples
    --------
    >>> import torch
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=1e-3)
    >>> scheduler = get_scheduler("cosine_with_min_lr", optimizer, 10, 20, {"min_lr_rate": 0.1})
    >>> scheduler.schedules[0](20)
    0.0001
    """
    name = getattr(name, "value", name)
    if name in ("reduce_lr_on_plateau", "greedy"):
        raise ValueError(f"Argument `name` must be of a schedule. The rates of {name} depend on what is trained.")
    choice_of("name", name, _BY_NAME)
    known = inspect.signature(_BY_NAME[name]).parameters
    options = {}
    for key, value in (("num_warmup_steps", num_warmup_steps), ("num_training_steps", num_training_steps)):
        if key in known:
            if value is None and known[key].default is inspect.Parameter.empty:
                raise ValueError(f"Argument `{key}` must be given for {name}.")
            options[key] = value
    return _BY_NAME[name](optimizer, **options, **(scheduler_specific_kwargs or {}))
