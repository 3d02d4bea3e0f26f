"""The schedule classes: what their parameters mean, and what is checked of them."""

from __future__ import annotations

import warnings

from ._base import LARGEST, Formula, check_name, dtype_of, number_of, parameter, steps_of


class CosineDecay(Formula):
    """Keras's CosineDecay: an optional linear warmup, then a cosine from the peak down to the floor.

    With s the step, in optimizer steps, and t = s - warmup_steps (t = s without a warmup)::

        s < warmup_steps:  initial_learning_rate + (warmup_target - initial_learning_rate) * s / warmup_steps
        else:              peak * ((1 - alpha) * (1 + cos(pi * min(t, decay_steps) / decay_steps)) / 2 + alpha)

    Parameters (Keras's names and order; learning rates have no unit)
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32 the results are float32, as with ``dtype=numpy.float32``.
    decay_steps : int or float
        The length of the decay in steps, without the warmup; > 0. Whole numbers are exact up to 2**63 - 1.
    alpha : float
        The floor, as a fraction of the peak: the decay ends at ``peak * alpha``.
    name : str
        Kept for Keras's configs; means nothing here.
    warmup_target : float, optional
        The peak, which the warmup ends at. None: there is no warmup, and the peak is initial_learning_rate.
    warmup_steps : int or float
        The length of the warmup in steps; >= 0. Without warmup_target it is ignored, with a UserWarning.

    ``schedule(step, *, out=None, dtype=None, num_threads=None)``
    ----------
    step : int, float, array or anything that ``numpy.asarray`` makes one of
        Integers within int64 or floats, of any shape, strides and byte order. Fractional and negative steps are steps:
        the warmup line goes on below step 0; without a warmup the cosine is even. NaN gives NaN, +inf the floor.
    out : numpy.ndarray, optional
        float64 or float32 of the steps' shape; may be the steps' own memory. It is returned. (Where it overlaps the
        steps other than element upon element they are copied first, as NumPy does.)
    dtype : numpy.float64 or numpy.float32, optional
        Of the result; float64 unless initial_learning_rate says float32, or `out` does.
    num_threads : int, optional
        At most so many threads, for large arrays; else see ``set_num_threads``.

    It returns an array of the steps' shape (a masked one for masked steps), a NumPy scalar for a NumPy scalar or a 0-d
    array, and for a Python int or float a Python float (a numpy.float32 where the dtype is float32). A step has one
    result to the last bit, whatever the call, the machine, the instruction set and the number of threads; in float64 it
    is within 2 ULP of the exact value.

    Raises
    ------
    ValueError
        A parameter out of its range, or `out` of another shape or read-only.
    TypeError
        A parameter that is no number, steps that are neither integers nor floats, an unfit `out` or `dtype`.
    OverflowError
        A step beyond int64.

    A schedule is immutable, hashable and picklable, and may be called from many threads at once.

    Examples
    --------
    >>> import numpy as np
    >>> schedule = CosineDecay(0.0, decay_steps=900, alpha=0.1, warmup_target=1e-3, warmup_steps=100)
    >>> schedule(0), schedule(50), schedule(100), schedule(1000)
    (0.0, 0.0005, 0.001, 0.0001)
    >>> schedule(np.array([[100, 550], [999, 2**62]]))
    array([[0.001  , 0.00055],
           [0.0001 , 0.0001 ]])
    >>> steps = np.arange(3, dtype=np.int32)
    >>> schedule(steps, dtype=np.float32)
    array([0.e+00, 1.e-05, 2.e-05], dtype=float32)

    References
    ----------
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, arXiv:1608.03983;
    ``keras.optimizers.schedules.CosineDecay`` of Keras 3.
    """

    __slots__ = ()

    initial_learning_rate = parameter("initial_learning_rate", "The rate at step 0, as it was given.")
    decay_steps = parameter("decay_steps", "The length of the decay in steps, as it was given.")
    alpha = parameter("alpha", "The floor as a fraction of the peak, as it was given.")
    name = parameter("name", "The name, as it was given.")
    warmup_target = parameter("warmup_target", "The peak, as it was given; None without a warmup.")
    warmup_steps = parameter("warmup_steps", "The length of the warmup in steps, as it was given.")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        if self._set(initial_learning_rate, decay_steps, alpha, name, warmup_target, warmup_steps):
            warnings.warn(
                f"Argument `warmup_steps` is ignored without `warmup_target`. Received: warmup_steps={warmup_steps}",
                UserWarning,
                stacklevel=2,
            )

    def _set(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float,
        name: str,
        warmup_target: float | None,
        warmup_steps: float,
    ) -> bool:
        """Check the parameters and take them; whether warmup_steps is ignored."""
        start = number_of("initial_learning_rate", initial_learning_rate)
        dtype = dtype_of("initial_learning_rate", initial_learning_rate)
        decay = steps_of("decay_steps", decay_steps, positive=True)
        fraction = number_of("alpha", alpha)
        check_name(name)
        warmup = steps_of("warmup_steps", warmup_steps, positive=False)
        peak = start if warmup_target is None else number_of("warmup_target", warmup_target)
        has_warmup = warmup_target is not None and warmup > 0
        rise = peak - start if has_warmup else 0.0
        if not (
            abs(start) <= LARGEST
            and abs(peak) <= LARGEST
            and abs(peak * fraction) <= LARGEST
            and abs(peak * (1.0 - fraction)) <= LARGEST
            and abs(rise) <= LARGEST
            and (not rise or abs(rise / warmup) <= LARGEST)
        ):
            raise ValueError(
                "The rates, their products with `alpha` and `1 - alpha`, and the warmup's slope must be at most "
                f"2**1000 (1e301) in size. Received: initial_learning_rate={initial_learning_rate}, alpha={alpha}, "
                f"warmup_target={warmup_target}, warmup_steps={warmup_steps}"
            )
        config = {
            "initial_learning_rate": initial_learning_rate,
            "decay_steps": decay_steps,
            "alpha": alpha,
            "name": name,
            "warmup_target": warmup_target,
            "warmup_steps": warmup_steps,
        }
        key = (start, decay, fraction, name, None if warmup_target is None else peak, warmup)
        single = self._take(config, key, dtype)
        self._fold_cosine_decay(peak, decay, fraction, has_warmup, start, warmup, single)  # last: now it is ready
        return warmup_target is None and warmup > 0
