"""Which schedule gives the lowest final loss? Two scaling laws, fitted to runs of a model whose true losses are known.

    python scaling_law.py --plot FOLDER

It fits both laws to three simulated runs, over every step; finds the best of a million schedules of 10,000 steps by
each, on Dask; asks the model whether they were right; and prints tables of errors and times. It needs scipy,
matplotlib and dask[array,distributed]. It takes some minutes; with `--quick` seconds. An editor with notebooks runs the
cells (`# %%`) one by one; Dask's processes need the file itself.
"""

# %% The model: SGD on a quadratic loss whose curvatures fall by a power law, with noisy gradients.
from __future__ import annotations

import argparse
import itertools
import os
import time
from pathlib import Path

import dask.array
import dask.config
import matplotlib.pyplot as plt
import numpy as np
from dask.distributed import Client, LocalCluster, progress
from scipy.optimize import least_squares
from scipy.stats import spearmanr

from cosine_fast import CosineDecay, PiecewiseConstantDecay, WarmupStableDecay, set_num_threads, warmup_stable_decay
from cosine_fast.simulate import momentum_sum, multi_power_loss_drop

PEAK, WARMUP, FLOOR, NOISE, RUNS = 0.5, 200, 2.5, 0.6, 8
CURVATURES = np.arange(1.0, 513.0) ** -1.2
WARM = PEAK * np.arange(1, WARMUP + 1) / WARMUP  # the rates before step 0 of every schedule
SHAPES = ["linear", "cosine", "1-sqrt", "exponential", "1-square"]


def simulated(rates, draw):
    """Return the loss of a batch after every step, the mean of some runs. Their weights begin at 1."""
    weights, losses = np.ones((RUNS, CURVATURES.size)), []
    for rate in np.concatenate([WARM, rates]):
        noise = NOISE * np.sqrt(CURVATURES) * draw.standard_normal(weights.shape, np.float32)
        weights -= rate * (CURVATURES * weights + noise)
        losses.append(FLOOR + np.mean(weights**2 @ CURVATURES) / 2)
    return np.array(losses[WARMUP:]) * (1 + 0.003 * draw.standard_normal(rates.size))


def expected(rates):
    """Return the truth: the loss after the last step, expected over all runs. `rates` has schedules x steps."""
    squares = np.ones((len(rates), CURVATURES.size))  # of the weights, expected
    for rate in [*WARM, *rates.T[..., None]]:
        squares *= (1 - rate * CURVATURES) ** 2
        squares += rate**2 * (NOISE**2 * CURVATURES)
    return FLOOR + squares @ CURVATURES / 2


# %% The laws, each at every step or (`last`) at the last of many schedules.


def power_of_sum(rates, floor, factor, exponent, last):
    return floor + factor * (WARM.sum() + (rates.sum(-1) if last else rates.cumsum(-1))) ** -exponent


def momentum_law(rates, floor, factor, exponent, weight, decay, last=False):
    """Tissue et al., arXiv 2408.11029: L0 + A S1^-alpha - C S2. S2 is the sum of a momentum of the rate's changes."""
    return power_of_sum(rates, floor, factor, exponent, last) - weight * momentum_sum(rates, decay, last=last)


def multi_power_law(rates, floor, factor, exponent, B, C, beta, gamma, last=False):
    """Luo et al., arXiv 2503.12811."""
    drops = multi_power_loss_drop(rates, B, C, beta, gamma, last=last)
    return power_of_sum(rates, floor, factor, exponent, last) - drops


# The laws, and where their fits begin. Parameters are fitted as logarithms, the decay as that of 1 - decay.
LAWS = {
    "momentum law": (momentum_law, [2.5, 1.0, 0.5, 0.01, 1e-2]),
    "multi-power law": (multi_power_law, [2.5, 1.0, 0.5, 0.5, 1.0, 0.5, 0.5]),
}


