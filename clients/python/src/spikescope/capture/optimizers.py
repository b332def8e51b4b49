"""Where each optimizer keeps its moments, and how it corrects their bias.

An adapter is a function (parameter, state, group) → Moments or None. What an optimizer
does not have is left out: SGD and Lion have no second moment, so no u and no r.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, NamedTuple, Optional

import torch

from ..layers import OptimizerInfo


class BiasCorrection(NamedTuple):
    """1/(1 − β^t) of a step count that only the device knows; all of a model's at once, in gather.py."""

    step: torch.Tensor
    beta: float


# A number, a BiasCorrection, or a tensor of one element on the device, which is never waited for.
Scale = Any


class Moments(NamedTuple):
    """Tensors of the parameter's shape. `first · first_scale` is bias-corrected, the second alike."""

    first: torch.Tensor | None = None
    second: torch.Tensor | None = None
    first_scale: Scale = 1.0
    second_scale: Scale = 1.0
    epsilon: float | None = None


Adapter = Callable[[torch.Tensor, Mapping[str, Any], Mapping[str, Any]], Optional[Moments]]


def read_adam(parameter: torch.Tensor, state: Mapping[str, Any], group: Mapping[str, Any]) -> Moments | None:
    """Adam, AdamW and relatives by any name, whose state holds exp_avg and exp_avg_sq."""
    first, second = state.get("exp_avg"), state.get("exp_avg_sq")
    if not isinstance(first, torch.Tensor) or not isinstance(second, torch.Tensor):
        return None
    # AMSGrad divides by the largest second moment so far.
    largest = state.get("max_exp_avg_sq")
    if group.get("amsgrad") and isinstance(largest, torch.Tensor):
        second = largest
    first_scale, second_scale = _corrections(state, group)
    return Moments(first, second, first_scale, second_scale, group.get("eps"))


def read_adafactor(
    parameter: torch.Tensor, state: Mapping[str, Any], group: Mapping[str, Any]
) -> Moments | None:
    """torch's and Hugging Face's: a second moment put together from rows and columns."""
    row = state.get("row_var", state.get("exp_avg_sq_row"))
    column = state.get("col_var", state.get("exp_avg_sq_col"))
    whole = state.get("variance", state.get("exp_avg_sq") if "exp_avg" not in state else None)
    epsilon = _adafactor_epsilon(parameter, group)
    if isinstance(row, torch.Tensor) and isinstance(column, torch.Tensor):
        if "row_var" in state:  # kept with their dimensions
            product = (row / row.mean(dim=-2, keepdim=True).clamp(min=epsilon**2)) @ column
        else:
            product = (row / row.mean(dim=-1, keepdim=True)).unsqueeze(-1) * column.unsqueeze(-2)
        return Moments(second=product, epsilon=epsilon)
    return Moments(second=whole, epsilon=epsilon) if isinstance(whole, torch.Tensor) else None


def read_8bit(parameter: torch.Tensor, state: Mapping[str, Any], group: Mapping[str, Any]) -> Moments | None:
    """Adam of bitsandbytes: two moments in blocks of 8 bits, or in 32 for small parameters."""
    first, second = state.get("state1"), state.get("state2")
    if not isinstance(first, torch.Tensor) or not isinstance(second, torch.Tensor):
        return None
    if first.dtype == torch.uint8:
        first = _dequantize(first, state["qmap1"], state["absmax1"])
        second = _dequantize(second, state["qmap2"], state["absmax2"])
    first_scale, second_scale = _corrections(state, group)
    return Moments(first, second, first_scale, second_scale, group.get("eps"))


ADAPTERS: tuple[Adapter, ...] = (read_adam, read_8bit, read_adafactor)


def read_moments(
    adapter: Adapter | None,
    parameter: torch.Tensor,
    state: Mapping[str, Any],
    group: Mapping[str, Any],
) -> Moments:
    """What the given adapter finds, or the first of the known ones that finds anything."""
    for candidate in (adapter,) if adapter is not None else ADAPTERS:
        found = candidate(parameter, state, group)
        if found is not None:
            return found
    return Moments()


def describe_optimizer(optimizer: Any) -> OptimizerInfo:
    groups = getattr(optimizer, "param_groups", None) or [{}]
    group = groups[0]
    betas = group.get("betas")
    epsilon = group.get("eps")
    if isinstance(epsilon, (tuple, list)):  # Adafactor's are a pair
        epsilon = epsilon[0]
    has_betas = isinstance(betas, (tuple, list)) and len(betas) >= 2
    return OptimizerInfo(
        name=type(optimizer).__name__.lower(),
        beta1=_number(betas[0]) if has_betas else None,
        beta2=_number(betas[1]) if has_betas else None,
        epsilon=_number(epsilon),
        weight_decay=_number(group.get("weight_decay")),
    )


def _dequantize(codes: torch.Tensor, values: torch.Tensor, largest: torch.Tensor) -> torch.Tensor:
    """Each block of a power of two coordinates has a largest magnitude; a code is a share of it."""
    count = codes.numel()
    block = 1
    while block * largest.numel() < count:
        block *= 2
    shares = values.index_select(0, codes.flatten().int())
    padded = torch.nn.functional.pad(shares, (0, block * largest.numel() - count))
    whole = (padded.view(largest.numel(), block) * largest.unsqueeze(1)).flatten()
    return whole[:count].view(codes.shape)


def _corrections(state: Mapping[str, Any], group: Mapping[str, Any]) -> tuple[Scale, Scale]:
    """1/(1−β^t) for both; 1 where the optimizer does not correct."""
    if not group.get("bias_correction", group.get("correct_bias", True)):
        return 1.0, 1.0
    step = state.get("step", group.get("step"))
    betas = group.get("betas")
    if step is None or betas is None:
        return 1.0, 1.0
    if isinstance(step, torch.Tensor):
        if step.device.type != "cpu":
            return BiasCorrection(step, float(betas[0])), BiasCorrection(step, float(betas[1]))
        step = float(step)
    if step <= 0:
        return 1.0, 1.0
    first, second = (1 - float(beta) ** step for beta in betas[:2])
    return (1 / first if first > 0 else 1.0), (1 / second if second > 0 else 1.0)


def _adafactor_epsilon(parameter: torch.Tensor, group: Mapping[str, Any]) -> float:
    epsilon = group.get("eps")
    value = epsilon[0] if isinstance(epsilon, (tuple, list)) else epsilon
    if value is None:
        return float(torch.finfo(parameter.dtype).eps)
    # Hugging Face adds it to g², torch holds √v above it.
    return float(value) ** 0.5 if float(value) < 1e-20 else float(value)


def _number(value: Any) -> float | None:
    if isinstance(value, torch.Tensor):
        return float(value) if value.device.type == "cpu" else None
    return float(value) if isinstance(value, (int, float)) else None
