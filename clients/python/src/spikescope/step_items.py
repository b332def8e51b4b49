"""What becomes of a run's steps on their way to the server; runs in the outbox's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .assembly import Step
from .layer_values import read_layer_values
from .run_part import RunPart
from .spike_samples import SPIKE_EVENTS, SpikeSamples, SuspicionRule
from .step_frames import make_frame
from .transport.backlog import FRAME, SAMPLES, Item
from .transport.notices import Notices
from .wire.frames import Frame


class StepItems:
    def __init__(self, notices: Notices | None = None) -> None:
        self._notices = notices or Notices()
        self.layer_count = 0
        # Of a rank that posts layers of its own into a run that ranks share.
        self.part: RunPart | None = None
        self.spike_samples: SpikeSamples | None = None
        self._rule: SuspicionRule | None = None
        self._on_suspicion: Callable[[], None] = _do_nothing

    def suspect_spikes(self, on_suspicion: Callable[[], None]) -> None:
        """It is called with each spike that is suspected in a step's numbers, or that the server found."""
        self._rule, self._on_suspicion = SuspicionRule(), on_suspicion

    def make(self, step: Step) -> Item | list[Item]:
        """Waits for what a device still computes. Raises ValueError naming the field."""
        part = self.part
        layer_count = self.layer_count if part is None else part.layer_count
        if step.is_late and (layer_count > 0 or part is not None):
            # The step is stored: what came later goes as one more shard, of no layers.
            read_layer_values(step, 0, self._notices)
            frame = make_frame(step, 0)
            return Item(FRAME, frame=frame, layer_offset=layer_count if part is None else part.late_offset)
        offset = None if part is None else part.layer_offset
        read_layer_values(step, layer_count, self._notices)
        frame = make_frame(step, layer_count)
        if self._rule is not None and self._rule.sees(frame.scalars):
            self._on_suspicion()
        if self.spike_samples is None:
            return Item(FRAME, frame=frame, layer_offset=offset)
        held = None if step.capture is None else step.capture.read_held()
        frame, earlier = self.spike_samples.see(frame, held)
        return [Item(FRAME, frame=frame, layer_offset=offset), *self._sample_items(earlier)]

    def take_events(self, events: Sequence[Any]) -> list[Item]:
        """The samples that are wanted after what the server found in the steps that it has just stored."""
        is_spike = any(isinstance(each, dict) and each.get("kind") in SPIKE_EVENTS for each in events)
        if is_spike:
            self._on_suspicion()
        if self.spike_samples is None or not is_spike:
            return []
        return self._sample_items(self.spike_samples.spike_opened())

    def _sample_items(self, frames: Sequence[Frame]) -> list[Item]:
        offset = None if self.part is None else self.part.layer_offset
        return [Item(SAMPLES, frame=frame, layer_offset=offset) for frame in frames]


def _do_nothing() -> None:
    return
