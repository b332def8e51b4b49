"""Tells of gradients that are about to be clipped.

torch.nn.utils.clip_grad_norm_ and clip_grad_value_ change gradients in place, and nothing
in torch announces it. Both look up what they need in their module, so replacing that
reaches callers who imported the functions earlier, Accelerate's and Lightning's among them.
FSDP1 has a method of its own for it.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable, Optional

import torch
import torch.nn.utils.clip_grad as clip_grad


@dataclass(frozen=True)
class NormFactor:
    """What all gradients are multiplied by, computed when and where it is used.

    Of a norm that is ours alone: the loop may reduce its own over ranks before the update.
    """

    total_norm: torch.Tensor
    max_norm: float

    def compute(self) -> torch.Tensor:
        """As torch.nn.utils computes it."""
        return torch.clamp(self.max_norm / (self.total_norm + 1e-6), max=1.0)


# What all gradients are about to be multiplied by, or None where that is not one number.
ClipFactor = Callable[[], Optional[NormFactor]]
# Called with the parameters whose gradients are about to change.
BeforeClip = Callable[[list[torch.Tensor], ClipFactor], None]

_listeners: weakref.WeakSet[Any] = weakref.WeakSet()
_is_installed = False
_is_installed_in_fsdp = False


def listen(listener: Any) -> None:
    """`listener.before_clip(parameters, factor)` is called from now on, as long as it lives."""
    _install()
    _install_in_fsdp()
    _listeners.add(listener)


def forget(listener: Any) -> None:
    _listeners.discard(listener)


def _install() -> None:
    global _is_installed
    if _is_installed:
        return
    _is_installed = True
    _wrap("_clip_grads_with_norm_", _norm_factor)
    if not hasattr(clip_grad, "_clip_grads_with_norm_"):  # torch before 2.6
        _wrap("clip_grad_norm_")
    _wrap("clip_grad_value_")


def _install_in_fsdp() -> None:
    """Only where the job has imported it: that takes a while."""
    global _is_installed_in_fsdp
    module = sys.modules.get("torch.distributed.fsdp.fully_sharded_data_parallel")
    wrapper = getattr(module, "FullyShardedDataParallel", None)
    if wrapper is None or _is_installed_in_fsdp:
        return
    _is_installed_in_fsdp = True
    original = wrapper.clip_grad_norm_

    @functools.wraps(original)
    def clip(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _listeners:
            # Its factor is of the norm over all ranks.
            _announce(self.parameters(), _no_factor)
        return original(self, *args, **kwargs)

    wrapper.clip_grad_norm_ = clip


def _norm_factor(max_norm: float, total_norm: torch.Tensor, *_: Any, **__: Any) -> NormFactor | None:
    """A DTensor's norm is left to whoever gathers."""
    if type(total_norm) is not torch.Tensor:
        return None
    return NormFactor(total_norm.detach().clone(), max_norm)


def _no_factor(*_: Any, **__: Any) -> NormFactor | None:
    return None


def _wrap(name: str, factor: Callable[..., NormFactor | None] = _no_factor) -> None:
    original: Callable[..., Any] | None = getattr(clip_grad, name, None)
    if original is None:
        return

    @functools.wraps(original)
    def clip(parameters: Any, *args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling() or not _listeners:
            return original(parameters, *args, **kwargs)
        listed = [parameters] if isinstance(parameters, torch.Tensor) else list(parameters)
        _announce(listed, functools.partial(factor, *args, **kwargs))
        return original(listed, *args, **kwargs)

    setattr(clip_grad, name, clip)
    # torch.nn.utils has it under its public name, which need not be the module's.
    for alias in (name, name.lstrip("_")):
        if getattr(torch.nn.utils, alias, None) is original:
            setattr(torch.nn.utils, alias, clip)


def _announce(parameters: Iterable[torch.Tensor], factor: ClipFactor) -> None:
    listed = list(parameters)
    for listener in list(_listeners):
        listener.before_clip(listed, factor)
