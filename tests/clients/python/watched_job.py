"""A small model, a run that watches it on the fake server, and its metrics computed plainly."""

from __future__ import annotations

import itertools
import struct

import pytest
import torch
from torch import nn

import spikescope
from spikescope.wire.buffers import MISSING_FLOAT32_BITS

torch.set_num_threads(1)

RUN_IDS = itertools.count()


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wte = nn.Embedding(50, 24)
        self.fc = nn.Linear(24, 96)
        self.ln_f = nn.LayerNorm(96)
        self.head = nn.Linear(96, 50)

    def forward(self, tokens):
        return self.head(self.ln_f(torch.relu(self.fc(self.wte(tokens)))))


def make_model() -> Model:
    torch.manual_seed(1)
    return Model()


def batch(step: int):
    generator = torch.Generator().manual_seed(step)
    return torch.randint(0, 50, (16,), generator=generator)


def loss_of(model, tokens):
    return nn.functional.cross_entropy(model(tokens), tokens)


def columns(frame) -> dict[str, list[float | None]]:
    """Metric → one number a layer; None where nothing was reported."""
    count = frame.layer_count
    return {
        name: [
            None if bits == MISSING_FLOAT32_BITS else value
            for bits, value in zip(struct.unpack(f"<{count}I", data), struct.unpack(f"<{count}f", data))
        ]
        for name, data in frame.layers.items()
    }


class Job:
    """A run on the fake server, and the frames that arrived."""

    def __init__(self, server, model, optimizer, **options) -> None:
        self.id = f"run-{next(RUN_IDS)}"
        self.server = server
        options.setdefault("max_elements", None)
        options.setdefault("histograms_every", 1)
        self.run = spikescope.init("demo", id=self.id, url=server.url, directory="kept")
        assert self.run.watch(model, optimizer, **options) is not None

    def finish(self):
        self.run.finish()
        stored = self.server.runs[self.id]
        self.create = stored["create"]
        return [frame for _, _, frame in stored["stored"]]


def adam_reference(parameter, gradient, state, beta1, beta2, epsilon, used=None):
    """From the definitions, in float64; `state` is after the update."""
    g = gradient.double().flatten()
    used = g if used is None else used.double().flatten()
    step = float(state["step"])
    m = state["exp_avg"].double().flatten() / (1 - beta1**step)
    v = state["exp_avg_sq"].double().flatten() / (1 - beta2**step)
    u = m / (v.sqrt() + epsilon)
    r = torch.where((m == 0) & (v == 0), 0.0, m / v.sqrt())
    r = r[torch.isfinite(r)]
    return {
        "gradient_norm": g.norm(),
        "gradient_rms": g.square().mean().sqrt(),
        "gradient_abs_max": g.abs().max(),
        "gradient_nonfinite_count": torch.tensor(0.0),
        "gradient_below_epsilon_fraction": (g.abs() < epsilon).double().mean(),
        "second_moment_below_epsilon_fraction": (v.sqrt() < epsilon).double().mean(),
        "weight_norm": parameter.detach().double().norm(),
        "update_mean": u.mean(),
        "update_std": u.std(correction=0),
        "update_abs_max": u.abs().max(),
        "update_small_fraction": (u.abs() < 0.01).double().mean(),
        "ratio_std": r.std(correction=0),
        "rms": (used.square() / torch.clamp(v, min=epsilon**2)).mean().sqrt(),
    }


def assert_columns(frame, layer: int, expected, rel=1e-4, absolute=1e-6):
    found = columns(frame)
    for name, value in expected.items():
        assert found[name][layer] == pytest.approx(float(value), rel=rel, abs=absolute), name


ADAMS = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-2, betas=(0.9, 0.95)),
    "adamw foreach": lambda p: torch.optim.AdamW(p, lr=1e-2, betas=(0.9, 0.95), foreach=True),
    "adamw fused": lambda p: torch.optim.AdamW(p, lr=1e-2, betas=(0.9, 0.95), fused=True),
    "adam": lambda p: torch.optim.Adam(p, lr=1e-2, betas=(0.9, 0.95)),
    "adam capturable": lambda p: torch.optim.Adam(
        p, lr=torch.tensor(1e-2), betas=(0.9, 0.95), capturable=True
    ),
}
