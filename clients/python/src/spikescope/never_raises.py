"""What stands between this client and the training loop that calls it."""

from __future__ import annotations

import functools
from typing import Any, Callable, Protocol, TypeVar

from . import exits
from .transport.notices import Notices


class Guarded(Protocol):
    _notices: Notices

    @property
    def is_mine(self) -> bool: ...


Owner = TypeVar("Owner", bound=Guarded)
Result = TypeVar("Result")


def never_raises(method: Callable[..., Result]) -> Callable[..., Any]:
    """A fault of this client, or of what it was given, is said once; training goes on."""

    @functools.wraps(method)
    def call(self: Owner, *args: Any, **kwargs: Any) -> Any:
        if not self.is_mine:
            return None
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            self._notices.say(
                f"{method.__name__} {type(error).__name__}",
                f"{method.__name__}() failed and was passed over: {type(error).__name__}: {error}",
            )
            return None
        finally:
            exits.end_deferred()

    return call
