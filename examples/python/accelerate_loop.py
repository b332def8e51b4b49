"""Accelerate, with gradient accumulation: python examples/python/accelerate_loop.py [STEPS]"""

from __future__ import annotations

import sys

import torch
from accelerate import Accelerator

from spikescope.integrations.accelerate import SpikescopeTracker
from tiny_text import CharacterModel, Excerpts

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 100
torch.manual_seed(0)
accelerator = Accelerator(
    gradient_accumulation_steps=2,
    log_with=SpikescopeTracker("examples", name="Accelerate"),
    cpu=not torch.cuda.is_available(),
)
model = CharacterModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95))
loader = torch.utils.data.DataLoader(Excerpts(), batch_size=8, shuffle=True)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
accelerator.init_trackers("examples", config={"batch_size": 8, "accumulation": 2})
accelerator.get_tracker("spikescope").watch(model, optimizer)

step = 0
while step < steps:
    for tokens, targets in loader:
        with accelerator.accumulate(model):
            loss = accelerator.unwrap_model(model).loss(tokens, targets)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad()
        if accelerator.sync_gradients:
            accelerator.log({"loss": loss}, step=step)
            step += 1
            if step == steps:
                break
accelerator.end_training()
