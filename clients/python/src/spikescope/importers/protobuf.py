"""Protocol buffers, read field by field without their description.

Encoding: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from typing import Union

# A varint or fixed number as an unsigned int; bytes of a string, message or packed list.
Value = Union[int, bytes]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def read_fields(data: bytes) -> Iterator[tuple[int, int, Value]]:
    """(number, wire type, value) in the order of the message. Raises ValueError where it is none."""
    position, end = 0, len(data)
    while position < end:
        key, position = _varint(data, position)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, position = _varint(data, position)
            yield number, kind, value
        elif kind == FIXED64:
            yield number, kind, struct.unpack_from("<Q", _within(data, position, 8), position)[0]
            position += 8
        elif kind == BYTES:
            length, position = _varint(data, position)
            _within(data, position, length)
            yield number, kind, data[position : position + length]
            position += length
        elif kind == FIXED32:
            yield number, kind, struct.unpack_from("<I", _within(data, position, 4), position)[0]
            position += 4
        else:
            raise ValueError(f"no wire type {kind} in protocol buffers")


def signed(value: Value) -> int:
    """An int64 varint."""
    number = _number(value)
    return number - (1 << 64) if number >= 1 << 63 else number


def double(value: Value) -> float:
    (number,) = struct.unpack("<d", struct.pack("<Q", _number(value)))
    return float(number)


def single(value: Value) -> float:
    (number,) = struct.unpack("<f", struct.pack("<I", _number(value)))
    return float(number)


def text(value: Value) -> str:
    return _bytes(value).decode("utf-8", "replace")


def message(value: Value) -> bytes:
    return _bytes(value)


def doubles(value: Value) -> array[float]:
    """A packed list of doubles, or one that is not packed."""
    if isinstance(value, int):
        return array("d", [double(value)])
    return array("d", struct.unpack(f"<{len(value) // 8}d", value[: len(value) // 8 * 8]))


def _number(value: Value) -> int:
    if not isinstance(value, int):
        raise ValueError("expected a number in the message, got bytes")
    return value


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("expected bytes in the message, got a number")
    return value


def _within(data: bytes, position: int, length: int) -> bytes:
    if position + length > len(data):
        raise ValueError("the message ends within a field")
    return data


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise ValueError("the message ends within a number")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position
        shift += 7
