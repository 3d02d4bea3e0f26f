"""CosineDecayRestarts: cosine decays one after the other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

from .._backend import shown
from . import _sums
from ._base import Formula
from ._checks import LARGEST, floor_of, number_of, rate_of, steps_of

_LEAST_CYCLE = 2.0**-32
_LEAST_MULTIPLE, _LARGEST_MULTIPLE = 2.0**-64, 2.0**64


class CosineDecayRestarts(Formula):
    """Keras's CosineDecayRestarts (SGDR): cosine decays in a row, each `t_mul` times as long as the one before.

    With s the step, in optimizer steps, and i the cycle that it lies in, counted from 0, the rate is::

        S(i) <= s < S(i + 1),  S(i) = first_decay_steps * (1 + t_mul + ... + t_mul ** (i - 1))
        f = (s - S(i)) / (first_decay_steps * t_mul ** i)
        initial_learning_rate * ((1 - alpha) * m_mul ** i * (1 + cos(pi * f)) / 2 + alpha)

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32, the results are float32, as with ``dtype=numpy.float32``.
    first_decay_steps : int or float
        The length of the first cycle in steps; > 0. Integers are exact up to 2**63 - 1.
    t_mul : float, default 2.0
        The length of each cycle as a multiple of the one before; from 2**-64 to 2**64. Below 1 the cycles end at
        ``first_decay_steps / (1 - t_mul)``, and the rate stays at the floor from there on.
    m_mul : float, default 1.0
        The height of each cycle above the floor as a multiple of the one before. Above 1 the rates grow, in the end to
        infinity.
    alpha : float, default 0.0
        The floor as a fraction of the initial rate: every cycle ends at ``initial_learning_rate * alpha``.
    name : str, default "SGDRDecay"
        Kept for Keras's configs; it has no effect.
    end_learning_rate : float, optional
        The floor itself, in place of ``initial_learning_rate * alpha``: of any sign, above the initial rate too. Keras
        has no such parameter; a config has it only if it is given.

    Raises
    ------
    ValueError
        If a parameter is not finite or out of its range; `initial_learning_rate` and its products with `alpha` and
        `1 - alpha` are at most 2**1000 (1e301) in size, `first_decay_steps` is at least 2**-32.
    TypeError
        If a parameter has another type.

    See Also
    --------
    CosineDecay : One such decay, with a warmup.
    CosineAnnealing : A cosine that goes down and up again.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Steps may be
    fractional and negative: the cycles go on backwards, i = -1, -2, ...; with `t_mul` above 1 they begin at
    ``-first_decay_steps / (t_mul - 1)``, and before that the rate is at the floor. NaN gives NaN. Floats beyond 2**65
    in size, infinities among them, give NaN where there are cycles, and else the floor.

    A step that starts a cycle has the peak of that cycle. (Keras finds i with rounded logarithms, and at many restarts,
    such as the 5th with ``t_mul=3``, gives the floor.)

    In float64 a rate is within 2 ULP of the exact value. Where a cycle goes from the floor towards zero and `m_mul` is
    not 1, this is 2 ULP of the larger of its ends. Next to a peak of 0, 2**-1000 of the floor may be added. Less than
    2**-300 (5e-91) before step 0 the rate is the floor.

    The relative error of S(i) is below 2**-150 * max(1, abs(i)). Where `t_mul` is next to 1, or the step next to
    ``first_decay_steps / (1 - t_mul)``, a cycle may be so short that this is more than 2 ULP of the rate: the rate is
    then that of a step which is so far beside or, where a cycle is as short as that, any rate of the cycles there.

    References
    ----------
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, arXiv:1608.03983;
    ``keras.optimizers.schedules.CosineDecayRestarts`` of Keras 3.

    Examples
    --------
    >>> schedule = CosineDecayRestarts(0.5, first_decay_steps=1000, t_mul=2.0, m_mul=0.5)
    >>> schedule(0), schedule(500), schedule(1000), schedule(2000), schedule(3000)
    (0.5, 0.25, 0.25, 0.125, 0.125)
    >>> CosineDecayRestarts(0.5, 1000, t_mul=1.0, alpha=0.1).precompute(0, 2001, 500)
    array([0.5  , 0.275, 0.5  , 0.275, 0.5  ])
    """

    __slots__ = ()
    _name = "cosine_decay_restarts"

    def __init__(
        self, initial_learning_rate: float, first_decay_steps: float, t_mul: float = 2.0, m_mul: float = 1.0,
        alpha: float = 0.0, name: str = "SGDRDecay", *, end_learning_rate: float | None = None,
    ) -> None:  # fmt: skip
        initial, dtype = rate_of("initial_learning_rate", initial_learning_rate)
        length = steps_of("first_decay_steps", first_decay_steps, positive=True)
        lengthening = number_of("t_mul", t_mul)
        heightening = number_of("m_mul", m_mul)
        fraction, absolute = floor_of(alpha, end_learning_rate)
        floor, fall = (fraction, initial - fraction) if absolute else (initial * fraction, initial * (1.0 - fraction))
        if length < _LEAST_CYCLE:
            raise ValueError(
                "Argument `first_decay_steps` must not be smaller than 2**-32 steps. "
                f"Received: first_decay_steps={shown(first_decay_steps)}"
            )
        if not lengthening > 0:
            raise ValueError(f"Argument `t_mul` must be > 0. Received: t_mul={shown(t_mul)}")
        if not _LEAST_MULTIPLE <= lengthening <= _LARGEST_MULTIPLE:
            raise ValueError(f"Argument `t_mul` must be from 2**-64 to 2**64. Received: t_mul={shown(t_mul)}")
        if not max(abs(initial), abs(floor), abs(fall)) <= LARGEST:
            raise ValueError(
                "The initial_learning_rate and its products with `alpha` and `1 - alpha` must be at most 2**1000 "
                f"(1e301) in size. Received: initial_learning_rate={initial_learning_rate}, alpha={alpha}"
                + (f", end_learning_rate={end_learning_rate}" if absolute else "")
            )
        given = (initial_learning_rate, first_decay_steps, t_mul, m_mul, alpha, name, end_learning_rate)
        self._take(given, dtype, (initial, lengthening, heightening, fraction, absolute), (length,), name)

    def _cycles(self) -> Iterator[tuple[Fraction, Fraction]]:
        """Yield for each cycle from step 0 on the step at which it ends, and its length."""
        (_, lengthening, *_), (length,), *_ = self._key
        end, D = Fraction(0), Fraction(length)
        while True:
            end += D
            yield end, D
            D *= Fraction(lengthening)

    def _closed_cycles(self) -> Iterator[tuple[Fraction, Fraction]]:
        """Yield those of the first cycles whose sums have a closed form."""
        for end, D in itertools.islice(self._cycles(), 64):
            if (D * math.lcm(D.denominator, end.denominator)).numerator.bit_length() > _sums.LONGEST:
                return
            yield end, D

    def _sum_parts(self, steps: range, power: int, most: int | None) -> Iterator[Fraction | float]:
        (initial, lengthening, heightening, alpha, absolute), (length,), *_ = self._key
        D, floor = Fraction(length), Fraction(alpha) * (1 if absolute else Fraction(initial))
        amplitude = Fraction(initial) - floor
        stop = math.ceil(D / (1 - Fraction(lengthening))) if lengthening < 1.0 else steps.stop
        before, steps, rest = _sums.split(steps, (min(0, stop), stop))
        yield _sums.count(rest) * floor**power
        yield from _sums.walk(self, before, power, most)
        runs = [(1, steps)]
        if lengthening == heightening == 1.0 and D % steps.step == 0:  # all cycles have the same rates
            n, left = divmod(_sums.count(steps), int(D) // steps.step)
            begin = steps.start % int(D)
            ends = begin + (int(D) if n else 0), begin + left * steps.step
            runs = [(times, range(begin, end, steps.step)) for times, end in zip((n, 1), ends, strict=True)]
        for n, run in runs:
            height = Fraction(1)
            for end, D in self._closed_cycles():
                if not run:
                    break
                part, run = _sums.split(run, [math.ceil(end)])
                if part:
                    yield n * _sums.wave(part, end, D, floor, amplitude * height, power)
                height *= Fraction(heightening)
            yield from _sums.walk(self, run, power, most)

    def _sum_begin(self, step: int) -> int:
        (_, lengthening, heightening, *_), (length,), *_ = self._key
        if step <= 0:
            return step
        if lengthening == heightening == 1.0 and isinstance(length, int):
            return (step - 1) // length * length
        begin = 0
        for end, _ in self._closed_cycles():
            if step <= math.ceil(end):
                return begin
            begin = math.ceil(end)
        return step

    @property
    def _joints(self) -> tuple[int, ...] | None:
        (_, lengthening, heightening, *_), (length,), *_ = self._key
        if lengthening == heightening == 1.0 and isinstance(length, int):
            return 0, length
        if lengthening > 1.0:
            ends = [math.ceil(end) for end, _ in itertools.islice(self._cycles(), 128)]
            if ends[-1] >= 2**63:
                return tuple(sorted({0, *(min(end, 2**63) for end in ends)}))
        return None
