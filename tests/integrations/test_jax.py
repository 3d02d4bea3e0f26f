"""cosine_fast.integrations.jax under JAX's transformations and in optax's optimizers."""

from __future__ import annotations

import array
import inspect
import pickle

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="JAX is what these tests are about")
optax = pytest.importorskip("optax", reason="optax's optimizers call the tables")

import jax.numpy as jnp  # noqa: E402
from draws import fractional_steps, whole_steps  # noqa: E402
from family import FAMILY, NAMES, made  # noqa: E402
from x64 import enable_x64  # noqa: E402

import cosine_fast  # noqa: E402
import cosine_fast.dialects.optax  # noqa: E402
import cosine_fast.dialects.timm  # noqa: E402
from cosine_fast import CosineDecay, CosineDecayRestarts  # noqa: E402
from cosine_fast.integrations.jax import Kernel, Table, formula, kernel, table  # noqa: E402

STOP = 300
WARM = CosineDecay(0.0, 80, 0.1, warmup_target=0.5, warmup_steps=20)
try:
    missing = None if kernel(WARM) else ""
except ImportError as error:
    missing = str(error)
kernels = pytest.mark.skipif(missing is not None, reason=f"{missing}")


@pytest.mark.parametrize("name", NAMES)
def test_rates(name):
    """Traced, mapped and scanned, a table has the bits of precompute."""
    for p in FAMILY[name].ordinary:
        schedule = made(cosine_fast, name, p)
        rates, want = table(schedule, STOP), schedule.precompute(STOP, dtype=np.float32)
        counts = jnp.arange(STOP)
        ways = [rates(counts), jax.jit(rates)(counts), jax.vmap(rates)(counts)]
        ways += [jax.lax.scan(lambda c, _, rates=rates: (c + 1, rates(c)), 0, length=STOP)[1]]
        for got in ways:
            assert got.dtype == np.float32
            assert np.asarray(got).tobytes() == want.tobytes()


@jax.jit
def all_ways(rates, steps):
    scanned = jax.lax.scan(lambda carry, step: (carry, rates(step)), 0, steps)[1]
    return rates(steps), jax.vmap(rates)(steps), scanned


@kernels
@pytest.mark.parametrize("name", NAMES)
def test_kernel(name, share):
    """Traced, mapped and scanned, a kernel has the bits of its schedule, at whole and fractional steps of any size."""
    for p in FAMILY[name].hard[: int(8 * share)]:
        schedule = made(cosine_fast, name, p)
        for x64 in (False, True):
            with enable_x64(x64), np.errstate(over="ignore"):
                rates = kernel(schedule)
                whole = whole_steps(name, p)[:300]
                for drawn in (whole if x64 else np.clip(whole, -(2**31), 2**31 - 1), fractional_steps(name, p)[:200]):
                    steps = jnp.asarray(drawn)
                    want = schedule(np.asarray(steps), dtype=rates.dtype)
                    for got in all_ways(rates, steps):
                        np.testing.assert_array_equal(got, want, strict=True)


@kernels
@pytest.mark.parametrize(
    "dtype", ["int4", "uint4", "int8", "uint8", "int16", "uint16", "uint32", "bfloat16", "float16", "float8_e4m3fn"]
)
def test_kernel_of_small_types(dtype):
    count = 8 if dtype in ("int4", "uint4", "float8_e4m3fn") else 120
    steps = jnp.arange(count).astype(dtype).reshape(2, -1)
    np.testing.assert_array_equal(kernel(WARM)(steps), WARM(np.arange(count).reshape(2, -1), dtype=np.float32))


@kernels
def test_kernels_side_by_side():
    """Mapped over schedules and steps, on several threads too; other parameters do not compile again."""
    peaks = np.linspace(0.1, 1.0, 1000)
    schedules = [CosineDecay(peak, 2000) for peak in peaks]
    many = jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(kernel, schedules))
    compiled = []

    @jax.jit
    def rates(function, counts):
        compiled.append(counts)
        return function(counts)

    counts = jnp.arange(3001)
    want = np.array([schedule.precompute(3001, dtype=np.float32) for schedule in schedules])
    assert [rates(kernel(schedule), counts).tolist() for schedule in schedules] == want.tolist()
    assert len(compiled) == 1
    np.testing.assert_array_equal(jax.vmap(rates, (0, None))(many, counts), want)
    np.testing.assert_array_equal(jax.vmap(rates)(many, counts[:1000] * 3), want[np.arange(1000), np.arange(1000) * 3])
    both = jax.vmap(jax.vmap(rates, (0, None)), (None, 0))(many, counts[:3000].reshape(40, 75))
    np.testing.assert_array_equal(both, want[:, :3000].reshape(1000, 40, 75).swapaxes(0, 1))
    long = jnp.arange(10**6).reshape(10, -1)
    np.testing.assert_array_equal(rates(kernel(WARM), long), WARM(np.asarray(long), dtype=np.float32))
    assert rates(kernel(WARM), long[:0]).shape == (0, 10**5)


