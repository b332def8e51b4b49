"""What waits for the server, oldest first: records on disk, then items in memory.

While the server answers everything stays in memory; once it does not, `spill` moves the
items to disk, where they outlive the job. With the disk full as well memory is the last
resort, and what exceeds its bound goes, oldest first, and is counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable, NamedTuple

from ..wire.frames import Frame, can_share_body, decode_frames, encode_frames
from .kept_run import KeptRun
from .spool import Position

FRAME = b"F"
EVENT = b"E"
FINISH = b"X"
# Raw samples alone, of a step whose frame went before.
SAMPLES = b"S"

_OF_STEPS = (FRAME, SAMPLES)

# How long a disk that was full is left alone, in seconds.
DISK_RETRY = 30.0


@dataclass(frozen=True)
class Item:
    """One thing to deliver: a frame, a step's samples, or the JSON of an event or of the end."""

    kind: bytes
    frame: Frame | None = None
    payload: bytes = b""
    layer_offset: int | None = None

    @property
    def size_bytes(self) -> int:
        return self.frame.size_bytes if self.frame is not None else 256 + len(self.payload)

    def to_record(self) -> bytes:
        if self.frame is None:
            return self.payload
        return encode_frames([self.frame], layer_offset=self.layer_offset)

    @classmethod
    def of_record(cls, kind: bytes, payload: bytes) -> Item:
        if kind in (EVENT, FINISH):
            return cls(kind, payload=payload)
        metadata, frames = decode_frames(payload)
        offset = metadata.get("layer_offset")
        return cls(kind, frame=frames[0], layer_offset=None if offset is None else int(offset))


class Batch(NamedTuple):
    """What one request carries: frames or samples that are alike, or one other item."""

    items: list[Item]
    position: Position | None  # None: from memory


class Backlog:
    """Used by one thread. `on_drop` is told how many items went, of which kind, and why."""

    def __init__(
        self,
        kept: KeptRun,
        *,
        max_memory_bytes: int,
        on_drop: Callable[[int, str, str], None],
        on_disk: Callable[[str], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._kept = kept
        self._memory: deque[Item] = deque()
        self._memory_bytes = 0
        self._max_memory_bytes = max_memory_bytes
        self._on_drop = on_drop
        self._on_disk = on_disk
        self._monotonic = monotonic
        self._disk_again_at = 0.0
        self._spilled = 0

    @property
    def is_empty(self) -> bool:
        return not self._memory and self._kept.spool.is_empty

    @property
    def is_on_disk(self) -> bool:
        return not self._kept.spool.is_empty

    @property
    def memory_count(self) -> int:
        return len(self._memory)

    @property
    def spilled_count(self) -> int:
        """How many items went to disk so far."""
        return self._spilled

    def add(self, item: Item) -> None:
        if item.kind == SAMPLES and self._memory and self._memory[-1].kind == FINISH:
            # A run that has ended takes none any more.
            self._memory.insert(len(self._memory) - 1, item)
        else:
            self._memory.append(item)
        self._memory_bytes += item.size_bytes
        while self._memory_bytes > self._max_memory_bytes and len(self._memory) > 1:
            if self.spill():
                return
            self._pop_memory()
            self._on_drop(1, "full queue", "the oldest go first")

    def spill(self, *, is_urgent: bool = False) -> bool:
        """Moves memory to disk, oldest first; False where the disk does not take it."""
        if not self._memory:
            return True
        if not is_urgent and self._monotonic() < self._disk_again_at:
            return False
        while self._memory:
            item = self._memory[0]
            try:
                dropped = self._kept.spool.append(item.kind, item.to_record())
            except OSError as error:
                self._disk_again_at = self._monotonic() + DISK_RETRY
                self._on_disk(self._kept.describe_fault(error))
                return False
            self._pop_memory()
            self._spilled += 1
            if dropped > 0:
                self._on_drop(dropped, "full spool", "the oldest go first")
        return True

    def first_step(self) -> int | None:
        """Of the oldest frame that waits."""
        for item, _ in self._items():
            if item.kind == FRAME and item.frame is not None:
                return item.frame.step
        return None

    def has_finish(self) -> bool:
        return any(item.kind == FINISH for item, _ in self._items())

    def next_batch(self, *, max_frames: int, max_bytes: int) -> Batch | None:
        """The oldest items that fit one request; steps within it ascend."""
        items: list[Item] = []
        position: Position | None = None
        size = 0
        for item, at in self._items():
            if items and not _fits(items, item, size, at, position, max_frames, max_bytes):
                break
            items.append(item)
            position = at
            size += item.size_bytes
            if item.kind not in _OF_STEPS:
                break
        return Batch(items, position) if items else None

    def settle(self, batch: Batch) -> None:
        """It was delivered, or never will be."""
        if batch.position is not None:
            self._kept.spool.advance(batch.position)
            return
        for _ in batch.items:
            self._pop_memory()

    def _items(self) -> Iterator[tuple[Item, Position | None]]:
        if not self._kept.spool.is_empty:
            for kind, payload, position in self._kept.spool.records():
                try:
                    yield Item.of_record(kind, payload), position
                except (ValueError, KeyError, IndexError):
                    # Its checksum held, so another version wrote it; it cannot be sent.
                    self._on_drop(1, "unreadable", f"a record of {self._kept.folder} is of another version")
                    continue
        for item in self._memory:
            yield item, None

    def _pop_memory(self) -> None:
        self._memory_bytes -= self._memory.popleft().size_bytes


def _fits(
    items: list[Item],
    item: Item,
    size: int,
    at: Position | None,
    position: Position | None,
    max_frames: int,
    max_bytes: int,
) -> bool:
    last, frame = items[-1].frame, item.frame
    return (
        item.kind == items[-1].kind
        and frame is not None
        and last is not None
        and (at is None) == (position is None)
        and len(items) < max_frames
        and size + item.size_bytes <= max_bytes
        and frame.step > last.step
        and item.layer_offset == items[-1].layer_offset
        and can_share_body(last, frame)
    )
