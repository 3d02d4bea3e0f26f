"""Lightning: what the method ``configure_optimizers`` of a LightningModule returns, for a scheduler of PyTorch.

Lightning itself is not imported.
"""

from __future__ import annotations

from typing import Any

from torch.optim.lr_scheduler import LRScheduler

from .._backend import shown

__all__ = ["every_step"]


def every_step(scheduler: LRScheduler) -> dict[str, Any]:
    """Return the optimizer and its scheduler for ``configure_optimizers``, with a new rate at every step.

    Parameters
    ----------
    scheduler : torch.optim.lr_scheduler.LRScheduler
        A scheduler, such as those of `cosine_fast.integrations.torch` and `cosine_fast.integrations.transformers`.

    Returns
    -------
    dict
        The dict that Lightning expects. Lightning's own default is a new rate at every epoch.

    Raises
    ------
    TypeError
        If `scheduler` is none.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : A scheduler of any schedule.

    Examples
    --------
    >>> import torch
    >>> from cosine_fast import CosineDecay
    >>> from cosine_fast.integrations.torch import ScheduledLR
    >>> class Model(torch.nn.Linear):  # a lightning.LightningModule
    ...     def configure_optimizers(self):
    ...         return every_step(ScheduledLR(torch.optim.AdamW(self.parameters()), CosineDecay(0.1, 1000)))
    >>> Model(2, 1).configure_optimizers()["lr_scheduler"]["interval"]
    'step'
    """
    if not isinstance(scheduler, LRScheduler):
        raise TypeError(f"Argument `scheduler` must be an LRScheduler of PyTorch. Received: {shown(scheduler)}")
    return {"optimizer": scheduler.optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
