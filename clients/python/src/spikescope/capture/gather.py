"""Coordinates of many tensors as rows of one tensor, by a single concatenation.

Each tensor contributes a strided view of itself and a view of zeros that fills its last
row, so a device gathers all of a model in a few kernels, whatever the number of tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

from . import fused_rows
from .layer_plan import PlannedTensor
from .optimizers import BiasCorrection, Scale

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
    fillers: Sequence[torch.Tensor | None]  # of each piece's last row

    table: fused_rows.RowTable | None  # None: torch gathers
    # Views of tensors that stay where they are from step to step, by what they are of.
    kept_views: dict[str, tuple[list[tuple[int, torch.dtype | None]], list[torch.Tensor]]] = field(
        default_factory=dict
    )

    # Numbers a row that hardly ever change, by the numbers a tensor that they come from.
    constants: dict[tuple[float, ...], torch.Tensor] = field(default_factory=dict)

    def gather_located(self, table: torch.Tensor) -> torch.Tensor:
        """(R, W) float32 by the kernel, of tensors in a table (addresses.py)."""
        assert self.table is not None
        return fused_rows.gather_rows(table, self.table, ROW_WIDTH)

    def gather_moments(
        self, table: torch.Tensor, corrections: fused_rows.Corrections
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(R, W) float32 of both moments by the kernel."""
        assert self.table is not None
        return fused_rows.gather_moments(table, self.table, corrections, ROW_WIDTH)

    def gather(self, values: Sequence[torch.Tensor | None], kept_as: str | None = None) -> torch.Tensor:
        """(R, W) float32 of one value a tensor by torch operations; None gives zeros.

        Making views of a whole model costs the loop milliseconds. `kept_as` keeps them until
        a tensor lies elsewhere; it keeps the tensors' memory too, so it is for an optimizer's state.
        """
        if kept_as is None or any(value is not None and not value.is_contiguous() for value in values):
            return _join(self._make_views(values))
        places = [(0, None) if value is None else (value.data_ptr(), value.dtype) for value in values]
        kept = self.kept_views.get(kept_as)
        if kept is None or kept[0] != places:
            kept = self.kept_views[kept_as] = (places, self._make_views(values))
        return _join(kept[1])

    def _make_views(self, values: Sequence[torch.Tensor | None]) -> list[torch.Tensor]:
        views: list[torch.Tensor] = []
        for piece, filler in zip(self.pieces, self.fillers):
            value = values[piece.index]
            if value is None:
                views.append(self.zeros[: piece.row_count * ROW_WIDTH])
                continue
            views.append(_view(value, self.tensors[piece.index], piece))
            if filler is not None:
                views.append(filler)
        return views

    def per_row(self, values: Sequence[Scale]) -> torch.Tensor:
        """(R,) of one number a tensor; numbers on the device are not waited for."""
        device = self.layer.device
        if all(isinstance(value, (int, float)) for value in values):
            if len(set(values)) == 1:
                return torch.full((len(self.layer),), float(values[0]), device=device)
            of_piece = torch.tensor([float(values[piece.index]) for piece in self.pieces])
            return of_piece.to(device, non_blocking=True)[self.piece_of_row]
        of_pieces = [values[piece.index] for piece in self.pieces]
        parts = [_one_number(value, device) for value in of_pieces]
        return torch.cat(parts).float()[self.piece_of_row]

    def corrections(self, values: Sequence[tuple[Scale, Scale]]) -> tuple[torch.Tensor, torch.Tensor]:
        """(R,) each of a pair of numbers a tensor: the corrections of both moments."""
        pairs = [values[piece.index] for piece in self.pieces]
        steps = [first.step for first, _ in pairs if isinstance(first, BiasCorrection)]
        seconds = [second for _, second in pairs if isinstance(second, BiasCorrection)]
        # The steps of a model that only the device knows are put together once for both.
        if len(steps) == len(seconds) == len(pairs) > 0:
            device = self.layer.device
            stacked = _stack(steps, device)
            betas = [[scale.beta for scale in column] for column in zip(*pairs)]
            first, second = (_correct(stacked, column).float()[self.piece_of_row] for column in betas)
            return first, second
        first, second = (self.per_row([pair[index] for pair in values]) for index in (0, 1))
        return first, second


