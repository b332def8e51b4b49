"""Raw (g, m, v) of a few coordinates of each layer, in the form in which the worker takes them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..wire.frames import Samples
from .gather import ROW_WIDTH, Layout
from .host_copy import copy_to_host


@dataclass(frozen=True)
class RawSamples:
    """On the device until the outbox's thread wants them."""

    values: torch.Tensor  # (3, L, S) float32

    def read(self) -> Samples:
        host = copy_to_host(self.values)()
        gradient, first, second = (part.contiguous().numpy().tobytes() for part in host)
        return Samples(self.values.shape[2], gradient, first, second)


@dataclass(frozen=True)
class SamplePlan:
    index: torch.Tensor  # (L · S,) into the rows' coordinates
    has_layer: torch.Tensor  # (L, 1)
    sample_count: int

    @classmethod
    def make(cls, layout: Layout, layer_count: int, sample_count: int) -> SamplePlan:
        """Evenly among a layer's coordinates; one with fewer repeats them."""
        positions: list[list[tuple[int, int]]] = [[] for _ in range(layer_count)]
        row = 0
        for piece in layout.pieces:
            layer = layout.tensors[piece.index].layer
            positions[layer].append((row * ROW_WIDTH, piece.count))
            row += piece.row_count
        index = torch.zeros(layer_count, sample_count, dtype=torch.int64)
        for layer, spans in enumerate(positions):
            if spans:
                whole = torch.cat([torch.arange(start, start + count) for start, count in spans])
                if len(whole) > sample_count:
                    chosen = torch.arange(sample_count) * len(whole) // sample_count
                else:
                    chosen = torch.arange(sample_count) % len(whole)
                index[layer] = whole[chosen]
        device = layout.layer.device
        has_layer = torch.tensor([[bool(spans)] for spans in positions], device=device)
        return cls(index.flatten().to(device), has_layer, sample_count)

    def read(self, gradient: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> RawSamples:
        parts = [rows.flatten()[self.index].view(-1, self.sample_count) for rows in (gradient, first, second)]
        # A layer without a gradient in this step has no sample; NaN says so.
        return RawSamples(torch.stack([torch.where(self.has_layer, part, float("nan")) for part in parts]))
