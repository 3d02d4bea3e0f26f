"""PyTorch's schedulers as schedules, by their own names and parameters; PyTorch is not needed.

Where PyTorch's class takes an optimizer, a function here takes `learning_rate`, the base rate of a parameter group. The
rates are those of PyTorch's closed forms. Bad arguments are a TypeError or a ValueError that names the parameter.
`cosine_fast.integrations.torch` has schedulers of these names that drive an optimizer.

>>> CosineAnnealingLR(0.5, T_max=1000)(500)
0.25
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction

from ..schedules import (
    CosineAnnealing,
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    JoinedSchedule,
    LinearDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from ..schedules._base import Formula
from ..schedules._checks import choice_of, nearest, number_of, received, steps_of
from ..schedules._joined import whole_length, whole_steps
from ._parts import refused, stairs

__all__ = [
    "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR", "LinearLR", "MultiStepLR",
    "OneCycleLR", "PolynomialLR", "StepLR",
]  # fmt: skip

CyclicLR = refused("CyclicLR", "there is no schedule with triangles without end")
ReduceLROnPlateau = refused("ReduceLROnPlateau", "there is no formula of the step")


def ConstantLR(learning_rate: float, factor: float = 1.0 / 3, total_iters: int = 5) -> Formula:
    """Return a fraction of the rate up to a step, and then the rate.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    factor : float, default 1/3
        The fraction.
    total_iters : int, default 5
        The step from which on the rate is `learning_rate`; > 0.

    Returns
    -------
    PiecewiseConstantDecay
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ConstantLR : The same, as a scheduler of PyTorch.

    Examples
    --------
    >>> ConstantLR(0.5, factor=0.5, total_iters=2)([0, 1, 2])
    array([0.25, 0.25, 0.5 ])
    """
    rate = number_of("learning_rate", learning_rate)
    end = whole_length("total_iters", total_iters, positive=True)
    return PiecewiseConstantDecay([end - 1], [rate * number_of("factor", factor), rate])


def LinearLR(
    learning_rate: float, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5
) -> Formula:
    """Return a line from one fraction of the rate to another, which is kept.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    start_factor, end_factor : float, default 1/3 and 1.0
        The fractions at step 0 and from the end on.
    total_iters : int, default 5
        The length of the line in steps.

    Returns
    -------
    LinearDecay
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.LinearLR : The same, as a scheduler of PyTorch.

    Examples
    --------
    >>> LinearLR(0.5, start_factor=0.5, total_iters=2)([0, 1, 2, 3])
    array([0.25 , 0.375, 0.5  , 0.5  ])
    """
    rate = number_of("learning_rate", learning_rate)
    start, end = number_of("start_factor", start_factor), number_of("end_factor", end_factor)
    return LinearDecay(rate * start, whole_length("total_iters", total_iters, positive=True), rate * end)


def ExponentialLR(learning_rate: float, gamma: float) -> Formula:
    """Return a rate that is multiplied by a factor at every step.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    gamma : float
        The factor.

    Returns
    -------
    ExponentialDecay
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ExponentialLR : The same, as a scheduler of PyTorch.

    Examples
    --------
    >>> ExponentialLR(0.5, gamma=0.5)([0, 1, 2])
    array([0.5  , 0.25 , 0.125])
    """
    factor = number_of("gamma", gamma)
    return ExponentialDecay(number_of("learning_rate", learning_rate), 1, factor, staircase=factor < 0.0)


def StepLR(learning_rate: float, step_size: int, gamma: float = 0.1) -> Formula:
    """Return a rate that is multiplied by a factor at regular intervals.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    step_size : int
        The number of steps with one rate.
    gamma : float, default 0.1
        The factor.

    Returns
    -------
    ExponentialDecay
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.StepLR : The same, as a scheduler of PyTorch.

    Examples
    --------
    >>> StepLR(0.5, step_size=2, gamma=0.5)([0, 1, 2, 3, 4])
    array([0.5  , 0.5  , 0.25 , 0.25 , 0.125])
    """
    length, factor = whole_length("step_size", step_size, positive=True), number_of("gamma", gamma)
    return ExponentialDecay(number_of("learning_rate", learning_rate), length, factor, staircase=True)


def MultiStepLR(learning_rate: float, milestones: Iterable[int], gamma: float = 0.1) -> Formula:
    """Return a rate that is multiplied by a factor at each of some steps.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    milestones : iterable of int
        The steps, in any order. A step that is in it twice counts twice.
    gamma : float, default 0.1
        The factor.

    Returns
    -------
    PiecewiseConstantDecay
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.MultiStepLR : The same, as a scheduler of PyTorch.

    Examples
    --------
    >>> MultiStepLR(0.5, milestones=[2, 3], gamma=0.5)([1, 2, 3])
    array([0.5  , 0.25 , 0.125])
    """
    rate, factor = number_of("learning_rate", learning_rate), number_of("gamma", gamma)
    if not isinstance(milestones, Iterable):
        raise TypeError(f"Argument `milestones` must be steps. {received('milestones', milestones)}")
    return stairs(rate, factor, (whole_steps("milestones", step) for step in Counter(milestones).elements()))


def PolynomialLR(learning_rate: float, total_iters: int = 5, power: float = 1.0) -> Formula:
    """Return a rate that falls to 0 as a power of the fraction of the steps that remains.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    total_iters : int, default 5
        The length of the decay in steps.
    power : float, default 1.0
        The power; >= 0.

    Returns
    -------
    PolynomialDecay
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.PolynomialLR : The same, as a scheduler of PyTorch.

    Examples
    --------
    >>> PolynomialLR(0.5, total_iters=2, power=2.0)([0, 1, 2, 3])
    array([0.5  , 0.125, 0.   , 0.   ])
    """
    rate, length = number_of("learning_rate", learning_rate), steps_of("total_iters", total_iters, positive=True)
    if (exponent := number_of("power", power)) < 0.0:
        raise ValueError(f"Argument `power` must be >= 0: below, the last rate is infinite. Received: power={power}")
    return PolynomialDecay(rate, length, 0.0, exponent)


def CosineAnnealingLR(learning_rate: float, T_max: int, eta_min: float = 0.0) -> Formula:
    """Return a cosine down to a floor, and back up, and so on.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    T_max : int
        The number of steps from the top to the floor.
    eta_min : float, default 0.0
        The floor.

    Returns
    -------
    CosineAnnealing
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.CosineAnnealingLR : The same, as a scheduler of PyTorch.

    Examples
    --------
    >>> CosineAnnealingLR(0.5, T_max=2, eta_min=0.25)([0, 1, 2, 3, 4])
    array([0.5  , 0.375, 0.25 , 0.375, 0.5  ])
    """
    rate, length = number_of("learning_rate", learning_rate), steps_of("T_max", T_max, positive=True)
    return CosineAnnealing(rate, length, number_of("eta_min", eta_min))


def CosineAnnealingWarmRestarts(learning_rate: float, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> Formula:
    """Return cosines down to a floor, one after the other, each longer than the one before by a factor.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    T_0 : int
        The number of steps of the first cosine.
    T_mult : int, default 1
        The factor; >= 1.
    eta_min : float, default 0.0
        The floor.

    Returns
    -------
    CosineDecayRestarts
        The schedule. It takes fractional steps, as PyTorch's ``step(epoch)`` does.

    See Also
    --------
    cosine_fast.integrations.torch.CosineAnnealingWarmRestarts : The same, as a scheduler of PyTorch.

    Examples
    --------
    >>> CosineAnnealingWarmRestarts(0.5, T_0=2, T_mult=2)([0, 1, 2, 4, 6])
    array([0.5 , 0.25, 0.5 , 0.25, 0.5 ])
    """
    rate, length = number_of("learning_rate", learning_rate), whole_length("T_0", T_0, positive=True)
    factor = float(whole_length("T_mult", T_mult, positive=True))
    return CosineDecayRestarts(rate, length, factor, end_learning_rate=number_of("eta_min", eta_min))


def OneCycleLR(
    max_lr: float, total_steps: int | None = None, epochs: int | None = None, steps_per_epoch: int | None = None,
    pct_start: float = 0.3, anneal_strategy: str = "cos", *, div_factor: float = 25.0, final_div_factor: float = 1e4,
    three_phase: bool = False,
) -> Formula:  # fmt: skip
    """Return the 1cycle policy: up to the peak, and down to far below the first rate.

    Parameters
    ----------
    max_lr : float
        The peak, of one parameter group. The group's own rate has no effect.
    total_steps : int, optional
        The number of steps.
    epochs, steps_per_epoch : int, optional
        The number of steps is their product, if it is not given.
    pct_start : float, default 0.3
        The fraction of the steps in which the rate rises. Every phase after step 0 must have a length.
    anneal_strategy : {"cos", "linear"}, default "cos"
        The shape of all phases.
    div_factor, final_div_factor : float, default 25.0 and 1e4
        The peak over the first rate, and the first rate over the last one; > 0.
    three_phase : bool, default False
        Whether the rate first comes down to the first rate, in as many steps as up, and only then to the last one.

    Returns
    -------
    JoinedSchedule
        The schedule. Past the end it keeps the last rate.

    See Also
    --------
    cosine_fast.integrations.torch.OneCycleLR : The same, as a scheduler of PyTorch.

    Examples
    --------
    >>> OneCycleLR(0.5, total_steps=11, pct_start=0.5, anneal_strategy="linear", div_factor=10.0)([0, 4.5, 10])
    array([5.e-02, 5.e-01, 5.e-06])
    """
    if total_steps is None:
        if epochs is None or steps_per_epoch is None:
            raise ValueError("Argument `total_steps`, or both `epochs` and `steps_per_epoch`, must be given.")
        count = whole_length("epochs", epochs, positive=True)
        count *= whole_length("steps_per_epoch", steps_per_epoch, positive=True)
    else:
        count = whole_length("total_steps", total_steps, positive=True)
    first, last = number_of("div_factor", div_factor), number_of("final_div_factor", final_div_factor)
    if not min(first, last) > 0.0:
        received = f"div_factor={div_factor}, final_div_factor={final_div_factor}"
        raise ValueError(f"Arguments `div_factor` and `final_div_factor` must be > 0. Received: {received}")
    peak = number_of("max_lr", max_lr)
    rise = number_of("pct_start", pct_start) * count
    back, down = ([peak / first], [2 * rise - 2]) if three_phase else ([], [])
    return phases([peak / first, peak, *back, peak / first / last], [rise - 1, *down, count - 1], anneal_strategy)


def phases(rates: Sequence[float], ends: Sequence[float], anneal_strategy: str) -> Formula:
    """Return the curve from the first of the rates, at step 0, to each next one at its end."""
    shape = choice_of("anneal_strategy", anneal_strategy, ("cos", "linear"))
    parts: dict[int, tuple[Formula, int]] = {}
    start = Fraction(0)
    for (first, last), end in zip(itertools.pairwise(rates), map(Fraction, ends), strict=True):
        if end < 0:  # in PyTorch step 0 then lies in a later phase
            start = end
            continue
        if not start < end:
            raise ValueError(
                "Argument `pct_start` must leave each phase some steps. "
                f"Received: phases from step 0 that end at the steps {', '.join(map(str, ends))}"
            )
        before = max(0, math.ceil(-start))  # a phase that begins before step 0 is moved by whole steps
        begin, length = nearest(start + before), nearest(end - start)
        part: Formula
        if shape == "linear":  # the line, from step 0 on
            at_0 = Fraction(first) - (Fraction(last) - Fraction(first)) * (start + before) / (end - start)
            part = PolynomialDecay(nearest(at_0), nearest(end + before), last)
        elif begin:  # what comes before is flat, and never reached
            part = CosineDecay(first, length, warmup_target=first, warmup_steps=begin, end_learning_rate=last)
        else:
            part = CosineDecay(first, length, end_learning_rate=last)
        # Of phases between two steps only the last one is reached.
        parts[math.floor(start) + 1 if start > 0 else 0] = part, -before
        start = end
    schedules, offsets = zip(*parts.values(), strict=True)
    return JoinedSchedule([*schedules], [*parts][1:], offsets=[*offsets])
