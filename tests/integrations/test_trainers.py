"""Schedules in the trainers of Hugging Face and Lightning: a run that is stopped and resumed equals one that is not."""

from __future__ import annotations

import pytest

from cosine_fast.dialects.transformers import get_cosine_with_min_lr_schedule_with_warmup

torch = pytest.importorskip("torch", reason="PyTorch is what the trainers train with")
ScheduledLR = pytest.importorskip("cosine_fast.integrations.torch").ScheduledLR
get_scheduler = pytest.importorskip("cosine_fast.integrations.transformers").get_scheduler
every_step = pytest.importorskip("cosine_fast.integrations.lightning").every_step

EPOCHS, BATCHES = 6, 4
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
    """Stopped after every third step, within and between epochs, and resumed from the checkpoint."""
    transformers = pytest.importorskip("transformers", reason="its Trainer is tested")
    pytest.importorskip("accelerate", reason="the Trainer of Transformers needs it")

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.line = torch.nn.Linear(3, 1)

        def forward(self, inputs, labels):
            return {"loss": torch.nn.functional.mse_loss(self.line(inputs), labels)}

    class Stop(transformers.TrainerCallback):
        def __init__(self, step):
            self.step = step

        def on_step_end(self, arguments, state, control, **others):
            control.should_save = control.should_training_stop = state.global_step == self.step

    def train(folder, stop=None, resume=None):
        made = model(Model)
        optimizer = optimizer_of(made)
        arguments = transformers.TrainingArguments(
            str(folder), num_train_epochs=EPOCHS, per_device_train_batch_size=2, logging_steps=1, save_strategy="no",
            report_to="none", disable_tqdm=True, use_cpu=True, seed=3,
        )  # fmt: skip
        rows = [{"inputs": x, "labels": y} for x, y in zip(*data(), strict=True)]
        trainer = transformers.Trainer(
            made,
            arguments,
            train_dataset=rows,
            callbacks=[Stop(stop)],
            optimizers=(optimizer, make(optimizer)),
        )
        rates = []
        optimizer.register_step_pre_hook(lambda *_: rates.append(optimizer.param_groups[0]["lr"]))
        trainer.train(resume_from_checkpoint=resume)
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        return rates, losses, [weight.tolist() for weight in made.parameters()]

    rates, losses, weights = train(tmp_path)
    assert rates == EXPECTED
    assert len(losses) == STEPS
    for stop in range(1, STEPS, 3):
        assert train(tmp_path, stop)[:2] == (rates[:stop], losses[:stop])
        resumed = train(tmp_path, resume=str(tmp_path / f"checkpoint-{stop}"))
        assert resumed == (rates[stop:], losses, weights)  # its log has the losses before too


@pytest.mark.filterwarnings(
    "ignore:.isinstance.treespec, LeafSpec.. is deprecated", "ignore:GPU available", "ignore:The .train_dataloader."
)
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_lightning(make, model, tmp_path):
    """The dict that configure_optimizers returns; stopped after each epoch and resumed."""
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

    def train(epochs, resume=None):
        made = model(Model)
        trainer = lightning.Trainer(
            accelerator="cpu", max_epochs=epochs, logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, default_root_dir=tmp_path,
        )  # fmt: skip
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data()), 2)
        trainer.fit(made, loader, ckpt_path=resume)
        trainer.save_checkpoint(tmp_path / f"{epochs}.ckpt")
        return made.rates, made.losses, [weight.tolist() for weight in made.parameters()]

    rates, losses, weights = train(EPOCHS)
    assert rates == EXPECTED
    for epochs in range(1, EPOCHS):  # within an epoch Lightning resumes only a data loader that has a state
        stop = epochs * BATCHES
        assert train(epochs)[:2] == (rates[:stop], losses[:stop])
        assert train(EPOCHS, str(tmp_path / f"{epochs}.ckpt")) == (rates[stop:], losses[stop:], weights)
