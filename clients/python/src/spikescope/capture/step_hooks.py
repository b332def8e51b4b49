"""What stands between an optimizer and whoever watches its steps."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Callable

import torch

# Takes the optimizer's index among several, and whether its step was handed a closure.
StepHook = Callable[[int, bool], None]


def hook_steps(optimizer: Any, index: int, before: StepHook, after: StepHook) -> list[Any]:
    """Handles of both hooks. An optimizer outlives a run: what is given must not keep the run alive."""
    return [
        optimizer.register_step_pre_hook(functools.partial(_call, before, index)),
        optimizer.register_step_post_hook(functools.partial(_call, after, index)),
    ]


def _call(hook: StepHook, index: int, _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    # Inside a compiled step nothing of ours may be traced: it would break the graph, and
    # with fullgraph=True the training.
    if torch.compiler.is_compiling():
        return
    # The first of what `step` was called with is the optimizer, as the method has it.
    hook(index, any(callable(each) for each in (*args[1:2], kwargs.get("closure"))))


def is_capturing_graph() -> bool:
    """Inside a CUDA graph nothing new may be launched, and steps are replayed without us."""
    return bool(torch.cuda.is_available() and torch.cuda.is_current_stream_capturing())


def pending_unscale(optimizer: Any) -> torch.Tensor | None:
    """What GradScaler leaves for a fused optimizer to divide gradients by."""
    scale = getattr(optimizer, "grad_scale", None)
    return scale if isinstance(scale, torch.Tensor) else None


def as_list(optimizer: Any) -> list[Any]:
    if optimizer is None:
        return []
    return list(optimizer) if isinstance(optimizer, (list, tuple)) else [optimizer]


def unwrap_optimizer(optimizer: Any) -> Any:
    """Accelerate, Lightning and ZeRO wrap the optimizer that steps."""
    for name in ("optimizer", "optim"):
        inner = getattr(optimizer, name, None)
        if hasattr(inner, "register_step_pre_hook"):
            return unwrap_optimizer(inner)
    return optimizer
