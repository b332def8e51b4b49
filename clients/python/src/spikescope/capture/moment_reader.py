"""Which moments belong to which tensors, and where they are gathered by torch alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from .gather import Layout
from .layer_plan import PlannedTensor
from .local_tensors import to_local
from .optimizers import Adapter, Moments, read_moments


class MomentReader:
    def __init__(self, optimizers: Sequence[Any], adapter: Adapter | None, epsilon: float) -> None:
        """`epsilon` is of optimizers that have none."""
        self._optimizers = optimizers
        self._adapter = adapter
        self._epsilon = epsilon
        self._groups: dict[int, tuple[Any, Any]] = {}
        self._known_groups: list[tuple[Any, int]] = []

    def forget_groups(self) -> None:
        self._groups.clear()
        self._known_groups = []

    def read(self, tensors: list[PlannedTensor]) -> tuple[list[Moments], list[float], bool]:
        """And whether all moments are the optimizer's own tensors, which stay where they are."""
        groups = self._find_groups()
        moments, epsilons = [], []
        are_kept = True
        for tensor in tensors:
            optimizer, group = groups.get(id(tensor.parameter), (None, None))
            state = {} if optimizer is None else optimizer.state.get(tensor.parameter, {})
            found = read_moments(self._adapter, tensor.parameter, state, group or {}) if state else Moments()
            moments.append(found)
            are_kept = are_kept and _is_state(found, state)
            epsilon = found.epsilon if found.epsilon is not None else (group or {}).get("eps")
            epsilons.append(float(epsilon) if isinstance(epsilon, (int, float)) else self._epsilon)
        return moments, epsilons, are_kept

    def _find_groups(self) -> dict[int, tuple[Any, Any]]:
        # By identity: loading a checkpoint makes all groups anew, of as many parameters as before.
        found = [(group, len(group["params"])) for each in self._optimizers for group in each.param_groups]
        if len(found) != len(self._known_groups) or any(
            group is not known or count != known_count
            for (group, count), (known, known_count) in zip(found, self._known_groups)
        ):
            self._known_groups = found
            self._groups = {
                id(parameter): (optimizer, group)
                for optimizer in self._optimizers
                for group in optimizer.param_groups
                for parameter in group["params"]
            }
        return self._groups


def gather_moments(
    layout: Layout, moments: Sequence[Moments], *, are_kept: bool
) -> tuple[torch.Tensor | None, torch.Tensor]:
    corrections = layout.corrections([(moment.first_scale, moment.second_scale) for moment in moments])
    first = None
    if any(moment.first is not None for moment in moments):
        values = [_local(moment.first) for moment in moments]
        first = layout.gather(values, "first moments" if are_kept else None)
        first *= corrections[0].unsqueeze(1)
    values = [_local(moment.second) for moment in moments]
    second = layout.gather(values, "second moments" if are_kept else None)
    second *= corrections[1].unsqueeze(1)
    return first, second


def _is_state(found: Moments, state: Mapping[str, Any]) -> bool:
    of_state = (state.get("exp_avg"), state.get("exp_avg_sq"))
    return (found.first is None or found.first is of_state[0]) and (
        found.second is None or found.second is of_state[1]
    )


def _local(tensor: torch.Tensor | None) -> torch.Tensor | None:
    return None if tensor is None else to_local(tensor)