def parameters_of(name, logarithms):
    parameters = np.exp(logarithms)
    if name == "momentum law":
        parameters[-1] = 1 - parameters[-1]
    return parameters


def fitted(name, curves, losses):
    law, start = LAWS[name]

    def errors(logarithms):
        return np.log(np.maximum(law(curves, *parameters_of(name, logarithms)), 1e-9) / losses).ravel()

    found = least_squares(errors, np.log(start), bounds=(-12, 6), loss="soft_l1", f_scale=0.01)
    return parameters_of(name, found.x)


# %% The schedules of the sweep: from the peak along a line to a middle rate, constant, then a decay.
# Their first part is what a warmup is to warmup_stable_decay, only that it falls.


def swept(shape, first, middle, length, end, steps):
    return warmup_stable_decay(
        np.arange(steps), middle, first, steps - 1 - first - length, length, decay=shape,
        initial_learning_rate=PEAK, end_learning_rate=end,
    )  # fmt: skip


def swept_by_numpy(shape, first, middle, length, end, steps):
    step = np.arange(steps)
    x = np.clip((step - (steps - 1 - length)) / length, 0.0, 1.0)
    rest = {
        "linear": lambda: 1 - x, "cosine": lambda: (1 + np.cos(np.pi * x)) / 2, "1-sqrt": lambda: 1 - np.sqrt(x),
        "1-square": lambda: 1 - x**2,
    }  # fmt: skip
    decay = middle * (end / middle) ** x if shape == "exponential" else end + (middle - end) * rest[shape]()
    return np.where(step < first, PEAK + (middle - PEAK) * (step / first), decay)


def final_losses(rates, laws):
    """Return schedules x laws."""
    return np.stack([LAWS[name][0](rates, *laws[name], last=True) for name in LAWS], -1)


