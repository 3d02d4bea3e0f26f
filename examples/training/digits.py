"""One model trained twice, in PyTorch and in JAX with optax, with the same learning rates.

    python digits.py --plot digits.png

It needs torch, jax and optax, and matplotlib for the plot. It takes ten seconds; with `--quick` less. An editor with
notebooks runs the cells (`# %%`) one by one.
"""

# %% The data: digits of seven segments in 28 x 28 pixels, moved at random and noisy; as many as MNIST has.
from __future__ import annotations

import argparse

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from cosine_fast import CosineDecay
from cosine_fast.integrations.jax import table
from cosine_fast.integrations.torch import ScheduledLR

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--quick", action="store_true", help="fewer digits, a few seconds")
parser.add_argument("--plot", metavar="FILE", help="write a plot of the rates and losses")
options = parser.parse_args()

COUNT, BATCH, EPOCHS = (4096 if options.quick else 60_000), 128, 3
SEGMENTS = {  # rows and columns of each segment, and the digits that have it
    "top": (slice(4, 7), slice(9, 19), "02356789"),
    "upper left": (slice(5, 14), slice(8, 11), "045689"),
    "upper right": (slice(5, 14), slice(17, 20), "01234789"),
    "middle": (slice(12, 15), slice(9, 19), "2345689"),
    "lower left": (slice(13, 23), slice(8, 11), "0268"),
    "lower right": (slice(13, 23), slice(17, 20), "013456789"),
    "bottom": (slice(21, 24), slice(9, 19), "0235689"),
}
draw = np.random.default_rng(0)
shapes = np.zeros((10, 28, 28), np.float32)
for rows, columns, digits in SEGMENTS.values():
    shapes[[int(digit) for digit in digits], rows, columns] = 1.0
labels = draw.integers(0, 10, COUNT)
moves = draw.integers(-4, 5, (COUNT, 2))
images = np.stack([np.roll(shapes[label], move, (0, 1)) for label, move in zip(labels, moves, strict=True)])
images = (images + draw.normal(0.0, 0.7, images.shape)).astype(np.float32).reshape(COUNT, 784)

# %% The schedule: one, for both.
STEPS = EPOCHS * (COUNT // BATCH)
WARMUP = STEPS // 10
schedule = CosineDecay(0.0, decay_steps=STEPS - WARMUP, alpha=0.01, warmup_target=0.1, warmup_steps=WARMUP)
order = np.concatenate([draw.permutation(COUNT)[: STEPS // EPOCHS * BATCH] for _ in range(EPOCHS)])
batches = order.reshape(STEPS, BATCH)
start = [draw.normal(0.0, (2 / inputs) ** 0.5, (inputs, outputs)) for inputs, outputs in ((784, 128), (128, 10))]

# %% In PyTorch. The scheduler sets the rate before each step.
first, second = (torch.nn.Parameter(torch.tensor(weights, dtype=torch.float32)) for weights in start)
optimizer = torch.optim.SGD([first, second], momentum=0.9)
scheduler = ScheduledLR(optimizer, schedule)
torch_losses, torch_rates = [], []
for batch in batches:
    hidden = torch.relu(torch.from_numpy(images[batch]) @ first)
    loss = torch.nn.functional.cross_entropy(hidden @ second, torch.from_numpy(labels[batch]))
    optimizer.zero_grad()
    loss.backward()
    torch_rates += scheduler.get_last_lr()
    optimizer.step()
    scheduler.step()
    torch_losses.append(loss.item())

# %% In JAX. The whole training is one compiled loop, and the rate is read from a table in it.
transform = optax.inject_hyperparams(optax.sgd)(learning_rate=table(schedule), momentum=0.9)


def loss_of(weights, images, labels):
    hidden = jax.nn.relu(images @ weights[0])
    return optax.softmax_cross_entropy_with_integer_labels(hidden @ weights[1], labels).mean()


def step(carry, batch):
    weights, state = carry
    loss, gradients = jax.value_and_grad(loss_of)(weights, jnp.asarray(images)[batch], jnp.asarray(labels)[batch])
    updates, state = transform.update(gradients, state, weights)
    return (optax.apply_updates(weights, updates), state), (loss, state.hyperparams["learning_rate"])


weights = [jnp.asarray(each, jnp.float32) for each in start]
train = jax.jit(lambda carry: jax.lax.scan(step, carry, batches))
_, (jax_losses, jax_rates) = train((weights, transform.init(weights)))

# %% The rates are the same. So are the losses, until the rounding of float32, which differs, has grown.
assert np.float32(torch_rates).tolist() == jax_rates.tolist() == schedule.precompute(STEPS, dtype=np.float32).tolist()
print(f"{STEPS} steps; loss {torch_losses[0]:.3f} at the first, {np.mean(torch_losses[-10:]):.3f} over the last ten")
print(f"largest difference of the losses: {np.abs(np.array(torch_losses) - jax_losses).max():.1e}")

# %%
if options.plot:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, sharex=True, layout="constrained")
    schedule.plot(STEPS, ax=above)
    above.set(xlabel="", ylabel="learning rate")
    below.plot(torch_losses, label="PyTorch")
    below.plot(jax_losses, "--", label="JAX and optax")
    below.set(xlabel="step", ylabel="loss", yscale="log")
    below.legend()
    figure.savefig(options.plot)
