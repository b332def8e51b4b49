from __future__ import annotations

import struct
from array import array

import pytest
from frame_vectors import FRAMES, read_frame, read_vectors

from spikescope.wire.buffers import MISSING_FLOAT32_BITS, float32_bytes, missing_column, uint32_bytes
from spikescope.wire.container import Tensor, decode_container, encode_container
from spikescope.wire.frames import Frame, Histogram, check_frame, decode_frames, encode_frames

VECTORS = read_vectors()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["file"])
def test_encodes_the_vectors_that_both_clients_share(vector):
    body = encode_frames(
        [read_frame(frame) for frame in vector["frames"]],
        attempt=vector.get("attempt"),
        layer_offset=vector.get("layerOffset"),
    )
    assert body == (FRAMES / vector["file"]).read_bytes()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["file"])
def test_decodes_the_vectors_back_to_their_frames(vector):
    metadata, frames = decode_frames((FRAMES / vector["file"]).read_bytes())
    assert metadata.get("attempt") == (str(vector["attempt"]) if "attempt" in vector else None)
    again = encode_frames(frames, attempt=vector.get("attempt"), layer_offset=vector.get("layerOffset"))
    assert again == (FRAMES / vector["file"]).read_bytes()
    assert [frame.step for frame in frames] == [frame["step"] for frame in vector["frames"]]


def test_lies_aligned_whatever_the_order_of_the_tensors():
    body = encode_container({"a": Tensor("U8", (3,), b"abc"), "b": Tensor("F64", (1,), b"12345678")}, {})
    _, tensors = decode_container(body)
    assert bytes(tensors["a"].data) == b"abc"
    assert body.index(b"12345678") % 8 == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"123", "at least 8 bytes"),
        (struct.pack("<Q", 99) + b"{}", "claims 99 bytes"),
        (struct.pack("<Q", 2) + b"[]", "JSON object"),
        (struct.pack("<Q", 8) + b'{"a":1} ', "dtype, shape"),
    ],
)
def test_says_what_is_wrong_with_a_body_that_is_none(body, message):
    with pytest.raises(ValueError, match=message):
        decode_container(body)


def test_packs_lists_with_gaps_and_numbers_beyond_float32():
    packed = float32_bytes([1.0, None, 1e39, float("-inf"), 2])
    assert struct.unpack_from("<I", packed, 4) == (MISSING_FLOAT32_BITS,)
    assert struct.unpack("<5f", packed)[2:] == (float("inf"), float("-inf"), 2.0)
    assert missing_column(2) == float32_bytes([None, None])


def test_copies_buffers_of_the_right_type_bit_for_bit():
    bits = array("I", [MISSING_FLOAT32_BITS, 0x7FC00001])
    assert float32_bytes(array("f", bits.tobytes())) == bits.tobytes()
    assert uint32_bytes(bits) == bits.tobytes()
    assert float32_bytes(array("d", [0.5, 2.0])) == struct.pack("<2f", 0.5, 2.0)


def test_takes_arrays_and_tensors_where_the_job_has_them():
    numpy = pytest.importorskip("numpy")
    torch = pytest.importorskip("torch")
    expected = struct.pack("<2f", 0.5, 2.0)
    assert float32_bytes(numpy.array([0.5, 2.0])) == expected
    assert float32_bytes(torch.tensor([0.5, 2.0], dtype=torch.bfloat16)) == expected
    assert uint32_bytes(torch.tensor([1, 7])) == struct.pack("<2I", 1, 7)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (Frame(step=-1), "step: expected"),
        (Frame(step=0, scalars={"bad name": 1.0}), "expected 1 to 128 characters"),
        (Frame(step=0, layer_count=2, layers={"rms": b"1234"}), "layers.rms: expected 2 values, got 1"),
        (
            Frame(step=0, layer_count=1, histograms={"r": Histogram(b"1234" * 3, b"1234", b"1" * 16)}),
            "histograms.r.counts: expected 2 values, got 1",
        ),
    ],
)
def test_names_the_field_of_a_frame_that_the_contract_does_not_allow(frame, message):
    with pytest.raises(ValueError, match=message):
        check_frame(frame)


def test_refuses_to_put_different_reports_into_one_body():
    with pytest.raises(ValueError, match="steps 0 and 1 report different things"):
        encode_frames([Frame(step=0, scalars={"loss": 1.0}), Frame(step=1)])
