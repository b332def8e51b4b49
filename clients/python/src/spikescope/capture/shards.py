"""Models whose parts lie on different ranks: FSDP, tensor and pipeline parallelism, ZeRO.

Each rank computes sufficient statistics of what it holds; one reduction a capture adds
them up. All ranks reduce on the same optimizer steps, in a process group of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from ..layers import LayerInfo
from .ballots import Vote
from .host_copy import copy_to_host, read_later
from .layer_plan import LayerPlan
from .local_tensors import is_owner, to_local
from .statistics import LayerSums


class Shards:
    def __init__(self, group: Any = None, held: set[int] | None = None) -> None:
        self._group = group
        # With ZeRO-1 all ranks see all gradients, and each keeps the moments of some.
        self._held = held
        self.is_sharded = group is not None
        backend = "" if group is None else str(torch.distributed.get_backend(group))
        self.device = (
            torch.device("cuda", torch.cuda.current_device()) if "nccl" in backend else torch.device("cpu")
        )

    @staticmethod
    def has_ranks() -> bool:
        distributed = torch.distributed
        is_initialized = distributed.is_available() and distributed.is_initialized()
        return bool(is_initialized and distributed.get_world_size() > 1)

    @classmethod
    def of_group(cls, process_group: Any) -> Shards:
        """Shards of what the ranks of a group hold together; None: all ranks."""
        if process_group is None:
            return cls(torch.distributed.new_group())
        ranks = torch.distributed.get_process_group_ranks(process_group)
        return cls(torch.distributed.new_group(ranks, use_local_synchronization=True))

    @classmethod
    def find(cls, model: Any, optimizers: Sequence[Any], wanted: bool | None) -> Shards:
        """All ranks must ask alike. Replicas (DDP) are no shards: rank 0 sees all."""
        if not cls.has_ranks():
            return cls()
        distributed = torch.distributed
        zero = [each.optim for each in optimizers if type(each).__name__ == "ZeroRedundancyOptimizer"]
        if zero and wanted is not False:
            held = {id(p) for each in zero for group in each.param_groups for p in group["params"]}
            return cls(distributed.new_group(), held)
        is_sharded = looks_sharded(model) if wanted is None else wanted
        return cls(distributed.new_group()) if is_sharded else cls()

    def element_counter(self, named: Sequence[tuple[str, Any]]) -> Callable[[Any], int]:
        """How many elements a parameter has over all ranks."""
        if not self.is_sharded:
            return lambda parameter: int(parameter.numel())
        local = {name: self._owned_count(parameter) for name, parameter in named}
        totals: dict[str, int] = {}
        for counts in self._gather(local):
            for name, count in counts.items():
                totals[name] = totals.get(name, 0) + count
        of_parameter = {id(parameter): totals[name] for name, parameter in named}
        return lambda parameter: of_parameter[id(parameter)]

    def merge_plan(self, plan: LayerPlan) -> LayerPlan:
        """The layers of all ranks, those of earlier ranks first."""
        if not self.is_sharded:
            return plan
        merged: dict[str, LayerInfo] = {}
        for layers in self._gather(plan.layers):
            for layer in layers:
                known = merged.setdefault(layer.name, layer)
                if known.shape != layer.shape:
                    # Of FSDP1 each rank sees the shape of its own shard.
                    merged[layer.name] = replace(known, shape=None)
        index = {name: position for position, name in enumerate(merged)}
        tensors = [
            replace(
                tensor,
                layer=index[plan.layers[tensor.layer].name],
                is_owned=self._is_owner(tensor.parameter),
            )
            for tensor in plan.tensors
        ]
        return LayerPlan(list(merged.values()), tensors)

    def of_first(self, value: Any) -> Any:
        """What the first rank says, where ranks were told different things."""
        return self._gather(value)[0] if self.is_sharded else value

    def reduce(
        self, local: LayerSums, vote: Vote | None = None
    ) -> tuple[Callable[[], LayerSums], Callable[[], Vote] | None]:
        """Begins the reduction; the functions wait: for the sums, and for the most that any rank votes."""
        slots = [part for part in (local.ratio_slots, local.update_slots) if part is not None]
        sums = torch.cat([local.sums, *(part.to(local.sums.dtype) for part in slots)], dim=1)
        # Magnitudes compare as their bits do, and so NaN beats infinity, as in amax.
        largest = local.maxima.contiguous().view(torch.int32).clone()
        layer_count = len(largest)
        if vote is not None:
            row = torch.zeros(1, largest.shape[1], dtype=torch.int32)
            row[0, : len(vote)] = torch.tensor(vote)
            largest = torch.cat([largest, row.to(largest.device, non_blocking=True)])
        operation = torch.distributed.ReduceOp
        works = [
            torch.distributed.all_reduce(sums, operation.SUM, group=self._group, async_op=True),
            torch.distributed.all_reduce(largest, operation.MAX, group=self._group, async_op=True),
        ]
        widths = [local.sums.shape[1], *(part.shape[1] for part in slots)]

        def split() -> LayerSums:
            columns = sums.split(widths, dim=1)
            counts = [column.to(torch.int32).contiguous() for column in columns[1:]]
            return LayerSums(columns[0].contiguous(), largest[:layer_count].view(torch.float32), *counts)

        if self.device.type == "cuda":
            for work in works:
                work.wait()  # the stream waits, the loop does not
            read_sums = read_later(split())
            if vote is None:
                return read_sums, None
            read_row = copy_to_host(largest[layer_count])
            return read_sums, lambda: Vote.of(read_row().tolist())

        def read() -> LayerSums:
            for work in works:
                work.wait()
            return split()

        def read_vote() -> Vote:
            works[1].wait()
            return Vote.of(largest[layer_count].tolist())

        return read, None if vote is None else read_vote

    def _is_owner(self, parameter: Any) -> bool:
        if self._held is not None:
            return id(parameter) in self._held
        return is_owner(parameter)

    def _owned_count(self, parameter: Any) -> int:
        return int(to_local(parameter).numel()) if self._is_owner(parameter) else 0

    def _gather(self, value: Any) -> list[Any]:
        found: list[Any] = [None] * torch.distributed.get_world_size(self._group)
        torch.distributed.all_gather_object(found, value, group=self._group)
        return found


def looks_sharded(model: Any) -> bool:
    models = model if isinstance(model, (list, tuple)) else [model]
    for part in models:
        for module in part.modules():
            if type(module).__name__ == "FullyShardedDataParallel":
                return True
        for parameter in part.parameters():
            placements = getattr(parameter, "placements", ())
            if any(place.is_shard() for place in placements):
                return True
    return False
