"""Lightning, logger and callback: python examples/python/lightning_module.py [STEPS]"""

from __future__ import annotations

import sys

import lightning
import torch

from spikescope.integrations.lightning import SpikescopeCallback, SpikescopeLogger
from tiny_text import CharacterModel, Excerpts


class Module(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.save_hyperparameters({"learning_rate": 3e-3})
        self.model = CharacterModel()

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        loss = self.model.loss(*batch)
        self.log("train/loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=3e-3, betas=(0.9, 0.95))


steps = int(sys.argv[1]) if len(sys.argv) > 1 else 100
torch.manual_seed(0)
logger = SpikescopeLogger("examples", name="Lightning")
trainer = lightning.Trainer(
    max_steps=steps,
    accelerator="cpu" if not torch.cuda.is_available() else "auto",
    devices=1,
    gradient_clip_val=0.5,
    logger=logger,
    callbacks=[SpikescopeCallback(logger)],
    log_every_n_steps=1,
    enable_progress_bar=False,
    enable_checkpointing=False,
    enable_model_summary=False,
)
trainer.fit(Module(), torch.utils.data.DataLoader(Excerpts(), batch_size=16, shuffle=True))
