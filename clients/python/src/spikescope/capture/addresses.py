"""Where tensors lie, told to kernels that read many of them in one launch.

A kernel is given one table and no list of arguments, so that a model of any number of tensors
is one launch. Tables are sent again only when a tensor lies elsewhere than at the step before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

# What a kernel reads, by the number that stands for it; anything else goes by torch operations.
TYPE_NUMBERS = {torch.float32: 0, torch.bfloat16: 1, torch.float16: 2}


def is_readable(values: Sequence[torch.Tensor | None]) -> bool:
    return all(value is None or value.dtype in TYPE_NUMBERS for value in values)


@dataclass(frozen=True)
class Located:
    """Contiguous tensors, held until the kernels that read them are asked for."""

    values: Sequence[torch.Tensor | None]
    table: torch.Tensor  # (T, 2) int64: address, or 0 where there is no tensor, and type


class Addresses:
    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._kept: dict[str, tuple[list[int], torch.Tensor]] = {}

    def locate(self, name: str, values: Sequence[torch.Tensor | None]) -> Located | None:
        """None where one of them is of a type that no kernel reads."""
        if not is_readable(values):
            return None
        dense = [None if value is None else value.contiguous() for value in values]
        numbers = [number for value in dense for number in place_of(value)]
        return Located(dense, self.upload(name, numbers, 2))

    def upload(self, name: str, numbers: list[int], width: int) -> torch.Tensor:
        """(T, width) int64, kept by name for as long as the numbers stay the same."""
        kept = self._kept.get(name)
        if kept is None or kept[0] != numbers:
            # From pinned memory the loop need not wait for the copy.
            is_pinned = self._device.type == "cuda"
            on_host = torch.tensor(numbers, dtype=torch.int64, pin_memory=is_pinned).view(-1, width)
            kept = self._kept[name] = (numbers, on_host.to(self._device, non_blocking=True))
        return kept[1]

    def forget(self) -> None:
        self._kept.clear()


def place_of(value: torch.Tensor | None) -> tuple[int, int]:
    return (0, 0) if value is None else (value.data_ptr(), TYPE_NUMBERS[value.dtype])
