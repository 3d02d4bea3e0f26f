"""Tables of rates and the kernel in compiled JAX code, beside optax's own: `python benchmarks/jax_rates.py [--quick]`.

It needs JAX and optax (extra `peers`), and a build with jaxlib's headers. All take turns in one process; above 1, optax
takes longer.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from timeit import Timer
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import peers
from timing import interleaved, ratio, spread

from cosine_fast import CosineDecay, cosine_decay
from cosine_fast.integrations.jax import Kernel, Table, kernel, table

Rate = Callable[[Any], Any]


def training_step(rate: Rate) -> Callable[[], Any]:
    """One step of SGD on a thousand weights, compiled."""
    optimizer = optax.sgd(rate)

    @jax.jit
    def step(weights: Any, state: Any) -> Any:
        updates, state = optimizer.update(jax.grad(lambda w: jnp.sum(w * w))(weights), state, weights)
        return optax.apply_updates(weights, updates), state

    weights = jnp.ones(1000)
    state = optimizer.init(weights)
    return lambda: jax.block_until_ready(step(weights, state))


def called(function: Rate, count: Any) -> Callable[[], Any]:
    return lambda: function(count).block_until_ready()


def sweep(rates: Callable[[Any], Rate], peaks: Any, counts: Any) -> Callable[[], Any]:
    """The rates of many peaks at the same steps, by one compiled function: rates(peak) is a schedule."""
    function = jax.jit(jax.vmap(lambda peak, counts: rates(peak)(counts), (0, None)))
    return lambda: function(peaks, counts).block_until_ready()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run: small arrays, meaningless figures")
    quick = parser.parse_args().quick
    n, repeats, least = (1000, 2, 1e-4) if quick else (10**6, 15, 0.02)
    warmup, decay = peers.parameters(n)
    floor = peers.PEAK * peers.ALPHA
    ours = CosineDecay(peers.L0, decay, peers.ALPHA, warmup_target=peers.PEAK, warmup_steps=warmup)
    theirs = optax.warmup_cosine_decay_schedule(peers.L0, peers.PEAK, warmup, warmup + decay, floor)
    rates: dict[str, Rate] = {"table": table(ours), "kernel": kernel(ours), "optax": theirs}
    calls = {
        what: {name: call(rate) for name, rate in rates.items()}
        for what, call in {
            "a training step": training_step,
            "a step": lambda rate: called(jax.jit(rate), jnp.int32(n // 2)),
            "100 steps": lambda rate: called(jax.jit(rate), jnp.arange(100)),
            f"{n // 100:,} steps": lambda rate: called(jax.jit(rate), jnp.arange(n // 100)),
            f"{n:,} steps": lambda rate: called(jax.jit(rate), jnp.arange(n)),
        }.items()
    }
    with jax.enable_x64(True):  # compiled here, called outside
        wide: dict[str, Rate] = {"table": table(ours), "kernel": kernel(ours), "optax": theirs}
        for size in (n // 100, n):
            lowered = {name: jax.jit(rate).lower(jnp.arange(size)) for name, rate in wide.items()}
            calls[f"{size:,} steps, float64"] = {
                name: called(each.compile(), jnp.arange(size)) for name, each in lowered.items()
            }
    many, counts = n // 1000, jnp.arange(1000)
    peaks = np.linspace(0.001, 0.1, many)
    kernels = [kernel(CosineDecay(peak, 1000)) for peak in peaks]
    calls[f"1,000 steps of {many:,} peaks"] = {
        "table": sweep(
            Table, jnp.asarray(cosine_decay(np.arange(1000), peaks[:, None], 1000, dtype=np.float32)), counts
        ),
        "kernel": sweep(Kernel, jnp.stack([each.parameters for each in kernels]), counts),
        "optax": sweep(lambda peak: optax.cosine_decay_schedule(peak, 1000), jnp.asarray(peaks, jnp.float32), counts),
    }
    print(f"| compiled | {', us | '.join(rates)}, us | optax / table | optax / kernel |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for what, functions in calls.items():
        seconds = interleaved({name: Timer(function) for name, function in functions.items()}, repeats, least)
        times = " | ".join(f"{spread(seconds[name]).median * 1e6:,.1f}" for name in rates)
        ratios = " | ".join(f"{ratio(seconds['optax'], seconds[name])}" for name in ("table", "kernel"))
        print(f"| {what} | {times} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
