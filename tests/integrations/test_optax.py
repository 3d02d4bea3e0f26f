"""optax's functions of this package, as schedules and as tables, beside optax's own: random parameters, all steps."""

from __future__ import annotations

import inspect
import random

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="optax's schedules are in JAX")
optax = pytest.importorskip("optax", reason="it is what these tests are about")

import jax.numpy as jnp  # noqa: E402
from x64 import enable_x64  # noqa: E402

from cosine_fast import CosineDecay, ExponentialDecay, OneCycle  # noqa: E402
from cosine_fast.dialects import optax as dialect  # noqa: E402
from cosine_fast.integrations import optax as tables  # noqa: E402

STEPS = 400  # more than any of these schedules has
NAMES = [name for name in dialect.__all__ if name != "join_schedules"]


def drawn(name, draw):
    """Random parameters of one of optax's functions, with those that it treats on their own."""

    def rate():
        return draw.choice([0.0, 1, -0.01, *(10 ** draw.uniform(-5, 0) for _ in range(6))])

    def factor():
        return draw.choice([0.0, 1, 2.5, draw.uniform(0, 1), draw.uniform(0, 3)])

    values = {
        "init_value": rate, "end_value": rate, "peak_value": rate, "value": rate,
        "alpha": lambda: draw.choice([0.0, 0.1, 2.0]), "exponent": lambda: draw.choice([1.0, 1.0, 2, 0.7]),
        "power": lambda: draw.choice([1, 1.0, 2, 0.5, 3.3]), "staircase": lambda: draw.random() < 0.5,
        "transition_steps": lambda: draw.choice([0, -3, 2, 7, 50, 100, 12.5]),
        "decay_steps": lambda: draw.randint(31, 200), "warmup_steps": lambda: draw.choice([0, 1, 10, 30]),
        "transition_begin": lambda: draw.choice([0, 0, -5, 1, 20]),
        "decay_rate": lambda: draw.choice([0, 0.3, 0.9, 1.5]),
        "interpolate_type": lambda: draw.choice(["linear", "cosine"]),
        "boundaries_and_scales": lambda: draw.choice(
            [None, {}, *[{draw.randint(-5, 300): factor() for _ in range(draw.randint(1, 4))} for _ in range(4)]]
        ),
        "pct_start": lambda: draw.choice([0.0, 0.3, draw.random()]),
        "pct_final": lambda: draw.choice([0.85, 1.0, draw.random()]), "div_factor": lambda: draw.uniform(0.5, 30),
        "final_div_factor": lambda: draw.uniform(0.5, 1e4),
        "cosine_kwargs": lambda: [
            drawn("warmup_cosine_decay_schedule", draw) for _ in range(draw.randint(1, 3))
        ],
    }  # fmt: skip
    parameters = inspect.signature(getattr(dialect, name)).parameters.values()
    given = {p.name: values[p.name]() for p in parameters if p.default is p.empty or draw.random() < 0.7}
    if "onecycle" in name:
        given["transition_steps"] = draw.randint(2, 300)
    if name == "exponential_decay" and given.get("decay_rate") == 1.5:
        given["init_value"] = abs(given["init_value"])
    return given


@pytest.mark.parametrize("name", NAMES)
def test_same(name, share):
    """optax's rates but for its own rounding, in float64 and float32; the tables have the bits of the schedules."""
    counts = np.arange(STEPS)
    for seed in range(int(12 * share)):
        given = drawn(name, random.Random(f"{name} {seed}"))
        schedule = getattr(dialect, name)(**given)
        for single, error in ((False, 1e-12), (True, 1e-4)):
            with enable_x64(not single):
                own, table = getattr(optax, name)(**given), getattr(tables, name)(**given, stop=STEPS)
                want = jax.vmap(lambda count, own=own: jnp.asarray(own(count)))(counts)
                got = np.asarray(table(counts))
            assert got.tobytes() == schedule.precompute(STEPS, dtype=got.dtype).tobytes()
            np.testing.assert_allclose(got, want, rtol=error, atol=error * np.abs(want).max(), err_msg=f"{given}")
        if schedule._end is not None:
            assert getattr(tables, name)(**given)(10**6) == np.float32(schedule(10**6))


