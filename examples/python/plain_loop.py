"""Three lines in a loop of one's own: python examples/python/plain_loop.py [STEPS]"""

from __future__ import annotations

import sys

import torch

import spikescope
from tiny_text import CharacterModel, Excerpts

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 300
torch.manual_seed(0)
model = CharacterModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95))
loader = torch.utils.data.DataLoader(Excerpts(), batch_size=16, shuffle=True)

run = spikescope.init("examples", name="plain loop", config={"batch_size": 16, "steps": steps})
run.watch(model, optimizer)

step = 0
while step < steps:
    for tokens, targets in loader:
        loss = model.loss(tokens, targets)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        run.log(loss=loss, step=step)
        step += 1
        if step == steps:
            break
run.finish()
