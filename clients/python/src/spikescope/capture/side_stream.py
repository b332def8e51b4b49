"""Arithmetic of a capture beside the training's own work, and not between it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch


class StreamBeside:
    """A stream of the device's own for what the loop never waits for.

    A capture is some hundred small operations, none of which fills a card. In the loop's
    stream the next step would wait for each of them; beside it they run while it does.
    """

    def __init__(self, device: torch.device, note_span: Callable[[Any, Any], None] | None = None) -> None:
        """`note_span` is told two timing events, before and behind the work."""
        self._device = device
        self._note_span = note_span
        self._stream: torch.cuda.Stream | None = None

    @contextmanager
    def after_current(self, tensors: Sequence[torch.Tensor]) -> Iterator[None]:
        """What is asked for inside follows what was asked for before; it may read these tensors."""
        if self._device.type != "cuda":
            yield
            return
        if self._stream is None:
            self._stream = torch.cuda.Stream(self._device)
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        for tensor in tensors:
            tensor.record_stream(self._stream)
        with torch.cuda.stream(self._stream):
            start = self._mark()
            yield
            if self._note_span is not None:
                self._note_span(start, self._mark())

    def _mark(self) -> Any:
        if self._note_span is None:
            return None
        event = torch.cuda.Event(enable_timing=True)
        event.record(self._stream)
        return event