@kernels
def test_kernel_in_an_optimizer():
    """It trains as a table does, and gradients of other things pass by it."""
    np.testing.assert_array_equal(trained(kernel(WARM))[0], trained(table(WARM))[0])
    own = pickle.loads(pickle.dumps(kernel(WARM)))
    assert jax.grad(lambda w: w * own(60))(2.0) == own(60) == np.float32(WARM(60))


@kernels
def test_kernel_errors():
    class Own(CosineDecay):
        def __call__(self, step, **options):
            return 0.5

    with pytest.raises(TypeError, match="`schedule` must be a schedule of cosine_fast"):
        kernel(0.5)
    with pytest.raises(TypeError, match="Own has a __call__ of its own"):
        kernel(Own(0.5, 10))
    with pytest.raises(ValueError, match="jax_enable_x64"):
        kernel(WARM, dtype=np.float64)
    with pytest.raises(TypeError, match="`count` must be integers or floats"):
        kernel(WARM)(True)
    with pytest.raises(TypeError, match="goes over them"):
        Kernel(jnp.zeros((3, 50), jnp.uint32))(jnp.arange(5))
    with pytest.raises(TypeError, match="must be as `kernel` makes them"):
        Kernel(kernel(WARM).parameters.astype(np.float16))(jnp.arange(5))
    for parameters in (kernel(WARM).parameters.at[25].add(1), jnp.zeros(50, jnp.uint32), jnp.zeros(0, jnp.uint32)):
        with pytest.raises((ValueError, jax.errors.JaxRuntimeError), match="have been changed"):
            Kernel(parameters)(5)


