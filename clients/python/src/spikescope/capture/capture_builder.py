"""Puts a capture together from what the hooks of one optimizer step see."""

from __future__ import annotations

import functools
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

import torch

from ..assembly import Reading
from ..layers import OptimizerInfo
from ..wire.frames import Samples
from .ballots import Ballots, Vote
from .clip_hook import ClipFactor
from .device_capture import DeviceCapture, DeviceResult, Taken
from .edges import DEFAULT_EPSILON
from .layer_plan import LayerPlan
from .optimizers import Adapter
from .own_layers import NormSum
from .raw_samples import RawSamples
from .readings import Edges, read_statistics
from .shards import Shards
from .statistics import LayerSums


@dataclass
class DeviceReading:
    """One capture, on its way to the host."""

    read_sums: Callable[[], LayerSums]
    parameter_counts: torch.Tensor
    edges: Edges
    size_bytes: int
    scalars: dict[str, float] = field(default_factory=dict)
    raw: RawSamples | None = None
    wants_samples: bool = False
    holds_samples: bool = False
    # Of the layers of all ranks, where each posts its own.
    read_squares: Callable[[], float] | None = None
    # Told how much processor time reading took.
    note_reading: Callable[[float], None] | None = None

    def read(self) -> Reading:
        note, self.note_reading = self.note_reading, None
        if note is None:
            return self._read()
        started = time.thread_time()
        reading = self._read()
        note(time.thread_time() - started)
        return reading

    def _read(self) -> Reading:
        samples = self.raw.read() if self.raw is not None and self.wants_samples else None
        return read_statistics(
            self.read_sums(),
            self.parameter_counts,
            self.edges,
            scalars=self.scalars,
            samples=samples,
            whole_squares=None if self.read_squares is None else self.read_squares(),
        )

    def read_held(self) -> Samples | None:
        is_held = self.holds_samples and not self.wants_samples
        return self.raw.read() if self.raw is not None and is_held else None


