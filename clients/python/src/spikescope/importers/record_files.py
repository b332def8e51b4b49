"""Files that are a sequence of checked records: TensorBoard's event files and W&B's run files.

Formats: TFRecord of TensorFlow, the log of LevelDB as W&B writes it. A job that was killed
leaves its last record half written: reading ends there, and says so.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Callable

# A record beyond this is a broken length rather than a record.
MAX_RECORD_BYTES = 1 << 30
_MASK_DELTA = 0xA282EAD8
WANDB_HEADER = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
_BLOCK = 32_768

Say = Callable[[str], None]


def _castagnoli_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _castagnoli_table()


def crc32c(data: bytes) -> int:
    """CRC-32C, reflected, as in RFC 3720."""
    value = 0xFFFFFFFF
    table = _TABLE
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def masked_crc32c(data: bytes) -> int:
    """As TFRecord stores it."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def read_tfrecords(path: Path, say: Say) -> Iterator[bytes]:
    """The payloads of a TFRecord file; ends at the first record that is cut off or damaged."""
    with path.open("rb") as file:
        offset = 0
        while True:
            head = file.read(12)
            if not head:
                return
            length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else 0
            if len(head) < 12 or length > MAX_RECORD_BYTES:
                say(f"{path.name}: cut off or damaged at byte {offset}; what follows is left out")
                return
            if struct.unpack("<I", head[8:])[0] != masked_crc32c(head[:8]):
                say(f"{path.name}: damaged at byte {offset}; what follows is left out")
                return
            data = file.read(length)
            check = file.read(4)
            if len(data) < length or len(check) < 4:
                say(f"{path.name}: its last record is half written; it is left out")
                return
            if struct.unpack("<I", check)[0] == masked_crc32c(data):
                yield data
            else:
                # Its length was right, so the next record begins where it should.
                say(f"{path.name}: the record at byte {offset} is damaged; it is left out")
            offset += 16 + length


def read_wandb_records(path: Path, say: Say) -> Iterator[bytes]:
    """The payloads of a `.wandb` file. Raises ValueError where it is none."""
    with path.open("rb") as file:
        if file.read(len(WANDB_HEADER)) != WANDB_HEADER:
            raise ValueError(f"{path}: expected a run file of W&B, which begins with :W&B")
        pieces: list[bytes] = []
        offset = len(WANDB_HEADER)
        while True:
            left = _BLOCK - offset % _BLOCK
            if left < 7:
                file.seek(left, 1)
                offset += left
                continue
            piece = _read_piece(file, path, offset, say)
            if piece is None:
                return
            kind, data = piece
            offset += 7 + len(data)
            # 1 whole, 2 first, 3 middle, 4 last
            if kind in (1, 2):
                pieces = []
            pieces.append(data)
            if kind in (1, 4):
                yield b"".join(pieces)
                pieces = []


def _read_piece(file: BinaryIO, path: Path, offset: int, say: Say) -> tuple[int, bytes] | None:
    head = file.read(7)
    if not head.strip(b"\0"):
        return None
    if len(head) == 7:
        crc, length, kind = struct.unpack("<IHB", head)
        data = file.read(length)
        if len(data) == length and kind in (1, 2, 3, 4) and zlib.crc32(bytes([kind]) + data) == crc:
            return kind, data
    say(f"{path.name}: cut off or damaged at byte {offset}; what follows is left out")
    return None
