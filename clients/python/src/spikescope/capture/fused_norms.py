"""Sums of squares and largest magnitudes of whole tensors, of a model in one launch and one pass.

whole_norms.py is the definition. There each of the two is a pass over memory of its own, with a
dozen launches around it, which is what watching a large model costs a card most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .fused_rows import OPTIONS

try:
    from . import norm_kernels
except Exception:  # no Triton, or one that is broken: then all goes by torch operations
    norm_kernels = None  # type: ignore[assignment]

# What a program reads at once: 16 numbers a thread of 256, so that enough of memory is under way.
WIDTH = 4096
# What it reads in all: few enough programs that what they add to the same layer is not waited for,
# and eight squares a place, of which float32 loses nothing that shows.
CHUNK = 8 * WIDTH


@dataclass(frozen=True)
class Chunks:
    """Which tensors are read in what pieces; made once for a set of tensors and their sizes."""

    layer: torch.Tensor  # (T,) int32
    count: torch.Tensor  # (T,) int64, elements
    tensor_of_chunk: torch.Tensor  # (C,) int32
    start_of_chunk: torch.Tensor  # (C,) int64, elements

    @classmethod
    def make(cls, layers: Sequence[int], counts: Sequence[int], device: torch.device) -> Chunks:
        count = torch.tensor(counts, dtype=torch.int64)
        pieces = (count + CHUNK - 1) // CHUNK
        tensor_of_chunk = torch.repeat_interleave(torch.arange(len(counts)), pieces)
        first = (pieces.cumsum(0) - pieces)[tensor_of_chunk]
        start = (torch.arange(len(tensor_of_chunk)) - first) * CHUNK
        return cls(
            torch.tensor(layers, dtype=torch.int32).to(device),
            count.to(device),
            tensor_of_chunk.to(torch.int32).to(device),
            start.to(device),
        )


def add_norms(
    table: torch.Tensor,  # (T, 2) int64, as addresses.py makes it
    chunks: Chunks,
    layer_count: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(L,) float64 of Σ x² and (L,) float32 of max |x|, NaN where there is one."""
    # Both in one piece, so that one fill clears them; each begins at 16 bytes.
    padded = -(-layer_count // 2) * 2
    both = torch.zeros(padded + -(-layer_count // 2), dtype=torch.float64, device=table.device)
    squares = both[:layer_count]
    maxima = both[padded:].view(torch.int32)[:layer_count]
    grid: Any = (len(chunks.tensor_of_chunk),)
    if grid[0] > 0:
        with torch.cuda.device_of(table):
            norm_kernels.add_norms[grid](
                table,
                chunks.layer,
                chunks.count,
                chunks.tensor_of_chunk,
                chunks.start_of_chunk,
                squares,
                maxima,
                W=WIDTH,
                PARTS=CHUNK // WIDTH,
                num_warps=8,
                **OPTIONS,
            )
    return squares, maxima.view(torch.float32)
