"""The kernel of fused_norms.py, in Triton: one program a chunk of a tensor."""

import triton
import triton.language as tl

# Every bit of an infinity's exponent; finite magnitudes lie below it, a NaN's above.
_INFINITY = tl.constexpr(0x7F800000)
# A float32 sum of squares beyond these lost what overflowed, or what vanished: it is added again.
_TOO_LARGE = tl.constexpr(1e38)
_TOO_SMALL = tl.constexpr(1e-27)


@triton.jit
def _add_chunk(values, count, is_aligned, W: tl.constexpr, PARTS: tl.constexpr):
    lane = tl.arange(0, W)
    sums = tl.zeros((W,), tl.float32)
    largest = tl.zeros((W,), tl.int32)
    if (count >= W * PARTS) and is_aligned:
        # Unmasked, and known to begin at 16 bytes: four numbers a load.
        for part in range(0, PARTS):
            places = tl.multiple_of(values + part * W + lane, 16)
            x = tl.load(places).to(tl.float32)
            sums += x * x
            largest = tl.maximum(largest, tl.abs(x).to(tl.int32, bitcast=True))
    else:
        for start in range(0, count, W):
            x = tl.load(values + start + lane, mask=start + lane < count, other=0.0).to(tl.float32)
            sums += x * x
            largest = tl.maximum(largest, tl.abs(x).to(tl.int32, bitcast=True))
    total = tl.sum(sums.to(tl.float64), 0)
    highest = tl.max(largest, 0)
    # Once more and in float64, which hardly any chunk needs: its numbers are in the cache.
    if (highest > 0) and (highest < _INFINITY) and ((total > _TOO_LARGE) or (total < _TOO_SMALL)):
        wide = tl.zeros((W,), tl.float64)
        for start in range(0, count, W):
            x = tl.load(values + start + lane, mask=start + lane < count, other=0.0).to(tl.float64)
            wide += x * x
        total = tl.sum(wide, 0)
    return total, highest


@triton.jit
def add_norms(
    table, layer_of_tensor, count_of_tensor, tensor_of_chunk, start_of_chunk, squares, maxima,
    W: tl.constexpr, PARTS: tl.constexpr,
):  # fmt: skip
    chunk = tl.program_id(0)
    tensor = tl.load(tensor_of_chunk + chunk)
    start = tl.load(start_of_chunk + chunk)
    count = tl.minimum(tl.load(count_of_tensor + tensor) - start, W * PARTS).to(tl.int32)
    address = tl.load(table + 2 * tensor)
    kind = tl.load(table + 2 * tensor + 1)
    is_aligned = address % 16 == 0
    if kind == 0:
        total, highest = _add_chunk(
            address.to(tl.pointer_type(tl.float32)) + start, count, is_aligned, W, PARTS
        )
    elif kind == 1:
        total, highest = _add_chunk(
            address.to(tl.pointer_type(tl.bfloat16)) + start, count, is_aligned, W, PARTS
        )
    else:
        total, highest = _add_chunk(
            address.to(tl.pointer_type(tl.float16)) + start, count, is_aligned, W, PARTS
        )
    layer = tl.load(layer_of_tensor + tensor)
    # Nothing is read behind them, so that nothing need wait for them.
    tl.atomic_add(squares + layer, total, sem="relaxed")
    tl.atomic_max(maxima + layer, highest, sem="relaxed")