def _join(views: list[torch.Tensor]) -> torch.Tensor:
    if len({view.dtype for view in views}) > 1:
        views = [view.float() for view in views]
    return torch.cat(views).float().view(-1, ROW_WIDTH)


def _stack(steps: Sequence[torch.Tensor], device: torch.device) -> torch.Tensor:
    """(N,) float64, since 1 − 0.999 keeps only four digits in float32."""
    flat = [step if step.dim() == 0 else step.reshape(()) for step in steps]
    return torch.stack(flat).to(device, torch.float64)


def _correct(steps: torch.Tensor, betas: Sequence[float]) -> torch.Tensor:
    """1/(1 − β^t) of each; 1 of a step that GradScaler skipped, whose moments are 0."""
    if len(set(betas)) == 1:
        powers = betas[0] ** steps
    else:
        each = torch.tensor(betas, dtype=torch.float64)
        powers = each.to(steps.device, non_blocking=True) ** steps
    return torch.where(steps > 0, 1 / (1 - powers), 1.0)


def _one_number(value: Scale, device: torch.device) -> torch.Tensor:
    if isinstance(value, BiasCorrection):
        return _correct(_stack([value.step], device), [value.beta])
    if isinstance(value, torch.Tensor):
        return value.reshape(1).to(device, torch.float64)
    return torch.full((1,), float(value), dtype=torch.float64, device=device)


def make_layouts(
    tensors: Sequence[PlannedTensor],
    element_counts: Sequence[int],
    device: torch.device,
    *,
    has_kernels: bool = False,
) -> list[Layout]:
    """Rows of all sampled coordinates, in chunks."""
    return [
        _make_layout(tensors, chunk, device, has_kernels=has_kernels)
        for chunk in _chunks(tensors, element_counts)
    ]


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


def _make_table(
    tensors: Sequence[PlannedTensor], pieces: Sequence[Piece], device: torch.device
) -> fused_rows.RowTable:
    rows = [
        (piece.index, tensors[piece.index], piece.start + begin, min(ROW_WIDTH, piece.count - begin))
        for piece in pieces
        for begin in range(0, piece.count, ROW_WIDTH)
    ]
    return fused_rows.RowTable(
        torch.tensor([index for index, *_ in rows], dtype=torch.int32, device=device),
        torch.tensor([tensor.offset + first * tensor.stride for _, tensor, first, _ in rows], device=device),
        torch.tensor([tensor.stride for _, tensor, _, _ in rows], device=device),
        torch.tensor([count for *_, count in rows], dtype=torch.int32, device=device),
    )


def _make_layout(
    tensors: Sequence[PlannedTensor], pieces: list[Piece], device: torch.device, *, has_kernels: bool
) -> Layout:
    layer: list[int] = []
    padding: list[int] = []
    piece_of_row: list[int] = []
    for position, piece in enumerate(pieces):
        rows = piece.row_count
        layer.extend([tensors[piece.index].layer] * rows)
        padding.extend([0] * (rows - 1) + [rows * ROW_WIDTH - piece.count])
        piece_of_row.extend([position] * rows)
    longest = max((piece.row_count * ROW_WIDTH for piece in pieces), default=0)
    zeros = torch.zeros(longest, device=device)
    return Layout(
        tensors,
        pieces,
        torch.tensor(layer, device=device),
        torch.tensor(padding, dtype=torch.float32, device=device),
        torch.tensor(piece_of_row, device=device),
        zeros,
        [
            zeros[: piece.row_count * ROW_WIDTH - piece.count] if piece.count % ROW_WIDTH else None
            for piece in pieces
        ],
        _make_table(tensors, pieces, device) if has_kernels else None,
    )


def _view(value: torch.Tensor, planned: PlannedTensor, piece: Piece) -> torch.Tensor:
    flat = value if value.is_contiguous() else value.contiguous()
    first = flat.storage_offset() + planned.offset + piece.start * planned.stride
    return flat.as_strided((piece.count,), (planned.stride,), first)
