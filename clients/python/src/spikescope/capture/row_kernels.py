"""The kernels of fused_rows.py, in Triton: one program a row."""

import triton
import triton.language as tl

from .statistics import COLUMN, MAXIMA, RATIO_SLOTS, UPDATE_SLOTS

_COUNT = tl.constexpr(COLUMN["count"])
_GRADIENT_SQUARES = tl.constexpr(COLUMN["gradient_squares"])
_GRADIENT_NON_FINITE = tl.constexpr(COLUMN["gradient_non_finite"])
_GRADIENT_BELOW = tl.constexpr(COLUMN["gradient_below"])
_MOMENT_COUNT = tl.constexpr(COLUMN["moment_count"])
_ROOT_NON_FINITE = tl.constexpr(COLUMN["root_non_finite"])
_ROOT_BELOW = tl.constexpr(COLUMN["root_below"])
_SCALED_SQUARES = tl.constexpr(COLUMN["scaled_squares"])
_SCALED_COUNT = tl.constexpr(COLUMN["scaled_count"])
_UPDATE_COUNT = tl.constexpr(COLUMN["update_count"])
_UPDATE_SUM = tl.constexpr(COLUMN["update_sum"])
_UPDATE_SQUARES = tl.constexpr(COLUMN["update_squares"])
_UPDATE_SMALL = tl.constexpr(COLUMN["update_small"])
_RATIO_COUNT = tl.constexpr(COLUMN["ratio_count"])
_RATIO_SUM = tl.constexpr(COLUMN["ratio_sum"])
_RATIO_SQUARES = tl.constexpr(COLUMN["ratio_squares"])
_PAIR_PRODUCT = tl.constexpr(COLUMN["pair_product"])
_PAIR_SQUARES = tl.constexpr(COLUMN["pair_squares"])
_PAIR_PREVIOUS_SQUARES = tl.constexpr(COLUMN["pair_previous_squares"])
_PAIR_EQUAL_SIGNS = tl.constexpr(COLUMN["pair_equal_signs"])
_PAIR_SIGNED = tl.constexpr(COLUMN["pair_signed"])
_COLUMNS = tl.constexpr(len(COLUMN))
_MAXIMA = tl.constexpr(len(MAXIMA))
_GRADIENT_MAX = tl.constexpr(MAXIMA.index("gradient_abs_max"))
_UPDATE_MAX = tl.constexpr(MAXIMA.index("update_abs_max"))
_RATIO_SLOTS = tl.constexpr(RATIO_SLOTS)
_UPDATE_SLOTS = tl.constexpr(UPDATE_SLOTS)


@triton.jit
def _load(address, kind, index, inside):
    # As float32, of the type that the number stands for (addresses.py).
    if kind == 0:
        values = tl.load(address.to(tl.pointer_type(tl.float32)) + index, mask=inside, other=0.0)
    elif kind == 1:
        values = tl.load(address.to(tl.pointer_type(tl.bfloat16)) + index, mask=inside, other=0.0).to(
            tl.float32
        )
    else:
        values = tl.load(address.to(tl.pointer_type(tl.float16)) + index, mask=inside, other=0.0).to(
            tl.float32
        )
    return values


