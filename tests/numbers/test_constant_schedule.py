"""ConstantSchedule: its one rate, and its class."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bits import INT64


def test_everywhere(cf):
    schedule = cf.ConstantSchedule(0.3)
    assert {schedule(step) for step in (*INT64, 0, 0.5, math.inf, -math.inf)} == {0.3}
    assert math.isnan(schedule(math.nan))
    assert str(cf.ConstantSchedule(-0.0)(5)) == "0.0"
    assert cf.ConstantSchedule(np.float32(0.1))(np.arange(3)).dtype == np.float32


def test_errors(cf):
    with pytest.raises(ValueError, match=r"Argument `learning_rate` must be finite. Received: learning_rate=inf"):
        cf.ConstantSchedule(math.inf)
    with pytest.raises(TypeError, match=r"Argument `learning_rate` must be a number. Received: learning_rate=None"):
        cf.ConstantSchedule(None)
