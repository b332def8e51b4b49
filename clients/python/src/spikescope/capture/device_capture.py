"""One device's part of captures: gathers, computes, and begins the copy to the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from . import fused_norms
from .addresses import Addresses, Located
from .clip_hook import NormFactor
from .edges import float32_at_or_above, float32_with_root_at_or_above
from .gather import Layout, make_layouts
from .host_copy import read_later
from .kernel_check import kernels_agree
from .layer_plan import LayerPlan, PlannedTensor
from .local_tensors import read_gradient, to_local
from .located_moments import LocatedMoments, MomentTables
from .moment_reader import MomentReader, gather_moments
from .optimizers import Adapter, Moments
from .raw_samples import RawSamples, SamplePlan
from .side_stream import StreamBeside
from .statistics import COLUMN, MAXIMA, LayerSums, Rows, Statistics, Thresholds
from .whole_norms import largest_magnitudes, square_sums

# Sets of tensors with a gradient that are remembered; mixtures of experts have many.
MAX_LAYOUTS = 8
# Columns of ε and of who has moments; a schedule of ε would make a new one each step.
MAX_CONSTANTS = 16


@dataclass
class Taken:
    """Gradients as they were before clipping."""

    indexes: tuple[int, ...]  # into the plan's tensors
    layouts: list[Layout]
    gradient: list[torch.Tensor]  # (R, W) a layout
    whole_squares: torch.Tensor  # (L,) float64
    whole_max: torch.Tensor | None  # (L,) float32
    is_clipped: bool
    # What clipping multiplied all of them by, where that is known.
    clip_factor: NormFactor | None = None


@dataclass
class DeviceResult:
    read_sums: Callable[[], LayerSums]
    raw: RawSamples | None
    size_bytes: int


class DeviceCapture:
    def __init__(
        self,
        device: torch.device,
        plan: LayerPlan,
        optimizers: Sequence[Any],
        *,
        adapter: Adapter | None,
        betas: tuple[float | None, float | None],
        epsilon: float,
        sample_count: int,
        note_span: Callable[[Any, Any], None] | None = None,
    ) -> None:
        self._device = device
        self._plan = plan
        self._epsilon = epsilon
        self._moments = MomentReader(optimizers, adapter, epsilon)
        self._sample_count = sample_count
        self._statistics = Statistics(*betas, device)
        self._layouts: dict[tuple[tuple[int, ...], tuple[int, ...]], list[Layout]] = {}
        self._sample_plans: dict[int, SamplePlan] = {}
        self._previous: Taken | None = None
        self._layer_indexes: dict[tuple[int, ...], torch.Tensor] = {}
        self._chunks: dict[tuple[tuple[int, ...], tuple[int, ...]], fused_norms.Chunks] = {}
        self._addresses = Addresses(device)
        self._moment_tables = MomentTables(self._addresses, device)
        self._beside = StreamBeside(device, note_span)

    def prepare(self, indexes: list[int]) -> None:
        """What the first capture would have the loop wait for: layouts, and kernels to be loaded.

        `indexes` are of the tensors that are likely to have gradients.
        """
        with torch.no_grad():
            self._statistics.has_kernels = kernels_agree(self._statistics, self._device)
            tensors = [self._plan.tensors[index] for index in indexes]
            values = [to_local(tensor.parameter) for tensor in tensors]
            layouts = self._find_layouts(tuple(indexes), tensors, values)
            self._layer_index([tensor for tensor, value in zip(tensors, values) if value.numel() > 0])
            if self._device.type == "cpu" or not layouts:
                return
            layout = layouts[0]
            zeros = layout.gather([None] * len(tensors))
            ones = self._constant(layout, [1.0] * len(tensors))
            rows = Rows(layout.layer, layout.padding, zeros, zeros, zeros, zeros, zeros, ones, ones)
            sums = LayerSums.zeros(len(self._plan.layers), self._device, has_histograms=True)
            with self._beside.after_current([zeros]):
                self._statistics.add(sums, rows, self._thresholds(layout, [self._epsilon] * len(tensors)))
                read_later(sums)()

    def forget_layouts(self) -> None:
        """What was made for tensors that are not all that there are any more, or that nobody watches."""
        for kept in (self._layouts, self._sample_plans, self._layer_indexes, self._chunks):
            kept.clear()
        self._moments.forget_groups()
        self._previous = None
        self._addresses.forget()

    def take(
        self, indexes: list[int], scale: torch.Tensor | None, *, is_clipped: bool, has_wholes: bool
    ) -> Taken:
        """Reads gradients of these tensors; `scale` is what they still are multiplied by."""
        with torch.no_grad():
            tensors = [self._plan.tensors[index] for index in indexes]
            values = [read_gradient(tensor.parameter) for tensor in tensors]
            dense = [value for value in values if value is not None]
            layouts = self._find_layouts(tuple(indexes), tensors, dense)
            located = self._locate("gradients", dense)
            gradient = [self._gather(layout, dense, located) for layout in layouts]
            squares, largest = self._whole_norms(tensors, dense, located, has_largest=has_wholes)
            if scale is not None:
                inverse = 1 / scale.to(self._device)
                gradient = [rows * inverse for rows in gradient]
                squares = squares * inverse.double() ** 2
                largest = None if largest is None else largest * inverse
            return Taken(tuple(indexes), layouts, gradient, squares, largest, is_clipped)

    def keep_gradients(self, taken: Taken) -> None:
        """What the next step's cosine compares with."""
        self._previous = taken

    def forget_gradients(self) -> None:
        """Of a step that is no longer the one before the next capture."""
        self._previous = None

    def finish(
        self, taken: Taken, *, has_histograms: bool, has_wholes: bool, must_be_now: bool
    ) -> DeviceResult:
        """After the update: gathers moments, and computes or leaves that to the reader."""
        with torch.no_grad():
            previous, self._previous = self._previous, taken
            pairs = previous is not None and previous.layouts is taken.layouts
            tensors = [self._plan.tensors[index] for index in taken.indexes]
            moments, epsilons, are_kept = self._moments.read(tensors)
            has_moments = any(moment.second is not None for moment in moments)
            located = self._locate_moments(moments) if has_moments else None
            used = located_used = None
            if taken.is_clipped and taken.clip_factor is None:
                used = [read_gradient(tensor.parameter) for tensor in tensors]
                located_used = self._locate("used", used)
            work = []
            for position, layout in enumerate(taken.layouts):
                rows = self._rows(
                    layout,
                    taken.gradient[position],
                    previous.gradient[position] if pairs and previous is not None else None,
                    moments if has_moments else None,
                    None if used is None else self._gather(layout, used, located_used),
                    located,
                    are_kept=are_kept,
                )
                work.append((rows, self._thresholds(layout, epsilons)))
            raw = self._raw_samples(taken, work)
            weights = self._weight_squares() if has_wholes else None

        def compute() -> LayerSums:
            sums = LayerSums.zeros(len(self._plan.layers), self._device, has_histograms=has_histograms)
            sums.sums[:, COLUMN["whole_gradient_squares"]] = taken.whole_squares
            if weights is not None:
                sums.sums[:, COLUMN["whole_weight_squares"]] = weights
            if taken.whole_max is not None:
                sums.maxima[:, MAXIMA.index("whole_gradient_abs_max")] = taken.whole_max
                sums.sums[:, COLUMN["has_whole_maxima"]] = 1
            factor = None if taken.clip_factor is None else taken.clip_factor.compute().to(self._device)
            for rows, thresholds in work:
                if factor is not None and rows.gradient is not None:
                    rows = replace(rows, used_gradient=rows.gradient * factor)
                self._statistics.add(sums, rows, thresholds)
            return sums

        size = 4 * len(self._plan.layers) * (64 + (560 if has_histograms else 0))
        # On the processor itself the arithmetic is the cost, and the loop need not wait for it.
        is_cheaper_later = self._device.type == "cpu" and not self._statistics.has_kernels
        if is_cheaper_later and not must_be_now and len(taken.layouts) == 1:
            size += 16 * taken.gradient[0].numel()
            return DeviceResult(_once(compute), raw, size)
        if must_be_now:
            with torch.no_grad():
                done = compute()
            return DeviceResult((lambda: done), raw, size)
        with torch.no_grad(), self._beside.after_current(_tensors_of(taken, work, weights)):
            return DeviceResult(read_later(compute()), raw, size)

    def _rows(
        self,
        layout: Layout,
        gradient: torch.Tensor,
        previous: torch.Tensor | None,
        moments: list[Moments] | None,
        used: torch.Tensor | None,
        located: LocatedMoments | None,
        *,
        are_kept: bool,
    ) -> Rows:
        if moments is None:
            return Rows(layout.layer, layout.padding, gradient, previous)
        has_first = [0.0 if moment.first is None else 1.0 for moment in moments]
        has_second = [0.0 if moment.second is None else 1.0 for moment in moments]
        if located is not None:
            first, second = located.gather(layout)
        else:
            first, second = gather_moments(layout, moments, are_kept=are_kept)
        return Rows(
            layout.layer,
            layout.padding,
            gradient,
            previous,
            gradient if used is None else used,
            first if any(has_first) else None,
            second,
            self._constant(layout, has_first),
            self._constant(layout, has_second),
        )

    def _thresholds(self, layout: Layout, epsilons: list[float]) -> Thresholds:
        def column(values: list[float]) -> torch.Tensor:
            return self._constant(layout, values).unsqueeze(1)

        return Thresholds(
            column(epsilons),
            column([float32_at_or_above(value) for value in epsilons]),
            column([float32_with_root_at_or_above(value) for value in epsilons]),
            may_be_zero=min(epsilons, default=0.0) <= 0,
        )

    def _constant(self, layout: Layout, values: list[float]) -> torch.Tensor:
        """(R,) of numbers that hardly ever change, kept on the device."""
        key = tuple(values)
        kept = layout.constants.get(key)
        if kept is None:
            if len(layout.constants) >= MAX_CONSTANTS:
                layout.constants.clear()
            kept = layout.constants[key] = layout.per_row(values)
        return kept

    def _find_layouts(
        self, indexes: tuple[int, ...], tensors: list[PlannedTensor], values: list[torch.Tensor]
    ) -> list[Layout]:
        key = (indexes, tuple(value.numel() for value in values))
        layouts = self._layouts.get(key)
        if layouts is None:
            if len(self._layouts) >= MAX_LAYOUTS:
                self._layouts.clear()
                self._sample_plans.clear()
            layouts = self._layouts[key] = make_layouts(
                tensors, key[1], self._device, has_kernels=self._statistics.has_kernels
            )
        return layouts

    def _locate(self, name: str, values: Sequence[torch.Tensor | None]) -> Located | None:
        """None where torch operations do what kernels do elsewhere."""
        return self._addresses.locate(name, values) if self._statistics.has_kernels else None

    def _locate_moments(self, moments: Sequence[Moments]) -> LocatedMoments | None:
        return self._moment_tables.locate(moments) if self._statistics.has_kernels else None

    def _gather(
        self, layout: Layout, values: Sequence[torch.Tensor | None], located: Located | None
    ) -> torch.Tensor:
        if located is None or layout.table is None:
            return layout.gather(values)
        return layout.gather_located(located.table)

    def _whole_norms(
        self,
        tensors: list[PlannedTensor],
        values: list[torch.Tensor],
        located: Located | None,
        *,
        has_largest: bool,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(L,) Σ x² and, if wanted, (L,) max |x|, which is of the same pass where there are kernels."""
        if located is not None:
            chunks = self._find_chunks(tensors, values)
            squares, largest = fused_norms.add_norms(located.table, chunks, len(self._plan.layers))
            return squares, largest if has_largest else None
        layers = len(self._plan.layers)
        wide = torch.float32 if self._device.type == "mps" else torch.float64
        squares = torch.zeros(layers, dtype=wide, device=self._device)
        highest = torch.zeros(layers, device=self._device) if has_largest else None
        kept = [(tensor, value) for tensor, value in zip(tensors, values) if value.numel() > 0]
        if kept:
            index = self._layer_index([tensor for tensor, _ in kept])
            parts = [value for _, value in kept]
            squares.index_add_(0, index, square_sums(parts).to(wide))
            if highest is not None:
                highest.scatter_reduce_(0, index, largest_magnitudes(parts), "amax")
        return squares, highest

    def _weight_squares(self) -> torch.Tensor:
        tensors = [
            tensor
            for tensor in self._plan.tensors
            if tensor.is_owned and tensor.parameter.device == self._device
        ]
        values = [to_local(tensor.parameter) for tensor in tensors]
        return self._whole_norms(tensors, values, self._locate("weights", values), has_largest=False)[0]

    def _find_chunks(self, tensors: list[PlannedTensor], values: list[torch.Tensor]) -> fused_norms.Chunks:
        key = (tuple(tensor.layer for tensor in tensors), tuple(value.numel() for value in values))
        chunks = self._chunks.get(key)
        if chunks is None:
            if len(self._chunks) >= MAX_LAYOUTS:
                self._chunks.clear()
            chunks = self._chunks[key] = fused_norms.Chunks.make(*key, self._device)
        return chunks

    def _layer_index(self, tensors: list[PlannedTensor]) -> torch.Tensor:
        key = tuple(tensor.layer for tensor in tensors)
        index = self._layer_indexes.get(key)
        if index is None:
            if len(self._layer_indexes) >= MAX_LAYOUTS:
                self._layer_indexes.clear()
            index = self._layer_indexes[key] = torch.tensor(key).to(self._device)
        return index

    def _raw_samples(self, taken: Taken, work: list[tuple[Rows, Thresholds]]) -> RawSamples | None:
        """Of layers that fit one chunk; what is larger is too much to post anyway."""
        if self._sample_count == 0 or len(work) != 1 or work[0][0].first is None:
            return None
        plan = self._sample_plans.get(id(taken.layouts))
        if plan is None:
            plan = SamplePlan.make(taken.layouts[0], len(self._plan.layers), self._sample_count)
            self._sample_plans[id(taken.layouts)] = plan
        rows = work[0][0]
        assert rows.gradient is not None and rows.first is not None and rows.second is not None
        return plan.read(rows.gradient, rows.first, rows.second)


def _tensors_of(
    taken: Taken, work: list[tuple[Rows, Thresholds]], weights: torch.Tensor | None
) -> list[torch.Tensor]:
    """What another stream is going to read and this one might take the memory of."""
    factor = taken.clip_factor
    found = [taken.whole_squares, taken.whole_max, weights, None if factor is None else factor.total_norm]
    for rows, _ in work:
        found += [rows.gradient, rows.previous_gradient, rows.used_gradient, rows.first, rows.second]
    return [tensor for tensor in found if tensor is not None]


def _once(compute: Callable[[], LayerSums]) -> Callable[[], LayerSums]:
    found: list[LayerSums] = []

    def read() -> LayerSums:
        if not found:
            found.append(compute())
        return found[0]

    return read
