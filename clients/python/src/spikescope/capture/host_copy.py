"""Copies from a device that nobody waits for until the outbox's thread reads them."""

from __future__ import annotations

from typing import Any, Callable

import torch

from .statistics import LayerSums


def copy_scalar(value: torch.Tensor) -> Callable[[], float]:
    """A tensor of one element as a function that waits for it."""
    read = copy_to_host(value.detach().reshape(1))
    return lambda: float(read().item())


def copy_to_host(tensor: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Begins the copy on the current stream; the function waits for it and returns it."""
    if tensor.device.type == "cpu":
        return lambda: tensor
    if tensor.device.type != "cuda":
        copied = tensor.to("cpu", non_blocking=True)
        module: Any = getattr(torch, tensor.device.type, None)
        if module is not None and hasattr(module, "synchronize"):

            def wait_for_all() -> torch.Tensor:
                module.synchronize()
                return copied

            return wait_for_all
        return lambda: copied
    # Pinned, or the driver copies it through a buffer of its own and the loop waits.
    host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    host.copy_(tensor, non_blocking=True)
    event = torch.cuda.Event()
    event.record(torch.cuda.current_stream(tensor.device))

    def wait() -> torch.Tensor:
        event.synchronize()
        return host

    return wait


def read_later(sums: LayerSums) -> Callable[[], LayerSums]:
    """Begins the one copy to the host that a capture makes."""
    if sums.sums.device.type == "cpu":
        return lambda: sums
    layer_count, wide = len(sums.sums), sums.sums.dtype
    has_histograms = sums.ratio_slots is not None
    wait = copy_to_host(sums.in_one_piece())
    return lambda: LayerSums.over(wait(), layer_count, wide, has_histograms=has_histograms)