def final_losses_by_numpy(rates, laws):
    """Of 16 schedules at a time, whose arrays stay in the cache."""
    parts = np.array_split(rates, -(-len(rates) // 16))
    return np.concatenate(
        [
            np.stack(
                [power_of_sum(part, *laws[name][:3], True) - FINAL[name](part, *laws[name][3:]) for name in laws], -1
            )
            for part in parts
        ]
    )


def final_momentum_by_numpy(rates, weight, decay):
    return weight * ((rates[:, :1] - rates) @ decay ** np.arange(rates.shape[-1])[::-1])


def final_drop_by_numpy(rates, B, C, beta, gamma):
    later, sums = rates[:, 1:], np.cumsum(rates[:, :0:-1], -1)[:, ::-1]
    return B * np.sum((rates[:, :-1] - later) * (1 - (1 + C * later**-gamma * sums) ** -beta), -1)


FINAL = {"momentum law": final_momentum_by_numpy, "multi-power law": final_drop_by_numpy}


def drops_by_numpy(rates, B, C, beta, gamma):
    sums, drops = np.concatenate([[0.0], np.cumsum(rates[1:])]), np.zeros(rates.size)
    changes, factors = rates[:-1] - rates[1:], C * rates[1:] ** -gamma
    for t in range(1, rates.size):
        drops[t] = B * np.sum(changes[:t] * (1 - (1 + factors[:t] * (sums[t] - sums[:t])) ** -beta))
    return drops


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer steps and schedules, some seconds")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="Dask's processes; as many as processors")
    parser.add_argument("--plot", metavar="FOLDER", type=Path, help="write the plots there")
    options = parser.parse_args()
    steps, sample = (1000, 20) if options.quick else (10_000, 200)
    draw = np.random.default_rng(0)

    # Three runs to fit, three to predict.
    last, low = steps - 1, PEAK / 50
    runs = {
        "constant": PiecewiseConstantDecay([steps], [PEAK, PEAK]),
        "cosine to 10 %": CosineDecay(PEAK, last, alpha=0.1),
        "linear decay from 80 %": WarmupStableDecay(PEAK, 0, last - steps // 5, steps // 5, end_learning_rate=low),
        "two steps": PiecewiseConstantDecay([steps // 2, steps * 3 // 4], [PEAK, PEAK / 3, PEAK / 9]),
        "cosine to 1 %": CosineDecay(PEAK, last, alpha=0.01),
        "1-sqrt decay from 60 %": WarmupStableDecay(
            PEAK, 0, last - steps * 2 // 5, steps * 2 // 5, decay="1-sqrt", end_learning_rate=low
        ),
    }
    curves = np.stack([schedule.precompute(steps) for schedule in runs.values()])
    losses = np.stack([simulated(rates, draw) for rates in curves])
    laws = {}
    for name in LAWS:
        began = time.perf_counter()
        laws[name] = fitted(name, curves[:3], losses[:3])
        taken = time.perf_counter() - began
        print(f"{name}: {', '.join(f'{value:.6g}' for value in laws[name])} (fitted in {taken:.1f} s)")
    predicted = {name: LAWS[name][0](curves, *laws[name]) for name in LAWS}
    truth = expected(curves)
    print("\n| run | true final loss | " + " | ".join(f"{name}, error" for name in LAWS))
    print("| --- | ---: |" + " ---: |" * len(LAWS))
    for i, run in enumerate(runs):
        errors = " | ".join(f"{predicted[name][i, -1] - truth[i]:+.4f}" for name in LAWS)
        print(f"| {run}{' (fitted)' if i < 3 else ''} | {truth[i]:.4f} | {errors} |")

    # The sweep: lists of parameters, all combined.
    counts = (2, 3, 5, 3) if options.quick else (10, 10, 100, 20)
    lists = [
        np.unique(np.linspace(1, 0.4 * steps, counts[0]).astype(int)),
        np.linspace(0.1, 1.0, counts[1]) * PEAK,
        np.unique(np.linspace(0.02 * steps, 0.58 * steps, counts[2]).astype(int)),
        np.geomspace(1e-3, 0.1, counts[3]) * PEAK,
    ]
    grid = [values.ravel() for values in np.meshgrid(*lists, indexing="ij")]
    # Dask's processes give freed memory back at once; to map it anew for every array takes twice as long as the work.
    kept = {f"distributed.nanny.pre-spawn-environ.MALLOC_{name}_THRESHOLD_": 2**28 for name in ("TRIM", "MMAP")}
    dask.config.set(kept)
    with (
        LocalCluster(n_workers=options.workers, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        client.run(set_num_threads, 1)  # the processes share the processors already
        columns = [dask.array.from_array(values[:, None], chunks=(sample, 1)) for values in grid]
        sizes = columns[0].chunks[0], len(LAWS)
        tasks = [
            swept(shape, *columns, steps).map_blocks(final_losses, laws, dtype=float, chunks=sizes) for shape in SHAPES
        ]
        began = time.perf_counter()
        future = client.compute(dask.array.stack(tasks))
        progress(future)
        final = future.result()  # shapes x schedules x laws
        sweep = time.perf_counter() - began
    count = final[..., 0].size

    def row(index):
        """Return the rates of a schedule by its shape and its place in the grid."""
        return swept(SHAPES[index[0]], *(values[index[1]] for values in grid), steps)

    best = {name: np.unravel_index(final[..., i].argmin(), final.shape[:2]) for i, name in enumerate(LAWS)}
    drawn = [(draw.integers(len(SHAPES)), draw.integers(grid[0].size)) for _ in range(sample)]
    true_best, true_drawn = expected(np.stack(list(map(row, best.values())))), expected(np.stack(list(map(row, drawn))))
    print(f"\nThe best of {count:,} schedules of {steps:,} steps:\n")
    print("| by | first part | middle rate | decay | end rate | predicted | true | rank correlation with the truth |")
    print("| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |")
    for i, name in enumerate(LAWS):
        first, middle, length, end = (values[best[name][1]] for values in grid)
        order = spearmanr(true_drawn, [final[index][i] for index in drawn]).statistic
        print(
            f"| {name} | {first} | {middle:.4g} | {SHAPES[best[name][0]]}, {length} steps | {end:.3g} "
            f"| {final[best[name]][i]:.4f} | {true_best[i]:.4f} | {order:.3f} |"
        )
    print(
        f"\nTrue losses for comparison: the better cosine above {min(truth[1], truth[4]):.4f}; of {sample} schedules "
        f"drawn from the sweep the best {true_drawn.min():.4f}, the median {np.median(true_drawn):.4f}."
    )

    # Times beside the plain NumPy way, in one process. The whole sweep's is that of a sample, times the number.
    some = [values[draw.integers(grid[0].size, size=sample)][:, None] for values in grid]
    drop = laws["multi-power law"][3:]

    def times_of(what, ours, plain):
        np.testing.assert_allclose(ours(), plain(), rtol=1e-9)
        times = np.empty((5, 2))
        for turn, (i, call) in itertools.product(range(5), enumerate((ours, plain))):
            began = time.perf_counter()
            call()
            times[turn, i] = time.perf_counter() - began
        rows[what] = np.median(times, 0)

    rows = {}
    times_of(
        f"rates of {5 * sample:,} schedules",
        lambda: np.stack([swept(shape, *some, steps) for shape in SHAPES]),
        lambda: np.stack([swept_by_numpy(shape, *some, steps) for shape in SHAPES]),
    )
    times_of(
        "multi-power law at every step of a cosine",
        lambda: multi_power_loss_drop(curves[1], *drop), lambda: drops_by_numpy(curves[1], *drop),
    )  # fmt: skip
    times_of(
        f"rates and final losses of {5 * sample:,} schedules",
        lambda: np.stack([final_losses(swept(shape, *some, steps), laws) for shape in SHAPES]),
        lambda: np.stack([final_losses_by_numpy(swept_by_numpy(shape, *some, steps), laws) for shape in SHAPES]),
    )
    plain = [*rows.values()][-1][1] * count / (5 * sample)
    rows[f"the sweep: Dask, {options.workers} processes; NumPy, one"] = sweep, plain
    print("\n| what | cosine_fast, s | plain NumPy, s | ratio |\n| --- | ---: | ---: | ---: |")
    for what, (mine, other) in rows.items():
        print(f"| {what} | {mine:,.4g} | {other:,.4g} | {other / mine:.1f} |")
    if options.plot:
        plot(options.plot, runs, losses, predicted, final, lists, {name: row(best[name]) for name in LAWS})


def plot(folder, runs, losses, predicted, final, lists, best):
    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(2, 3, figsize=(12, 6), sharex=True, sharey=True, layout="constrained")
    for i, (run, axis) in enumerate(zip(runs, axes.flat, strict=True)):
        axis.plot(losses[i], color="0.8", label="simulated")
        for name in LAWS:
            axis.plot(predicted[name][i], label=name)
        axis.set(title=run + (" (fitted)" if i < 3 else " (predicted)"), ylim=(FLOOR, np.quantile(losses, 0.98)))
    axes[0, 0].legend()
    figure.savefig(folder / "fits.png", dpi=100)
    figure, axes = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
    lengths, ends = lists[2:]
    least = final[..., 1].min(0).reshape([values.size for values in lists]).min((0, 1))
    surface = axes[0].contourf(lengths, ends, least.T, 30)
    figure.colorbar(surface, label="least final loss by the multi-power law")
    axes[0].set(xlabel="steps of the decay", ylabel="end rate", yscale="log")
    for name, rates in best.items():
        axes[1].plot(rates, label=f"best by the {name}")
    axes[1].set(xlabel="step", ylabel="rate")
    axes[1].legend()
    figure.savefig(folder / "best.png", dpi=100)


if __name__ == "__main__":
    main()
