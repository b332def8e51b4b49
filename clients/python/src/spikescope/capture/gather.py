"""Coordinates of many tensors as rows of one tensor, by a single concatenation.

Each tensor contributes a strided view of itself and a view of zeros that fills its last
row, so a device gathers all of a model in a few kernels, whatever the number of tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from .layer_plan import PlannedTensor

# Rows are short, so that little of a bias's row is padding, and long enough to reduce well.
ROW_WIDTH = 1024
# What is gathered at once: 32 MiB a tensor of rows; the intermediates take ten times that.
CHUNK_ELEMENTS = 8 * 1024 * 1024


@dataclass(frozen=True)
class Piece:
    """Sampled coordinates [start, start + count) of one tensor."""

    index: int  # into the tensors of the layout
    start: int
    count: int

    @property
    def row_count(self) -> int:
        return -(-self.count // ROW_WIDTH)


@dataclass(frozen=True)
class Layout:
    """The rows of one chunk; made once for a set of tensors and their sizes."""

    tensors: Sequence[PlannedTensor]
    pieces: Sequence[Piece]
    layer: torch.Tensor  # (R,) int64
    padding: torch.Tensor  # (R,) float32
    piece_of_row: torch.Tensor  # (R,) int64
    zeros: torch.Tensor  # as long as the longest piece

    def gather(self, values: Sequence[torch.Tensor | None]) -> torch.Tensor:
        """(R, W) float32 of one value a tensor; None gives zeros."""
        views: list[torch.Tensor] = []
        for piece in self.pieces:
            value = values[piece.index]
            if value is None:
                views.append(self.zeros[: piece.row_count * ROW_WIDTH])
                continue
            planned = self.tensors[piece.index]
            views.append(_view(value, planned, piece))
            rest = piece.row_count * ROW_WIDTH - piece.count
            if rest > 0:
                views.append(self.zeros[:rest])
        dtypes = {view.dtype for view in views}
        if len(dtypes) > 1:
            views = [view.float() for view in views]
        return torch.cat(views).float().view(-1, ROW_WIDTH)

    def per_row(self, values: Sequence[float | torch.Tensor]) -> torch.Tensor:
        """(R,) of one number a tensor; numbers on the device are not waited for."""
        device = self.layer.device
        if all(isinstance(value, (int, float)) for value in values):
            if len(set(values)) == 1:
                return torch.full((len(self.layer),), float(values[0]), device=device)
            of_piece = torch.tensor([float(values[piece.index]) for piece in self.pieces])
            return of_piece.to(device, non_blocking=True)[self.piece_of_row]
        parts = [
            value.reshape(1).to(device, torch.float64)
            if isinstance(value, torch.Tensor)
            else torch.full((1,), float(value), dtype=torch.float64, device=device)
            for value in (values[piece.index] for piece in self.pieces)
        ]
        return torch.cat(parts).float()[self.piece_of_row]


def make_layouts(
    tensors: Sequence[PlannedTensor], element_counts: Sequence[int], device: torch.device
) -> list[Layout]:
    """Rows of all sampled coordinates, in chunks."""
    return [_make_layout(tensors, chunk, device) for chunk in _chunks(tensors, element_counts)]


def _chunks(tensors: Sequence[PlannedTensor], element_counts: Sequence[int]) -> Iterator[list[Piece]]:
    chunk: list[Piece] = []
    room = CHUNK_ELEMENTS
    for index, (planned, size) in enumerate(zip(tensors, element_counts)):
        total = planned.sample_count(size)
        start = 0
        while start < total:
            count = min(room, total - start)
            chunk.append(Piece(index, start, count))
            start += count
            room -= -(-count // ROW_WIDTH) * ROW_WIDTH
            if room <= 0:
                yield chunk
                chunk, room = [], CHUNK_ELEMENTS
    if chunk:
        yield chunk


def _make_layout(tensors: Sequence[PlannedTensor], pieces: list[Piece], device: torch.device) -> Layout:
    layer: list[int] = []
    padding: list[int] = []
    piece_of_row: list[int] = []
    for position, piece in enumerate(pieces):
        rows = piece.row_count
        layer.extend([tensors[piece.index].layer] * rows)
        padding.extend([0] * (rows - 1) + [rows * ROW_WIDTH - piece.count])
        piece_of_row.extend([position] * rows)
    longest = max((piece.row_count * ROW_WIDTH for piece in pieces), default=0)
    return Layout(
        tensors,
        pieces,
        torch.tensor(layer, device=device),
        torch.tensor(padding, dtype=torch.float32, device=device),
        torch.tensor(piece_of_row, device=device),
        torch.zeros(longest, device=device),
    )


def _view(value: torch.Tensor, planned: PlannedTensor, piece: Piece) -> torch.Tensor:
    flat = value if value.is_contiguous() else value.contiguous()
    first = flat.storage_offset() + planned.offset + piece.start * planned.stride
    return flat.as_strided((piece.count,), (planned.stride,), first)
