"""Tables of rates in compiled JAX code, beside optax's own schedules: `python benchmarks/jax_tables.py [--quick]`.

It needs JAX and optax (extra `peers`). Both sides take turns in one process; above 1, the table is faster.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from timeit import Timer
from typing import Any

import jax
import jax.numpy as jnp
import optax
import peers
from timing import interleaved, ratio, spread

from cosine_fast import CosineDecay
from cosine_fast.integrations.jax import table

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


def compiled(rate: Rate, count: Any) -> Callable[[], Any]:
    function = jax.jit(rate)
    return lambda: function(count).block_until_ready()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run: small arrays, meaningless figures")
    quick = parser.parse_args().quick
    n, repeats, least = (1000, 2, 1e-4) if quick else (10**6, 15, 0.02)
    warmup, decay = peers.parameters(n)
    floor = peers.PEAK * peers.ALPHA
    rates: dict[str, Rate] = {
        "ours": table(CosineDecay(peers.L0, decay, peers.ALPHA, warmup_target=peers.PEAK, warmup_steps=warmup)),
        "optax": optax.warmup_cosine_decay_schedule(peers.L0, peers.PEAK, warmup, warmup + decay, floor),
    }
    calls = {
        "a training step": training_step,
        "a step": lambda rate: compiled(rate, jnp.int32(n // 2)),
        f"an array of {n:,} steps": lambda rate: compiled(rate, jnp.arange(n)),
    }
    print("| compiled | table, us | optax, us | optax / table |\n| --- | ---: | ---: | ---: |")
    for what, call in calls.items():
        seconds = interleaved({name: Timer(call(rate)) for name, rate in rates.items()}, repeats, least)
        times = " | ".join(f"{spread(seconds[name]).median * 1e6:,.1f}" for name in rates)
        print(f"| {what} | {times} | {ratio(seconds['optax'], seconds['ours'])} |", flush=True)


if __name__ == "__main__":
    main()
