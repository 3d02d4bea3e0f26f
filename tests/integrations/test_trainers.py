"""Schedules in the trainers of Hugging Face and Lightning: a run resumed at any of its steps equals one that is not."""

from __future__ import annotations

import pytest

from cosine_fast.dialects.transformers import get_cosine_with_min_lr_schedule_with_warmup

torch = pytest.importorskip("torch", reason="PyTorch is what the trainers train with")
ScheduledLR = pytest.importorskip("cosine_fast.integrations.torch").ScheduledLR
get_scheduler = pytest.importorskip("cosine_fast.integrations.transformers").get_scheduler
every_step = pytest.importorskip("cosine_fast.integrations.lightning").every_step

EPOCHS, BATCHES = 10, 5
STEPS = EPOCHS * BATCHES
SCHEDULE = get_cosine_with_min_lr_schedule_with_warmup(1.0, 4, STEPS, min_lr_rate=0.1)
EXPECTED = [SCHEDULE(step) for step in range(STEPS)]
MAKERS = {
    "ScheduledLR": lambda optimizer: ScheduledLR(optimizer, SCHEDULE),
    "LambdaLR": lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, SCHEDULE),
    "get_scheduler": lambda optimizer: get_scheduler("cosine_with_min_lr", optimizer, 4, STEPS, {"min_lr_rate": 0.1}),
}


def data():
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(2 * BATCHES, 3, generator=generator)
    return inputs, inputs.sum(1, keepdim=True)


@pytest.fixture
def model():
    """A function that makes the same small model each time."""

    def make(cls):
        torch.manual_seed(0)
        return cls()

    return make


def optimizer_of(model):
    return torch.optim.AdamW(model.parameters(), lr=1.0)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_transformers(make, model, tmp_path):
    """From the checkpoint of every step, within and between epochs."""
    transformers = pytest.importorskip("transformers", reason="its Trainer is tested")
    pytest.importorskip("accelerate", reason="the Trainer of Transformers needs it")

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.line = torch.nn.Linear(3, 1)

        def forward(self, inputs, labels):
            return {"loss": torch.nn.functional.mse_loss(self.line(inputs), labels)}

    def train(save_strategy, resume=None):
        made = model(Model)
        optimizer = optimizer_of(made)
        arguments = transformers.TrainingArguments(
            str(tmp_path), num_train_epochs=EPOCHS, per_device_train_batch_size=2, logging_steps=1, save_steps=1,
            save_strategy=save_strategy, report_to="none", disable_tqdm=True, use_cpu=True, seed=3,
        )  # fmt: skip
        rows = [{"inputs": x, "labels": y} for x, y in zip(*data(), strict=True)]
        trainer = transformers.Trainer(made, arguments, train_dataset=rows, optimizers=(optimizer, make(optimizer)))
        rates = []
        optimizer.register_step_pre_hook(lambda *_: rates.append(optimizer.param_groups[0]["lr"]))
        trainer.train(resume_from_checkpoint=resume)
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        return rates, losses, [weight.tolist() for weight in made.parameters()]

    rates, losses, weights = train("steps")
    assert rates == EXPECTED
    assert len(losses) == STEPS
    for step in range(1, STEPS):
        resumed = train("no", str(tmp_path / f"checkpoint-{step}"))
        assert resumed == (rates[step:], losses, weights), step  # its log has the losses before too


class Batches:
    """A loader with a state: without one, Lightning cannot resume within an epoch."""

    def __init__(self):
        self.next = 0

    def __len__(self):
        return BATCHES

    def __iter__(self):
        inputs, labels = data()
        for batch in range(self.next % BATCHES, BATCHES):
            self.next = batch + 1
            yield inputs[2 * batch : 2 * batch + 2], labels[2 * batch : 2 * batch + 2]

    def state_dict(self):
        return {"next": self.next}

    def load_state_dict(self, state):
        self.next = state["next"]


@pytest.mark.filterwarnings(
    "ignore:.isinstance.treespec, LeafSpec.. is deprecated", "ignore:GPU available", "ignore:The .train_dataloader.",
    "ignore:Be aware that when using .ckpt_path",
)  # fmt: skip
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_lightning(make, model, tmp_path):
    """The dict that configure_optimizers returns; from the checkpoint of every step, within and between epochs."""
    lightning = pytest.importorskip("lightning", reason="its Trainer is tested")

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.line = torch.nn.Linear(3, 1)
            self.rates, self.losses = [], []

        def training_step(self, batch):
            loss = torch.nn.functional.mse_loss(self.line(batch[0]), batch[1])
            self.rates.append(self.optimizers().param_groups[0]["lr"])
            self.losses.append(loss.item())
            return loss

        def configure_optimizers(self):
            return every_step(make(optimizer_of(self)))

    def train(callbacks=None, resume=None):
        made = model(Model)
        trainer = lightning.Trainer(
            accelerator="cpu", max_epochs=EPOCHS, logger=False, enable_checkpointing=bool(callbacks),
            callbacks=callbacks, enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
        )  # fmt: skip
        trainer.fit(made, Batches(), ckpt_path=resume)
        return made.rates, made.losses, [weight.tolist() for weight in made.parameters()]

    each = lightning.pytorch.callbacks.ModelCheckpoint(tmp_path, "{step}", every_n_train_steps=1, save_top_k=-1)
    rates, losses, weights = train([each])
    assert rates == EXPECTED
    for step in range(1, STEPS):
        assert train(resume=str(tmp_path / f"step={step}.ckpt")) == (rates[step:], losses[step:], weights), step