@triton.jit
def gather_rows(table, tensor_of_row, start_of_row, stride_of_row, count_of_row, rows, W: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.arange(0, W)
    tensor = tl.load(tensor_of_row + row)
    address = tl.load(table + 2 * tensor)
    # Where there is no tensor the address is 0, and zeros are what it holds.
    inside = lane < tl.where(address != 0, tl.load(count_of_row + row), 0)
    index = tl.load(start_of_row + row) + lane * tl.load(stride_of_row + row)
    values = _load(address, tl.load(table + 2 * tensor + 1), index, inside)
    tl.store(rows + row * W + lane, values)


# Where corrections come from may change in the middle of a training, and must compile nothing then.
@triton.jit(do_not_specialize=["source"])
def gather_moments(
    table, logarithms, scale_of_row, first_scale, second_scale, source,
    tensor_of_row, start_of_row, stride_of_row, count_of_row, first_rows, second_rows, W: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0)
    is_second = tl.program_id(1)
    lane = tl.arange(0, W)
    tensor = tl.load(tensor_of_row + row)
    address = tl.load(table + 5 * tensor + 2 * is_second)
    inside = lane < tl.where(address != 0, tl.load(count_of_row + row), 0)
    index = tl.load(start_of_row + row) + lane * tl.load(stride_of_row + row)
    values = _load(address, tl.load(table + 5 * tensor + 2 * is_second + 1), index, inside)
    scale = tl.where(is_second == 0, first_scale, second_scale)
    if source == 1:
        scale = tl.load(scale_of_row + 2 * row + is_second)
    if source == 2:
        # 1/(1 − β^t) of a step that only the device knows; one that was skipped corrects nothing.
        counter = tl.load(table + 5 * tensor + 4)
        step = tl.load(counter.to(tl.pointer_type(tl.float32)), mask=counter != 0, other=0.0)
        power = tl.exp(tl.load(logarithms + 2 * tensor + is_second) * step.to(tl.float64))
        scale = tl.where(step > 0, 1.0 / (1.0 - power), 1.0).to(tl.float32)
    place = row * W + lane
    if is_second == 0:
        tl.store(first_rows + place, values * scale)
    else:
        tl.store(second_rows + place, values * scale)


@triton.jit
def _is_finite(x):
    # Neither NaN nor an infinity: their exponent is all ones.
    return (x.to(tl.int32, bitcast=True) & 0x7F800000) != 0x7F800000


@triton.jit
def _how_many(mask):
    return tl.sum(mask.to(tl.int32), 0).to(tl.float64)


@triton.jit
def _total(values):
    return tl.sum(values.to(tl.float64), 0)


@triton.jit
def _squares(values):
    wide = values.to(tl.float64)
    return tl.sum(wide * wide, 0)


@triton.jit
def _add(place, value):
    # Nothing is read behind it, so that nothing need wait for it.
    tl.atomic_add(place, value, sem="relaxed")


@triton.jit
def _raise_to(place, values):
    # Of magnitudes the bits compare as they do, and a NaN's are above infinity's.
    tl.atomic_max(place, tl.max(values.to(tl.int32, bitcast=True), 0), sem="relaxed")


@triton.jit
def _quotient(moment, divisor):
    return tl.where((divisor == 0) & (moment == 0), 0.0, tl.div_rn(moment, divisor))


@triton.jit
def _count_slots(
    values, inside, slots, magnitudes, MAGNITUDES: tl.constexpr, HALVINGS: tl.constexpr, SIZE: tl.constexpr
):
    size = tl.abs(values)
    below = tl.zeros_like(values).to(tl.int32)
    # In halved strides: how many magnitudes are at or below each value.
    for halving in tl.static_range(0, HALVINGS):
        place = below + (1 << (HALVINGS - 1 - halving))
        edge = tl.load(magnitudes + place - 1, mask=place <= MAGNITUDES, other=0.0)
        below = tl.where((place <= MAGNITUDES) & (edge <= size), place, below)
    half: tl.constexpr = (SIZE - 4) // 2
    bin_index = below - (MAGNITUDES - half)
    slot = tl.where(values < 0, half - bin_index, half + 1 + bin_index)
    slot = tl.where(values == 0, SIZE - 2, slot)
    slot = tl.where(_is_finite(values), slot, SIZE - 1)
    tl.atomic_add(slots + slot, 1, mask=inside, sem="relaxed")


# What there is changes from step to step and from optimizer to optimizer: a kernel each would be
# compiled in the middle of a training.
@triton.jit(do_not_specialize=["has_previous", "has_slots", "has_first_rows", "has_second_rows"])
def add_rows(
    layer_of_row, padding_of_row, gradient_rows, previous_rows, used_rows, first_rows, second_rows,
    has_first, has_second, epsilons, gradient_thresholds, second_thresholds,
    sums, maxima, ratio_slots, update_slots, ratio_magnitudes, update_magnitudes, small_update,
    has_previous, has_slots, has_first_rows, has_second_rows,
    RATIO_MAGNITUDES: tl.constexpr, UPDATE_MAGNITUDES: tl.constexpr, W: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0)
    lane = tl.arange(0, W)
    layer = tl.load(layer_of_row + row)
    filled = W - tl.load(padding_of_row + row).to(tl.int32)
    inside = lane < filled
    place = row * W + lane
    into = sums + layer * _COLUMNS
    highest = maxima + layer * _MAXIMA

    gradient = tl.load(gradient_rows + place)
    size = tl.abs(gradient)
    is_finite = _is_finite(gradient)
    _add(into + _COUNT, filled.to(tl.float64))
    _add(into + _GRADIENT_SQUARES, _squares(gradient))
    _add(into + _GRADIENT_NON_FINITE, _how_many(inside & (is_finite == 0)))
    below = size < tl.load(gradient_thresholds + row)
    _add(into + _GRADIENT_BELOW, _how_many(inside & below))
    _raise_to(highest + _GRADIENT_MAX, size)

    if has_previous != 0:
        previous = tl.load(previous_rows + place)
        both = is_finite & _is_finite(previous)
        g = tl.where(both, gradient, 0.0)
        p = tl.where(both, previous, 0.0)
        _add(into + _PAIR_PRODUCT, tl.sum(g.to(tl.float64) * p.to(tl.float64), 0))
        _add(into + _PAIR_SQUARES, _squares(g))
        _add(into + _PAIR_PREVIOUS_SQUARES, _squares(p))
        _add(into + _PAIR_SIGNED, _how_many((g != 0) & (p != 0)))
        _add(into + _PAIR_EQUAL_SIGNS, _how_many((g != 0) & (p != 0) & ((g < 0) == (p < 0))))

    if has_second_rows != 0:
        keeps_second = tl.load(has_second + row)
        if keeps_second > 0:
            epsilon = tl.load(epsilons + row)
            second = tl.load(second_rows + place)
            root = tl.sqrt_rn(second)
            is_variance = _is_finite(second) & (second >= 0)
            _add(into + _MOMENT_COUNT, filled.to(tl.float64))
            _add(into + _ROOT_NON_FINITE, _how_many(inside & (is_variance == 0)))
            below = (second < tl.load(second_thresholds + row)) & (second >= 0)
            _add(into + _ROOT_BELOW, _how_many(inside & below))
            used = tl.load(used_rows + place)
            divisor = tl.maximum(root, epsilon, propagate_nan=tl.PropagateNan.ALL)
            scaled = _quotient(used, divisor)
            _add(into + _SCALED_SQUARES, _squares(tl.where(inside, scaled, 0.0)))
            _add(into + _SCALED_COUNT, filled.to(tl.float64))
            if has_first_rows != 0:
                if tl.load(has_first + row) > 0:
                    first = tl.load(first_rows + place)
                    ratio = _quotient(first, root)
                    update = _quotient(first, root + epsilon)
                    counts = inside & _is_finite(ratio)
                    finite = tl.where(counts, ratio, 0.0)
                    _add(into + _RATIO_COUNT, _how_many(counts))
                    _add(into + _RATIO_SUM, _total(finite))
                    _add(into + _RATIO_SQUARES, _squares(finite))
                    counts = inside & _is_finite(update)
                    finite = tl.where(counts, update, 0.0)
                    _add(into + _UPDATE_COUNT, _how_many(counts))
                    _add(into + _UPDATE_SUM, _total(finite))
                    _add(into + _UPDATE_SQUARES, _squares(finite))
                    small = counts & (tl.abs(finite) < small_update)
                    _add(into + _UPDATE_SMALL, _how_many(small))
                    _raise_to(highest + _UPDATE_MAX, tl.abs(finite))
                    if has_slots != 0:
                        _count_slots(
                            ratio, inside, ratio_slots + layer * _RATIO_SLOTS, ratio_magnitudes,
                            RATIO_MAGNITUDES, 7, _RATIO_SLOTS,
                        )  # fmt: skip
                        _count_slots(
                            update, inside, update_slots + layer * _UPDATE_SLOTS, update_magnitudes,
                            UPDATE_MAGNITUDES, 8, _UPDATE_SLOTS,
                        )  # fmt: skip