def test_without_the_headers(monkeypatch):
    """A build without jaxlib's headers says what to do."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    module = inspect.getmodule(kernel)
    monkeypatch.setattr(module, "_register", module._register.__wrapped__)
    with pytest.raises(ImportError, match=r"COSINE_FAST_JAX_INCLUDE|compiled backend"):
        kernel(WARM)


@pytest.mark.parametrize(("x64", "most"), [(False, 1e-5), (True, 1e-12)])
@pytest.mark.parametrize("name", NAMES)
def test_formula(name, x64, most):
    """Operations of jax.numpy are as near to the rates as stated; they have a derivative by the step."""
    steps = np.arange(1000)
    with enable_x64(x64):
        for p in FAMILY[name].ordinary:
            schedule = made(cosine_fast, name, p)
            want, rates = schedule(steps), formula(schedule)
            off = np.abs(jax.jit(rates)(steps) - want).max()
            assert off <= most * np.abs(want).max(), p
            assert np.isfinite(jax.vmap(jax.grad(rates))(jnp.linspace(0.5, 999.75, 50))).all(), p


LONG = [
    *[(CosineDecayRestarts(0.3, 100, t), 20_000) for t in (1.0, 1.001, 1.01, 1.1)],
    (CosineDecayRestarts(0.3, 100, 0.99, -0.9), 9_000),  # the first 256 cycles
    *[(cosine_fast.PolynomialDecay(0.3, 10**6, power=power), 10**6 + 1) for power in (0.1, 1000, 10_000)],
    *[(cosine_fast.PowerCosineDecay(0.3, 15_000, 0.0, exponent), 20_000) for exponent in (1 / 1024, 1000)],
    (cosine_fast.CosineAnnealing(0.3, 15), 20_000),
    *[(cosine_fast.PolynomialDecay(0.3, D, 0.0, power, cycle=True), 20_000) for D in (7, 75) for power in (1.0, 2.0)],
    # Parameters that are float32 numbers: others would be rounded.
    (cosine_fast.ExponentialDecay(0.3, 1, float(np.float32(0.9999))), 20_000),
    (cosine_fast.ExponentialDecay(0.3, float(np.float32(7.3)), 0.5, staircase=True), 100),
]


@pytest.mark.parametrize(("x64", "most"), [(False, 1e-5), (True, 1e-12)])
@pytest.mark.parametrize(("schedule", "stop"), LONG)
def test_formula_of_long_runs(schedule, stop, x64, most):
    """They are as near after many cycles and waves, for large powers, and at the steps where a cycle begins."""
    steps = np.arange(stop)
    with enable_x64(x64):
        np.testing.assert_allclose(jax.jit(formula(schedule))(steps), schedule(steps), rtol=0, atol=0.3 * most)


@pytest.mark.parametrize(
    ("schedule", "slopes"),
    [
        (
            cosine_fast.WarmupStableDecay(1e-3, 100, 800, 100, decay="exponential", end_learning_rate=1e-8),
            {0.0: 1e-5, 50.0: 1e-5, 150.0: 0.0, 1500.0: 0.0},
        ),
        (cosine_fast.dialects.optax.exponential_decay(0.1, 10, 0.5, transition_begin=2000), {5.0: 0.0}),
        (cosine_fast.dialects.optax.exponential_decay(0.1, 10, 2.0, end_value=0.4), {10_000.0: 0.0}),
        (
            cosine_fast.dialects.timm.CosineLRScheduler(1e-3, 100, k_decay=0.5, warmup_t=10, warmup_prefix=True),
            {0.0: 1e-4, 9.0: 1e-4, 200.0: 0.0},
        ),
    ],
)
def test_derivatives_of_joins(schedule, slopes):
    """What a part would be outside of its segment, such as infinite, does not matter."""
    have = jax.vmap(jax.grad(formula(schedule)))(jnp.array([*slopes]))
    np.testing.assert_allclose(have, [*slopes.values()], rtol=1e-5)


def test_formulas_side_by_side():
    """Other parameters do not compile again, and vmap goes over them."""
    schedules = [cosine_fast.with_warmup(CosineDecay(peak, 80), 20) for peak in (0.1, 0.2)]
    several = jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(formula, schedules))
    compiled = jax.jit(jax.vmap(lambda rates, step: rates(step), (0, None)))
    np.testing.assert_allclose(compiled(several, 50), [schedule(50) for schedule in schedules], rtol=1e-6)
    compiled(jax.tree.map(lambda leaf: leaf * 2, several), 50)
    assert compiled._cache_size() == 1


@pytest.mark.parametrize("count", [np.int32, np.int64, np.uint8, np.uint32, int])
def test_counts(count):
    rates = table(WARM, 90, start=50)
    steps = [0, 50, 51, 89, 90, 255]
    want = [rates.rates[min(max(step, 50), 89) - 50] for step in steps]
    assert [rates(count(step)) for step in steps] == want
    assert jax.jit(rates)(jnp.array(steps).reshape(2, 3)).tolist() == np.reshape(want, (2, 3)).tolist()
    for bad in (3.5, None, "5", [None], np.array(["5"]), 2**70):
        with pytest.raises(TypeError, match="`count` must be integers"):
            rates(bad)
    with pytest.raises(OverflowError, match="`count` must be within int32 without jax_enable_x64"):
        rates(2**40)


def test_numpys_arrays():
    """Those in another byte order are read. JAX has no masks, so that a masked array would lose its own."""
    for rates in (table(WARM), formula(WARM)):
        assert rates(np.arange(3, dtype=">i4")).tolist() == rates(np.arange(3)).tolist()
        with pytest.raises(TypeError, match="`count` must not be a masked array"):
            rates(np.ma.array([1, 2], mask=[0, 1]))


@pytest.mark.parametrize("name", NAMES)
def test_strict_promotion(name):
    with jax.numpy_dtype_promotion("strict"):
        for p in FAMILY[name].ordinary:
            schedule = made(cosine_fast, name, p)
            for rates in (table(schedule, STOP), formula(schedule)):
                assert rates(jnp.arange(3)).dtype == np.float32


@pytest.mark.parametrize("make", [table, formula, pytest.param(kernel, marks=kernels)])
def test_wide_counts(make):
    """Integers beyond 32 bits are not wrapped, and unsigned ones are not read as negative."""
    wide = np.arange(3) + 2**33
    for count in (wide[0], wide, [wide], array.array("q", wide.tolist()), memoryview(wide), np.uint64(2**63), 2**33):
        with pytest.raises(OverflowError, match="int32"):
            make(WARM)(count)
    with enable_x64(True):
        assert make(WARM)(np.int64(2**33)) == pytest.approx(0.05)
        assert make(WARM)(np.uint64(2**63)) == pytest.approx(0.05)
    assert make(WARM)([7, jnp.int32(60)])[1] == make(WARM)(60)

    class Own:
        def __jax_array__(self):
            return jnp.int32(60)

    assert make(WARM)(Own()) == make(WARM)(60)
    assert make(WARM)(jnp.uint32(3 * 10**9)) == pytest.approx(0.05)


@pytest.mark.parametrize(("make", "leaf"), [(table, "rates"), (formula, "numbers")])
def test_several_need_vmap(make, leaf):
    several = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(make(CosineDecay(peak, 80)) for peak in (0.25, 0.5)))
    with pytest.raises(TypeError, match=f"`{leaf}` must have one dimension; with more axes, `jax.vmap` goes over them"):
        several(40)


def test_a_table_in_numpys_arrays():
    assert jax.device_get(table(WARM))(60) == jax.jit(Table(np.asarray(table(WARM).rates)))(60) == np.float32(WARM(60))


def test_formula_of_nan():
    """It has no rate, nor has a flag."""
    assert np.isnan(formula(cosine_fast.PiecewiseConstantDecay([3, 5], [1.0, 0.5, 0.2]))(jnp.nan))
    with pytest.raises(TypeError, match="`count` must be integers or floats"):
        formula(WARM)(jnp.array(True))


def test_ends():
    """Without `stop` the table ends where the schedule does, and is right at all later steps."""
    schedules = [
        (WARM, 101),
        (CosineDecay(0.5, 99.5), 101),
        (cosine_fast.PolynomialDecay(0.1, 100), 101),
        (cosine_fast.PiecewiseConstantDecay([5, 10], [0.3, 0.2, 0.1]), 12),
    ]
    for schedule, length in schedules:
        rates = table(schedule)
        assert rates.rates.size == length
        for step in (length - 1, length, 10**6, 2**31 - 1):
            assert jax.jit(rates)(step) == np.float32(schedule(step))


def trained(learning_rate, optimizer=optax.adamw, steps=40):
    """The parameters of a small model after some steps that are compiled together."""
    x = jnp.linspace(-1, 1, 32).reshape(8, 4)
    y = x @ jnp.array([1.0, -2.0, 3.0, 0.5])
    transform = optimizer(learning_rate)

    def step(carry, _):
        w, state = carry
        gradient = jax.grad(lambda w: jnp.mean((x @ w - y) ** 2))(w)
        updates, state = transform.update(gradient, state, w)
        return (optax.apply_updates(w, updates), state), None

    w = jnp.zeros(4)
    (w, state), _ = jax.jit(lambda c: jax.lax.scan(step, c, length=steps))((w, transform.init(w)))
    return w, state


@pytest.mark.parametrize("optimizer", [optax.adamw, optax.sgd])
def test_optimizers(optimizer):
    """An optimizer trains with a table as with optax's own schedule."""
    w, _ = trained(table(WARM), optimizer)
    own, _ = trained(optax.warmup_cosine_decay_schedule(0.0, 0.5, 20, 100, 0.05), optimizer)
    np.testing.assert_allclose(w, own, rtol=1e-5)