class CaptureBuilder:
    def __init__(
        self,
        plan: LayerPlan,
        optimizers: Sequence[Any],
        *,
        adapter: Adapter | None,
        optimizer_info: OptimizerInfo | None,
        shards: Shards,
        norms: NormSum | None = None,
        sample_count: int,
        posts_samples_always: bool,
        holds_samples: bool,
        note_span: Callable[[Any, Any], None] | None = None,
    ) -> None:
        info = optimizer_info or OptimizerInfo("none")
        self._plan = plan
        self._optimizers = optimizers
        self._shards = shards
        self._norms = norms
        # A rank that reduces takes part in every capture, also without gradients of its own.
        self._reduces = shards.is_sharded or norms is not None
        self._edges = Edges(info.beta1, info.beta2)
        self._counts = torch.tensor([layer.parameter_count for layer in plan.layers], dtype=torch.float64)
        self._devices: dict[torch.device, DeviceCapture] = {}
        self._make_device: Callable[[torch.device], DeviceCapture] = functools.partial(
            DeviceCapture,
            plan=plan,
            optimizers=optimizers,
            adapter=adapter,
            betas=(info.beta1, info.beta2),
            epsilon=DEFAULT_EPSILON if info.epsilon is None else info.epsilon,
            sample_count=sample_count,
            note_span=note_span,
        )
        self.ballots = Ballots()
        self._taken: dict[torch.device, Taken] = {}
        self._clipped: set[int] = set()
        self._posts_samples_always = posts_samples_always
        self._holds_samples = holds_samples
        self._wants_samples = 0
        # What ranks that post nothing have under way must live until it is done.
        self._in_flight: deque[Callable[[], LayerSums]] = deque()

    def prepare(self) -> None:
        """Before the first step, so that none of the loop's has to wait."""
        by_device: dict[torch.device, list[int]] = {}
        for index, planned in enumerate(self._plan.tensors):
            if planned.is_owned and planned.parameter.requires_grad:
                by_device.setdefault(planned.parameter.device, []).append(index)
        for device, indexes in by_device.items():
            self._find_device(device, indexes)

    @property
    def devices(self) -> list[torch.device]:
        """On which something was captured, or will be."""
        return list(self._devices)

    def request_samples(self, steps: int) -> None:
        self._wants_samples = max(self._wants_samples, steps)

    def forget_layouts(self) -> None:
        for capture in self._devices.values():
            capture.forget_layouts()

    def before_clip(
        self,
        parameters: list[torch.Tensor] | None,
        factor: ClipFactor | None,
        *,
        has_wholes: bool,
        is_new_step: bool = False,
    ) -> None:
        """Gradients as they are now; a second call for other parameters changes nothing.

        `is_new_step` says that those taken before are of a step that was skipped.
        """
        wanted = {id(parameter) for parameter in parameters or ()}
        if parameters is not None and not wanted & self._plan.by_parameter.keys():
            return
        if self._taken and not is_new_step and not wanted & self._clipped:
            self._clipped |= wanted
            # Clipped in parts: no one number says by how much.
            for entry in self._taken.values():
                entry.clip_factor = None
            return
        # The step after the clip before never came: GradScaler skipped it.
        self._clipped = wanted
        self._take(None, is_clipped=True, has_wholes=has_wholes)
        if factor is not None:
            self._note_factor(wanted, factor)

    def _note_factor(self, wanted: set[int], factor: ClipFactor) -> None:
        """Where all gradients are multiplied by one number they need not be read again."""
        tensors = self._plan.tensors
        for entry in self._taken.values():
            parameters = [tensors[index].parameter for index in entry.indexes]
            # In half precision the products are rounded; those that entered v are read.
            if all(
                id(p) in wanted and p.grad is not None and p.grad.dtype == torch.float32 for p in parameters
            ):
                entry.clip_factor = factor()

    def before_step(self, index: int, scale: torch.Tensor | None, *, has_wholes: bool) -> None:
        """`index` of several optimizers; the first of them takes the gradients of all."""
        if not self._taken:
            self._take(scale, is_clipped=False, has_wholes=has_wholes)

    def forget_gradients(self) -> None:
        """The step before the next capture is not this one."""
        for capture in self._devices.values():
            capture.forget_gradients()

    def finish(
        self, *, is_wanted: bool, has_histograms: bool, has_wholes: bool, vote: Vote | None = None
    ) -> DeviceReading | None:
        """After the update. None where this step is not captured."""
        taken, self._taken = self._taken, {}
        self._clipped = set()
        if not is_wanted or (not taken and not self._reduces):
            for device, entry in taken.items():
                self._devices[device].keep_gradients(entry)
            return None
        results: list[DeviceResult] = []
        fault: Exception | None = None
        try:
            for device, entry in taken.items():
                results.append(
                    self._devices[device].finish(
                        entry,
                        has_histograms=has_histograms,
                        has_wholes=has_wholes,
                        must_be_now=self._shards.is_sharded,
                    )
                )
        except Exception as error:
            if not self._reduces:
                raise
            # The others reduce now and would wait: this rank takes part, and says that its part is none.
            fault, results = error, []
        read_sums = self._combine(
            [result.read_sums for result in results], has_histograms, vote, is_lacking=fault is not None
        )
        read_squares = None
        if self._norms is not None:
            squares = [entry.whole_squares for entry in taken.values()]
            read_squares, read_vote = self._norms.begin(squares, vote)
            self._cast(read_vote)
        elif vote is not None and not self._reduces:
            self.ballots.agree(vote)
        if fault is not None:
            raise fault
        wants_samples = self._posts_samples_always or self._wants_samples > 0
        self._wants_samples = max(0, self._wants_samples - 1)
        return DeviceReading(
            read_sums,
            self._counts,
            self._edges,
            size_bytes=sum(result.size_bytes for result in results),
            scalars=self._learning_rate(),
            raw=next((result.raw for result in results if result.raw is not None), None),
            wants_samples=wants_samples,
            holds_samples=self._holds_samples,
            read_squares=read_squares,
        )

    def _take(self, scale: torch.Tensor | None, *, is_clipped: bool, has_wholes: bool) -> None:
        by_device: dict[torch.device, list[int]] = {}
        for index, planned in enumerate(self._plan.tensors):
            if planned.is_owned and planned.parameter.grad is not None:
                by_device.setdefault(planned.parameter.grad.device, []).append(index)
        self._taken = {}
        for device, indexes in by_device.items():
            self._taken[device] = self._find_device(device, indexes).take(
                indexes, scale, is_clipped=is_clipped, has_wholes=has_wholes
            )

    def _find_device(self, device: torch.device, indexes: list[int]) -> DeviceCapture:
        """Made ready for these tensors the first time: in `watch`, or where the model moved since."""
        capture = self._devices.get(device)
        if capture is None:
            capture = self._devices[device] = self._make_device(device)
            capture.prepare(indexes)
        return capture

    def _combine(
        self,
        readers: list[Callable[[], LayerSums]],
        has_histograms: bool,
        vote: Vote | None,
        *,
        is_lacking: bool,
    ) -> Callable[[], LayerSums]:
        layer_count = len(self._plan.layers)
        if not self._shards.is_sharded:
            if len(readers) == 1:
                return readers[0]
            none = LayerSums.zeros(layer_count, torch.device("cpu"), has_histograms=has_histograms)
            return lambda: _sum([none, *(read() for read in readers)])
        # Ranks must reduce in step, so here and not in the outbox's thread.
        device = self._shards.device
        parts = [read() for read in readers]
        local = _sum([LayerSums.zeros(layer_count, device, has_histograms=has_histograms), *parts])
        if is_lacking:
            local.mark_lacking()
        read, read_vote = self._shards.reduce(local, vote)
        self._in_flight.append(read)
        while len(self._in_flight) > 2:
            self._in_flight.popleft()()
        self._cast(read_vote)
        return read

    def _cast(self, read_vote: Callable[[], Vote] | None) -> None:
        if read_vote is not None:
            self.ballots.cast(read_vote)

    def _learning_rate(self) -> dict[str, float]:
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                rate = group.get("lr")
                if isinstance(rate, torch.Tensor):
                    return {} if rate.device.type != "cpu" else {"learning_rate": float(rate)}
                if isinstance(rate, (int, float)):
                    return {"learning_rate": float(rate)}
        return {}


def _sum(parts: list[LayerSums]) -> LayerSums:
    total = parts[0]
    for part in parts[1:]:
        total = LayerSums(
            total.sums + part.sums.to(total.sums.device),
            torch.maximum(total.maxima, part.maxima.to(total.maxima.device)),
            _add_slots(total.ratio_slots, part.ratio_slots),
            _add_slots(total.update_slots, part.update_slots),
        )
    return total


def _add_slots(one: torch.Tensor | None, other: torch.Tensor | None) -> torch.Tensor | None:
    return one if one is None or other is None else one + other.to(one.device)
