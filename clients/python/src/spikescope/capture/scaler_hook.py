"""Tells of optimizer steps that GradScaler leaves out, for a gradient that is not finite.

No hook of the optimizer runs then. GradScaler overflows in the first steps of most trainings in half
precision, so that without this the first step that is seen would lie behind a log() that was none of it.
"""

from __future__ import annotations

import functools
import weakref
from typing import Any, Protocol

import torch


class Listener(Protocol):
    @property
    def update_count(self) -> int:
        """Of optimizer steps whose hooks ran."""
        ...

    def note_skipped(self, optimizer: Any) -> None: ...


_listeners: weakref.WeakSet[Any] = weakref.WeakSet()
_is_installed = False


def listen(listener: Listener) -> None:
    """`listener.note_skipped(optimizer)` is called from now on, as long as it lives."""
    _install()
    _listeners.add(listener)


def forget(listener: Listener) -> None:
    _listeners.discard(listener)


def _install() -> None:
    global _is_installed
    if _is_installed:
        return
    _is_installed = True
    # Those of CUDA and of FSDP are subclasses, save in torch before 2.3.
    scaler: Any = getattr(torch.amp, "GradScaler", None) or torch.cuda.amp.GradScaler
    original = scaler.step

    @functools.wraps(original)
    def step(self: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling():
            return original(self, optimizer, *args, **kwargs)
        before = [(listener, listener.update_count) for listener in list(_listeners)]
        result = original(self, optimizer, *args, **kwargs)
        for listener, count in before:
            if listener.update_count == count:
                listener.note_skipped(optimizer)
        return result

    scaler.step = step
