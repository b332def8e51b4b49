"""Numbers of any kind as the little-endian buffers of the wire, without numpy.

Lists, arrays, numpy arrays and torch tensors are taken; what already is a contiguous
buffer of the right type is copied once and never walked in Python.
"""

from __future__ import annotations

import struct
import sys
from array import array
from typing import Any

# "Not reported" in a layer's column: a NaN whose payload no arithmetic makes.
MISSING_FLOAT32_BITS = 0x7FE5CA1E
MISSING_FLOAT32 = struct.pack("<I", MISSING_FLOAT32_BITS)

# A sequence of numbers, or whatever array('f'), numpy or torch offer; neither need be installed.
Numbers = Any

_KIND_OF_FORMAT = {
    "f": "f",
    "<f": "f",
    "=f": "f",
    "I": "I",
    "<I": "I",
    "=I": "I",
    "L": "L",
    "i": "i",
    "l": "i",
}


def missing_column(length: int) -> bytes:
    """[length] float32, none of them reported."""
    return MISSING_FLOAT32 * length


def float32_bytes(values: Numbers) -> bytes:
    """[n] float32; None becomes "not reported"."""
    return _typed_bytes(values, "f", "float32")


def uint32_bytes(values: Numbers) -> bytes:
    """[n] uint32."""
    return _typed_bytes(values, "I", "uint32")


def _typed_bytes(values: Numbers, code: str, numpy_name: str) -> bytes:
    if isinstance(values, (bytes, bytearray)):
        if len(values) % 4 != 0:
            raise ValueError(f"expected whole {numpy_name} values, got {len(values)} bytes")
        return bytes(values)
    if hasattr(values, "detach"):  # a torch tensor
        values = values.detach().cpu().contiguous()
        values = values.float().numpy() if code == "f" else values.numpy()
    if hasattr(values, "astype"):  # a numpy array
        return bytes(values.astype("<f4" if code == "f" else "<u4").tobytes())
    direct = _direct_bytes(values, code)
    return direct if direct is not None else _packed(values, code)


def _direct_bytes(values: Numbers, code: str) -> bytes | None:
    try:
        view = memoryview(values)
    except TypeError:
        return None
    kind = _KIND_OF_FORMAT.get(view.format)
    if kind == code and view.itemsize == 4 and view.contiguous and sys.byteorder == "little":
        return view.tobytes()
    return None


def _packed(values: Numbers, code: str) -> bytes:
    if code == "I":
        packed: array[Any] = array("I", (int(value) for value in values))
    else:
        packed = array("f", (_to_float32(value) for value in values))
    if sys.byteorder == "big":
        packed.byteswap()
    data = packed.tobytes()
    if code == "f" and any(value is None for value in values):
        words = bytearray(data)
        for index, value in enumerate(values):
            if value is None:
                words[4 * index : 4 * index + 4] = MISSING_FLOAT32
        data = bytes(words)
    return data


def _to_float32(value: float | None) -> float:
    if value is None:
        return 0.0
    number = float(value)
    # array('f') raises where float32 would overflow; on the wire that is an infinity.
    if -3.4028235677973366e38 < number < 3.4028235677973366e38 or number != number:
        return number
    return float("inf") if number > 0 else float("-inf")
