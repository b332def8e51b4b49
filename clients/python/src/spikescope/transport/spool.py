"""Records kept on disk, first in, first out, while the server is away.

A folder holds segments `00000001.spool` of at most SEGMENT_BYTES, each a row of records
  magic 4 · kind 1 · length 4 · CRC-32 4 · payload
and `cursor`, which says how far they were delivered. Nothing is removed before it was
acknowledged; after a crash some records may be delivered twice, which the server knows
how to take. A record that was cut off by the crash or by a full disk ends its segment.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

_MAGIC = b"SPK1"
_HEAD = struct.Struct("<4scII")
SEGMENT_BYTES = 8 * 1024 * 1024


class Record(NamedTuple):
    kind: bytes  # one letter
    payload: bytes
    position: Position


class Position(NamedTuple):
    """After a record: the segment and the offset at which the next one begins."""

    segment: int
    offset: int


@dataclass
class _Tail:
    segment: int
    offset: int
    file: BinaryIO


class Spool:
    """One writer and reader, in one thread. OSError from `append` leaves it as it was."""

    def __init__(self, folder: Path, *, max_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        # Whole segments are dropped to keep the bound, so there are always several.
        self._segment_bytes = min(segment_bytes, max(1, max_bytes // 4))
        self._tail: _Tail | None = None
        self._cursor = self._read_cursor()
        self._sizes = {number: path.stat().st_size for number, path in self._segments()}
        self._has_unread = any(True for _ in self.records())

    @property
    def is_empty(self) -> bool:
        return not self._has_unread

    @property
    def size_bytes(self) -> int:
        return sum(self._sizes.values())

    def append(self, kind: bytes, payload: bytes) -> int:
        """Adds a record; returns how many old ones had to go to keep the bound."""
        head = _HEAD.pack(_MAGIC, kind, len(payload), zlib.crc32(payload))
        size = len(head) + len(payload)
        dropped = self._make_room(size)
        tail = self._open_tail(size)
        try:
            tail.file.seek(tail.offset)
            tail.file.write(head)
            tail.file.write(payload)
            tail.file.flush()
        except OSError:
            self._cut_off(tail)
            raise
        tail.offset += size
        self._sizes[tail.segment] = tail.offset
        self._has_unread = True
        return dropped

    def records(self) -> Iterator[Record]:
        """The records behind the cursor, oldest first."""
        for number, path in self._segments():
            if number < self._cursor.segment:
                continue
            offset = self._cursor.offset if number == self._cursor.segment else 0
            yield from _read_segment(path, number, offset)

    def advance(self, position: Position) -> None:
        """All up to here was delivered, or never will be."""
        self._cursor = position
        for number, path in self._segments():
            if number < position.segment:
                self._remove(number, path)
        self._write_cursor()
        self._has_unread = next(self.records(), None) is not None
        if not self._has_unread:
            self.clear()

    def clear(self) -> None:
        """Removes every segment; the folder stays."""
        self.close()
        for number, path in self._segments():
            self._remove(number, path)
            self._cursor = max(self._cursor, Position(number + 1, 0))
        _unlink(self.folder / "cursor")
        self._has_unread = False

    def close(self) -> None:
        tail, self._tail = self._tail, None
        if tail is not None:
            try:
                tail.file.close()
            except OSError:
                # What could not be flushed was reported by the write that failed.
                return

    def _make_room(self, size: int) -> int:
        """Removes the oldest whole segments; returns how many records were in them."""
        dropped = 0
        if size > self._max_bytes:
            raise OSError(f"{size} bytes are more than the spool's bound of {self._max_bytes}")
        while self._sizes and self.size_bytes + size > self._max_bytes:
            number = min(self._sizes)
            path = self._path(number)
            begin = self._cursor.offset if number == self._cursor.segment else 0
            if number >= self._cursor.segment:
                dropped += sum(1 for _ in _read_segment(path, number, begin))
            self._remove(number, path)
            self._cursor = max(self._cursor, Position(number + 1, 0))
            self._write_cursor()
        return dropped

    def _open_tail(self, size: int) -> _Tail:
        tail = self._tail
        if tail is not None and tail.offset + size > self._segment_bytes and tail.offset > 0:
            self.close()
            tail = None
        if tail is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Never on to a segment of an earlier process: its end may be torn.
            number = max([self._cursor.segment, *(n + 1 for n in self._sizes)])
            tail = self._tail = _Tail(number, 0, open(self._path(number), "wb"))  # noqa: SIM115
            self._sizes[number] = 0
        return tail

    def _cut_off(self, tail: _Tail) -> None:
        """Takes back half a record; where even that fails its checksum tells."""
        self._tail = None
        for undo in (lambda: tail.file.truncate(tail.offset), tail.file.close):
            try:
                undo()
            except OSError:
                continue

    def _segments(self) -> list[tuple[int, Path]]:
        if not self.folder.is_dir():
            return []
        return sorted((int(path.stem), path) for path in self.folder.glob("*.spool") if path.stem.isdigit())

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.spool"

    def _remove(self, number: int, path: Path) -> None:
        if self._tail is not None and self._tail.segment == number:
            self.close()
        self._sizes.pop(number, None)
        _unlink(path)

    def _read_cursor(self) -> Position:
        try:
            segment, offset = (self.folder / "cursor").read_text().split()
            return Position(int(segment), int(offset))
        except (OSError, ValueError):
            # Never delivered, or cut off while it was written: from the start then, which
            # at worst delivers twice.
            return Position(1, 0)

    def _write_cursor(self) -> None:
        temporary = self.folder / "cursor.new"
        try:
            temporary.write_text(f"{self._cursor.segment} {self._cursor.offset}\n")
            os.replace(temporary, self.folder / "cursor")
        except OSError:
            # A full disk: what is delivered twice after a crash is known as a duplicate.
            return


def _read_segment(path: Path, number: int, offset: int) -> Iterator[Record]:
    try:
        file = open(path, "rb")  # noqa: SIM115
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        while True:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return
            magic, kind, length, checksum = _HEAD.unpack(head)
            payload = file.read(length) if magic == _MAGIC else b""
            if len(payload) < length or magic != _MAGIC or zlib.crc32(payload) != checksum:
                return
            offset += _HEAD.size + length
            yield Record(kind, payload, Position(number, offset))


def _unlink(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        # Gone already, or on a disk that went away: at worst it is delivered again.
        return
