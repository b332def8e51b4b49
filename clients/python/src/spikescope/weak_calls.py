"""Methods that threads and hooks may call without keeping their object alive."""

from __future__ import annotations

import weakref
from typing import Any, Callable


def weak_call(method: Callable[..., Any], otherwise: Callable[[], Any] = lambda: None) -> Callable[..., Any]:
    """Calls the bound method while its object lives; `otherwise` makes the answer of one that does not."""
    reference = weakref.WeakMethod(method)

    def call(*args: Any) -> Any:
        alive = reference()
        return otherwise() if alive is None else alive(*args)

    return call
