"""Arithmetic of a capture beside the training's own work, and not between it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch


class StreamBeside:
    """A stream of the device's own for what the loop never waits for.

    A capture is some hundred small operations, none of which fills a card. In the loop's
    stream the next step would wait for each of them; beside it they run while it does.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
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
            yield
