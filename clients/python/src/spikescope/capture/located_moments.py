"""Both moments of all tensors, and by what they are corrected, for the kernel that gathers them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .addresses import Addresses, is_readable, place_of
from .fused_rows import Corrections
from .gather import Layout
from .local_tensors import to_local
from .optimizers import BiasCorrection, Moments, Scale


@dataclass(frozen=True)
class LocatedMoments:
    held: list[torch.Tensor]  # until the kernel is asked for
    table: torch.Tensor  # (T, 5) int64, as fused_rows.gather_moments has it
    corrections: Corrections
    # A pair a tensor, where they are numbers and not all the same.
    pairs: list[tuple[Scale, Scale]] | None = None

    def gather(self, layout: Layout) -> tuple[torch.Tensor, torch.Tensor]:
        corrections = self.corrections
        if self.pairs is not None:
            corrections = Corrections(of_rows=torch.stack(layout.corrections(self.pairs), dim=1).contiguous())
        return layout.gather_moments(self.table, corrections)


class MomentTables:
    def __init__(self, addresses: Addresses, device: torch.device) -> None:
        self._addresses = addresses
        self._device = device
        self._betas: tuple[tuple[float, float], ...] = ()
        self._logarithms: torch.Tensor | None = None

    def locate(self, moments: Sequence[Moments]) -> LocatedMoments | None:
        """None where a moment is of a type, or a correction of a kind, that no kernel reads."""
        values = [(_dense(each.first), _dense(each.second)) for each in moments]
        if not is_readable([value for pair in values for value in pair]):
            return None
        corrections = [(each.first_scale, each.second_scale) for each in moments]
        are_kept = [first is not None or second is not None for first, second in values]
        steps = [self._step_of(pair) if kept else 0 for pair, kept in zip(corrections, are_kept)]
        held = [value for pair in values for value in pair if value is not None]
        numbers: list[int] = []
        for (first, second), step in zip(values, steps):
            if step is None:
                return None
            numbers += (*place_of(first), *place_of(second), step)
        table = self._addresses.upload("moments", numbers, 5)
        if any(steps):
            if not all(steps[index] or _is_none(corrections[index]) for index in range(len(steps))):
                return None
            return LocatedMoments(held, table, Corrections(logarithms=self._find_logarithms(corrections)))
        pairs = {pair for pair, kept in zip(corrections, are_kept) if kept}
        if len(pairs) <= 1:
            return LocatedMoments(held, table, Corrections(of_all=next(iter(pairs), (1.0, 1.0))))
        return LocatedMoments(held, table, Corrections(), corrections)

    def _step_of(self, pair: tuple[Scale, Scale]) -> int | None:
        """The address of a step that only the device knows; 0 of numbers; None of anything else."""
        first, second = pair
        if isinstance(first, BiasCorrection) and isinstance(second, BiasCorrection):
            step = first.step
            is_one = step is second.step and step.numel() == 1 and step.dtype == torch.float32
            return step.data_ptr() if is_one and step.device == self._device else None
        return 0 if all(isinstance(scale, (int, float)) for scale in pair) else None

    def _find_logarithms(self, corrections: Sequence[tuple[Scale, Scale]]) -> torch.Tensor:
        betas = tuple(
            (first.beta, second.beta)
            if isinstance(first, BiasCorrection) and isinstance(second, BiasCorrection)
            else (0.0, 0.0)
            for first, second in corrections
        )
        if self._logarithms is None or betas != self._betas:
            self._betas = betas
            logarithms = [[_log(first), _log(second)] for first, second in betas]
            self._logarithms = torch.tensor(logarithms, dtype=torch.float64).to(self._device)
        return self._logarithms


def _dense(value: torch.Tensor | None) -> torch.Tensor | None:
    return None if value is None else to_local(value).contiguous()


def _is_none(pair: tuple[Scale, Scale]) -> bool:
    return bool(pair[0] == 1 and pair[1] == 1)


def _log(beta: float) -> float:
    return math.log(beta) if beta > 0 else -math.inf