@pytest.mark.parametrize("name", dialect.__all__)
def test_signatures(name):
    """The same parameters, in the same order and with the same defaults; ours may follow."""
    own, ours, tabled = (
        [(p.name, p.default) for p in inspect.signature(getattr(module, name)).parameters.values()]
        for module in (optax, dialect, tables)
    )
    assert ours == own + [("offsets", None)] * (name == "join_schedules")
    assert tabled == [*own, ("stop", None), ("dtype", None)]


def test_all_are_here():
    own = {name for name in dir(optax) if name.endswith("_schedule")} - {"scale_by_schedule"}
    assert own | {"exponential_decay", "join_schedules"} == set(dialect.__all__)


@pytest.mark.parametrize(("steps", "start"), [(101, 0.4), (2, 0.3), (1, 0.3), (10, 0.05), (101, 0.0)])
def test_one_cycle(steps, start):
    """The class OneCycle is the same, without a rise too."""
    ours = OneCycle(0.3, steps, start, 20.0, 100.0)
    own = dialect.cosine_onecycle_schedule(steps, 0.3, start, 20.0, 100.0)
    np.testing.assert_allclose(ours.precompute(STEPS), own.precompute(STEPS), rtol=1e-15)


def test_join():
    """Tables are joined, with each other and with schedules."""
    parts = [("linear_schedule", (0.0, 0.3, 13)), ("cosine_decay_schedule", (0.3, 70, 0.1))]
    own = optax.join_schedules(
        [*(getattr(optax, name)(*p) for name, p in parts), optax.exponential_decay(0.3, 10, 0.5)], [13, 60]
    )
    table = tables.join_schedules(
        [*(getattr(tables, name)(*p) for name, p in parts), ExponentialDecay(0.3, 10, 0.5)], [13, 60], stop=STEPS
    )
    with enable_x64(True):
        want = own(jnp.arange(STEPS))
    np.testing.assert_allclose(table.schedule.precompute(STEPS), want, rtol=1e-12, atol=1e-12)
    assert table.rates.tolist() == table.schedule.precompute(STEPS, dtype=np.float32).tolist()


@pytest.mark.parametrize("boundaries", [(5, 5, 9), (0, 0, 0), (3, 9, 9)])
def test_join_at_equal_boundaries(boundaries):
    """The schedule between two equal boundaries never counts."""
    parts = [1.0, 2.0, 3.0, 4.0]
    own = optax.join_schedules([optax.constant_schedule(part) for part in parts], boundaries)
    ours = dialect.join_schedules([dialect.constant_schedule(part) for part in parts], boundaries)
    assert ours.precompute(12).tolist() == [float(own(count)) for count in range(12)]


def test_optimizers():
    """The tables train as optax's schedules do, and are read from the state where optax shows its own."""
    given = {"init_value": 0.0, "peak_value": 0.5, "warmup_steps": 5, "decay_steps": 20}
    losses = []
    for module in (optax, tables):
        optimizer = optax.inject_hyperparams(optax.adamw)(module.warmup_cosine_decay_schedule(**given))

        def step(carry, _, optimizer=optimizer):
            weights, state = carry
            loss, gradient = jax.value_and_grad(lambda w: jnp.sum((w - 3.0) ** 2))(weights)
            updates, state = optimizer.update(gradient, state, weights)
            return (optax.apply_updates(weights, updates), state), (loss, state.hyperparams["learning_rate"])

        weights = jnp.zeros(4)
        losses.append(
            jax.jit(lambda c, step=step: jax.lax.scan(step, c, length=30))((weights, optimizer.init(weights)))[1]
        )
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5, atol=1e-7)