def test_inject_hyperparams():
    """The rate that an optimizer has used can be read from its state."""
    rates = table(WARM)
    _, state = trained(rates, optax.inject_hyperparams(optax.adamw), steps=40)
    assert state.hyperparams["learning_rate"] == rates(39)


def test_equinox(tmp_path):
    """A model of Equinox, stopped and resumed at every step of a run, has the parameters of a run that is not."""
    eqx = pytest.importorskip("equinox", reason="its models are trained here")
    x, y = jnp.linspace(-1, 1, 32).reshape(8, 4), jnp.linspace(0, 1, 8)
    transform = optax.adamw(table(WARM))

    @eqx.filter_jit
    def step(model, state):
        gradient = eqx.filter_grad(lambda model: jnp.mean((jax.vmap(model)(x)[:, 0] - y) ** 2))(model)
        updates, state = transform.update(gradient, state, eqx.filter(model, eqx.is_array))
        return eqx.apply_updates(model, updates), state

    def new():
        model = eqx.nn.Linear(4, 1, key=jax.random.PRNGKey(0))
        return model, transform.init(eqx.filter(model, eqx.is_array))

    whole = resumed = new()
    for _ in range(50):
        whole = step(*whole)
        eqx.tree_serialise_leaves(tmp_path / "run.eqx", resumed)
        resumed = step(*eqx.tree_deserialise_leaves(tmp_path / "run.eqx", new()))
    assert eqx.tree_equal(whole, resumed)
    rates = formula(WARM)
    eqx.tree_serialise_leaves(tmp_path / "rates.eqx", rates)  # a schedule is saved as a model is
    assert eqx.tree_equal(
        eqx.tree_deserialise_leaves(tmp_path / "rates.eqx", jax.tree.map(jnp.zeros_like, rates)), rates
    )


