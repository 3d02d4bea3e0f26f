"""Arrays in memory of every layout, calls of a schedule with them, and whether these have the same bits."""

from __future__ import annotations

import warnings

import numpy as np
from bits import bits
from family import NAMES, drawn, made

BLOCK = 512  # elements: the kernel's blocks; what is promised holds whatever they are


def shifted(array: np.ndarray, offset: int) -> np.ndarray:
    """A copy that begins so many bytes after an aligned address."""
    memory = np.zeros(array.nbytes + 16, np.uint8)
    offset += -memory.ctypes.data % 8
    copy = memory[offset : offset + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def unaligned(array: np.ndarray) -> np.ndarray:
    """A copy at an odd address."""
    copy = shifted(array, 1)
    assert not copy.flags.aligned or array.itemsize == 1 or array.size == 0
    return copy


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def laid_out(draw, shape, dtype):
    """Memory for an array of this shape and dtype in an arbitrary layout: order, strides, signs, alignment."""
    order = draw.permutation(len(shape))
    spread = draw.integers(1, 4, len(shape))
    block = [int(shape[d] * spread[d]) for d in order]
    offset = int(draw.integers(0, 9))
    memory = np.zeros(int(np.prod(block, dtype=np.int64)) * dtype.itemsize + 16, np.uint8)
    array = memory[offset : offset + memory.size - 16].view(dtype).reshape(block)
    array = array.transpose(np.argsort(order))
    signs = [slice(None, None, int(spread[d]) * draw.choice([-1, 1])) for d in range(len(shape))]
    array = array[(..., *signs)]
    assert array.shape == tuple(shape)
    return memory, array


def one_call(package, seed):
    """A random schedule called with steps and `out` of random layouts, dtypes and overlap: the bits of single steps."""
    draw = np.random.default_rng(seed)
    name = NAMES[0] if draw.random() < 0.5 else draw.choice(NAMES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            schedule = made(package, name, drawn(name, seed))
        except ValueError:
            return
    most = draw.choice([3, 8, 40] if package.build_info()["backend"] == "compiled" else [3, 6])
    shape = tuple(draw.integers(0, most, draw.integers(0, 4)))
    dtype = np.dtype(draw.choice(list("bBhHiIlLqQefdg"))).newbyteorder(draw.choice(["<", ">"]))
    _, steps = laid_out(draw, shape, dtype)
    near = 10.0 ** draw.uniform(0, 20)
    with np.errstate(all="ignore"):
        numbers = draw.uniform(-near, near, shape)
        if dtype.kind != "f":
            info = np.iinfo(dtype)
            numbers = np.clip(numbers, max(info.min, -(2.0**62)), min(info.max, 2**62))
        steps[...] = numbers
    rate = np.dtype(draw.choice(["f8", "f4"]))
    with np.errstate(all="ignore"):
        flat = steps.astype(np.float64 if dtype.kind == "f" else np.int64).ravel().tolist()
        want = np.array([schedule(step, dtype=np.float64) for step in flat], np.float64).astype(rate).reshape(shape)
    threads = draw.choice([None, 1, 2, 7])
    assert np.array_equal(bits(schedule(steps, dtype=rate, num_threads=threads)), bits(want)), seed
    memory, out = laid_out(draw, shape, rate)
    memory[...] = 7
    assert schedule(steps, out=out, num_threads=threads) is out, seed
    assert np.array_equal(bits(out), bits(want)), seed
    out.view(f"u{rate.itemsize}")[...] = 0x0707070707070707 % 2 ** (8 * rate.itemsize)
    assert np.all(memory == 7), f"{seed}: beside out"
    if rate.itemsize <= dtype.itemsize and steps.size and steps.ndim:
        overlapping = np.lib.stride_tricks.as_strided(steps.view(f"V{dtype.itemsize}"), steps.shape, steps.strides)
        overlapping = overlapping.view([("rate", rate), ("rest", f"V{dtype.itemsize - rate.itemsize}")])["rate"]
        schedule(steps, out=overlapping, num_threads=threads)
        assert np.array_equal(bits(overlapping), bits(want)), f"{seed}: in the steps' memory"


def brief_calls(schedule, steps, want):
    """The ways that take other code of a schedule's own: any order, whole phases, another stride, another type."""
    yield "a number", [schedule(step) for step in steps[::29].tolist()], want[::29]
    yield "an array", schedule(steps), want
    order = np.argsort(steps, kind="stable")
    yield "sorted", schedule(steps[order]), want[order]
    yield "sorted, reversed", schedule(steps[order][::-1]), want[order][::-1]
    yield "strided", schedule(np.repeat(steps, 2)[::2]), want
    yield "unaligned", schedule(shifted(steps, 3)), want
    for offset in (1, 7, BLOCK - 1):
        yield f"from element {offset} on", schedule(steps[offset:]), want[offset:]
    with np.errstate(over="ignore", under="ignore"):
        yield "float32", schedule(steps, dtype=np.float32), want.astype(np.float32)


def same(have, want) -> bool:
    """The same bits; NaNs have more than one."""
    have = np.asarray(have)
    if have.dtype != want.dtype or have.shape != want.shape:
        return False
    return have.tobytes() == want.tobytes() or np.array_equal(bits(have), bits(want))
