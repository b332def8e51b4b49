"""The safetensors container in pure Python: 8-byte header length, JSON header, raw buffers.

Written byte for byte as the TypeScript client writes it (tests/fixtures/frames holds
both to the same bytes): 8-byte tensors first, so that every buffer lies aligned.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Union

DTYPE_SIZES: Mapping[str, int] = {
    "F64": 8,
    "I64": 8,
    "F32": 4,
    "I32": 4,
    "U32": 4,
    "F16": 2,
    "BF16": 2,
    "U8": 1,
}

Buffer = Union[bytes, bytearray, memoryview]


class Tensor(NamedTuple):
    dtype: str
    shape: tuple[int, ...]
    data: Buffer


def element_count(shape: Iterable[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def encode_container(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """One body of all tensors. Raises ValueError where a buffer does not fill its shape."""
    ordered = sorted(tensors.items(), key=lambda item: -DTYPE_SIZES[item[1].dtype])
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    buffers: list[Buffer] = []
    for name, (dtype, shape, data) in ordered:
        size = element_count(shape) * DTYPE_SIZES[dtype]
        if size != len(data):
            raise ValueError(f"{name}: {len(data)} bytes do not fill {dtype} {list(shape)}")
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [position, position + size]}
        position += size
        buffers.append(data)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join((struct.pack("<Q", len(text)), text, *buffers))


def decode_container(body: Buffer) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors, their data views into `body`. Raises ValueError on a fault."""
    view = memoryview(body)
    if len(view) < 8:
        raise ValueError(f"header: expected at least 8 bytes, got {len(view)}")
    (header_length,) = struct.unpack_from("<Q", view)
    start = 8 + header_length
    if start > len(view):
        raise ValueError(f"header: claims {header_length} bytes, {len(view) - 8} are there")
    header = json.loads(bytes(view[8:start]))
    if not isinstance(header, dict):
        raise ValueError("header: expected a JSON object")
    metadata = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
    tensors = {name: _parse_entry(name, entry, view[start:]) for name, entry in header.items()}
    return metadata, tensors


def _parse_entry(name: str, entry: object, data: memoryview) -> Tensor:
    if not isinstance(entry, dict):
        raise ValueError(f"{name}: expected an object with dtype, shape and data_offsets")
    dtype, shape = str(entry.get("dtype")), tuple(entry.get("shape", ()))
    begin, end = entry.get("data_offsets", (0, 0))
    if dtype not in DTYPE_SIZES:
        raise ValueError(f"{name}.dtype: expected one of {', '.join(DTYPE_SIZES)}")
    if not 0 <= begin <= end <= len(data) or end - begin != element_count(shape) * DTYPE_SIZES[dtype]:
        raise ValueError(f"{name}.data_offsets: do not hold {dtype} {list(shape)}")
    return Tensor(dtype, shape, data[begin:end])