WARMUP = {"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 10, "decay_steps": 10}
POLYNOMIAL = {"init_value": 1.0, "end_value": 0.0, "power": 1.0, "transition_steps": 5, "transition_begin": 0.5}
NEGATIVE = {"init_value": 1.0, "transition_steps": 9, "decay_rate": -0.5}


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("constant_schedule", {"value": np.nan}, "`value` must be finite"),
        ("cosine_decay_schedule", {"init_value": 1.0, "decay_steps": 0}, "`decay_steps` must be > 0"),
        ("cosine_decay_schedule", {"init_value": 1.0, "decay_steps": 9, "exponent": 0}, "`exponent` must be from"),
        ("warmup_cosine_decay_schedule", WARMUP, "`decay_steps` must be > `warmup_steps`"),
        ("polynomial_schedule", POLYNOMIAL, "`transition_begin` must be whole"),
        ("exponential_decay", NEGATIVE, "`decay_rate` must be >= 0"),
        ("exponential_decay", {**NEGATIVE, "staircase": True, "end_value": 0.1}, "`end_value` needs a positive"),
        ("piecewise_constant_schedule", {"init_value": 1.0, "boundaries_and_scales": {5: -1}}, "scales >= 0"),
        ("piecewise_interpolate_schedule", {"interpolate_type": "cubic", "init_value": 1.0}, "`interpolate_type`"),
        ("cosine_onecycle_schedule", {"transition_steps": 0, "peak_value": 1.0}, "`transition_steps` must be > 0"),
        ("linear_onecycle_schedule", {"transition_steps": 9, "peak_value": 1.0, "div_factor": 0}, "`div_factor`"),
        ("sgdr_schedule", {"cosine_kwargs": []}, "`cosine_kwargs` must have"),
        ("sgdr_schedule", {"cosine_kwargs": [{**WARMUP, "decay_steps": 20.5}]}, "`decay_steps` must be whole"),
        (
            "warmup_cosine_decay_schedule",
            {**WARMUP, "warmup_steps": 0.5, "exponent": 2},
            "`warmup_steps` must be whole",
        ),
    ],
)
def test_errors(name, given, message):
    for module in (dialect, tables):
        with pytest.raises(ValueError, match=message):
            getattr(module, name)(**given)


@pytest.mark.parametrize("module", [dialect, tables])
def test_type_errors(module):
    for given in (5, [5], [{"foo": 1}], [{**WARMUP, "foo": 1}]):
        with pytest.raises(TypeError, match=r"`cosine_kwargs` must have mappings.*Received: cosine_kwargs="):
            module.sgdr_schedule(given)
    for name, given in (("piecewise_constant_schedule", (1.0,)), ("piecewise_interpolate_schedule", ("linear", 1.0))):
        with pytest.raises(TypeError, match=r"`boundaries_and_scales` must be a mapping.*='x'"):
            getattr(module, name)(*given, "x")


def test_parameters_of_jax():
    """Scalars of JAX are parameters, also within others; traced ones are refused with the way that works."""
    cycle = {"init_value": 0.0, "peak_value": jnp.array(0.5), "warmup_steps": jnp.array(5), "decay_steps": 20}
    assert tables.sgdr_schedule([cycle])(5) == tables.sgdr_schedule(cosine_kwargs=iter([cycle]))(5) == 0.5
    parts = [tables.linear_schedule(0.0, 0.5, 10), tables.constant_schedule(0.25)]
    for boundaries in (jnp.array([10]), [jnp.int32(10)]):
        assert tables.join_schedules(parts, boundaries)(11) == 0.25
    assert tables.piecewise_constant_schedule(jnp.float32(0.5), {3: jnp.array(0.5)})(3) == 0.25
    with pytest.raises(TypeError, match="pass the table to it as an argument"):
        jax.jit(lambda peak: tables.cosine_decay_schedule(peak, 100)(5))(0.5)


def test_a_table_of_what_has_no_end():
    with pytest.raises(ValueError, match="`stop` is needed: this ExponentialDecay has no end"):
        tables.exponential_decay(0.5, 100, 0.5)
    assert tables.exponential_decay(0.5, 100, 0.5, end_value=0.1)(10**6) == np.float32(0.1)
    with pytest.raises(TypeError, match="A table has lost its schedule"):  # in a compiled function
        tables.join_schedules([jax.jit(lambda table: table)(tables.constant_schedule(0.5)), CosineDecay(0.1, 5)], [3])