def test_other_parameters_do_not_compile_again():
    """A table is an argument, one at a time or many side by side."""
    compiled = []

    @jax.jit
    def total(rates, counts):
        compiled.append(counts)
        return rates(counts).sum()

    peaks = np.linspace(0.1, 1.0, 1000)
    counts = jnp.arange(STOP)
    one_by_one = [total(table(CosineDecay(peak, 200), STOP), counts) for peak in peaks]
    assert len(compiled) == 1
    many = cosine_fast.cosine_decay(np.arange(STOP), peaks[:, None], 200, dtype=np.float32)
    np.testing.assert_allclose(jax.vmap(total, (0, None))(Table(jnp.asarray(many)), counts), one_by_one, rtol=1e-6)
    assert pickle.loads(pickle.dumps(table(WARM))).rates.tolist() == table(WARM).rates.tolist()


def test_devices(process):
    """On several devices, each computes the rates of its own steps."""
    process(
        f"""
import jax, jax.numpy as jnp, numpy as np
from cosine_fast import CosineDecay
from cosine_fast.integrations.jax import kernel, table
schedule, counts = CosineDecay(0.3, 1000, 0.1), jnp.arange(1200)
spec = jax.sharding.PartitionSpec
explicit = jax.make_mesh((4,), ("i",), axis_types=(jax.sharding.AxisType.Explicit,))
got = jax.jit(table(schedule))(jax.device_put(counts, jax.NamedSharding(explicit, spec("i"))))
assert len(got.sharding.device_set) == 4
assert np.asarray(got).tobytes() == schedule.precompute(1200, dtype=np.float32).tobytes()
mesh = jax.make_mesh((4,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
for make in [table, kernel][: 1 + {missing is None}]:
    rates = make(schedule)
    each = jax.shard_map(type(rates).__call__, mesh=mesh, in_specs=(spec(), spec("i")), out_specs=spec("i"))
    got = jax.jit(each)(rates, counts)
    assert len(got.sharding.device_set) == 4
    assert np.asarray(got).tobytes() == schedule.precompute(1200, dtype=np.float32).tobytes()
""",
        XLA_FLAGS="--xla_force_host_platform_device_count=4",
        JAX_PLATFORMS="cpu",
    )


def test_float64(process):
    """With jax_enable_x64 the rates are float64 and counts may be int64."""
    process(
        """
import jax, jax.numpy as jnp, numpy as np
from cosine_fast import CosineDecay
from cosine_fast.integrations.jax import table
schedule = CosineDecay(0.3, 1000, 0.1)
for dtype in (None, np.float64):
    got = jax.jit(table(schedule, 2000, dtype=dtype))(jnp.arange(2000))
    assert got.dtype == np.float64 and np.asarray(got).tobytes() == schedule.precompute(2000).tobytes()
assert table(schedule)(2**40) == schedule(2**40)
assert table(schedule, dtype=np.float32)(5).dtype == np.float32
""",
        JAX_ENABLE_X64="1",
        JAX_PLATFORMS="cpu",
    )


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((0.1,), {}, TypeError, "`schedule` must be a schedule of cosine_fast. Received: float"),
        ((cosine_fast.ExponentialDecay(0.1, 10, 0.5),), {}, ValueError, "this ExponentialDecay has no end"),
        ((WARM, 0), {}, ValueError, "at least one step.*start=0, stop=0"),
        ((WARM, 5), {"start": 6}, ValueError, "start=6, stop=5"),
        ((WARM, 2**31), {}, ValueError, "below 2\\*\\*31 in size"),
        ((CosineDecay(0.1, 2**40),), {}, ValueError, "below 2\\*\\*31 in size"),
        ((WARM, 5.5), {}, TypeError, "`stop` must be an integer. Received: stop=5.5"),
        ((WARM, 5), {"dtype": np.float64}, ValueError, "jax_enable_x64"),
        ((WARM, 5), {"dtype": np.float16}, TypeError, "float64 or float32"),
    ],
)
def test_errors(arguments, options, error, message):
    with pytest.raises(error, match=message):
        table(*arguments, **options)
