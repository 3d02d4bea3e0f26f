"""What tests of numbers share: the ends of int64, rates that are the same to the last bit, and their order."""

from __future__ import annotations

import numpy as np

INT64 = (-(2**63), 2**63 - 1)


def within(step):
    """The step, or the end of int64 that it lies beyond."""
    return min(max(step, INT64[0]), INT64[1])


def bits(rates):
    """The bits of floats, every NaN having the same."""
    rates = np.asarray(rates)
    rates = np.where(np.isnan(rates), np.array(np.nan, rates.dtype), rates)
    return rates.view(f"u{rates.itemsize}")


def assert_same(have, want, what=""):
    """The same type, shape, dtype and bits."""
    assert type(have) is type(want), what
    assert np.shape(have) == np.shape(want), what
    assert np.asarray(have).dtype == np.asarray(want).dtype, what
    np.testing.assert_array_equal(bits(have), bits(want), what)


def outcome(call):
    """What a call gave: its value, or its exception's type and message."""
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


def assert_never_turns_back(schedule, D):
    """Over whole steps a decay of D steps never rises, and a growth never falls."""
    rising = schedule(D) > schedule(0)
    for start in (0, D // 3, D // 2, D - 5000, 5 * D):
        rates = schedule.precompute(start, start + 10_000)
        assert (np.diff(rates if rising else -rates) >= 0).all(), start
    rates = schedule(np.linspace(0, 2 * D, 100_000).astype(np.int64))
    assert (np.diff(rates if rising else -rates) >= 0).all()
