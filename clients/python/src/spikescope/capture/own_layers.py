"""Ranks that each post layers of their own: pipeline stages, or any other sharding by layers.

At watch() all ranks tell each other their layers, once, and each learns where its own lie
in the run. A capture then costs one reduction of one number, the model's gradient norm.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Union

import torch

from ..layers import LayerInfo
from ..run_part import RunPart
from ..transport.shared_run import SharedRun
from .ballots import Vote
from .host_copy import copy_to_host
from .layer_plan import LayerPlan

# "find": behind the layers of earlier ranks; a number: the first layer of this rank's own.
LayerOffset = Union[int, str, None]


@dataclass(frozen=True)
class Claim:
    """What one rank says of itself."""

    rank: int
    run_id: str
    token: str
    layers: Sequence[LayerInfo]
    offset: LayerOffset
    # Holds shards of tensors, or keeps all on disk: then one rank has to post for all.
    must_reduce: bool = False
    max_overhead: float | None = None


@dataclass(frozen=True)
class Place:
    """Where a rank posts which of its layers."""

    first_layer: int
    kept: tuple[int, ...]


@dataclass(frozen=True)
class OwnLayers:
    layers: list[LayerInfo]  # of all ranks
    plan: LayerPlan  # of this rank
    # None: this rank posts nothing, as a replica of another, or everything.
    part: RunPart | None
    norms: NormSum | None
    # The first rank's, for all of them.
    max_overhead: float | None


class NormSum:
    """Σ g² over the ranks that post; all of them begin it on the same optimizer steps."""

    def __init__(self, ranks: Sequence[int]) -> None:
        self._group = torch.distributed.new_group(list(ranks), use_local_synchronization=True)
        self._rank_count = len(ranks)
        self._position = list(ranks).index(torch.distributed.get_rank())
        has_nccl = "nccl" in str(torch.distributed.get_backend(self._group))
        self._device = torch.device("cuda", torch.cuda.current_device()) if has_nccl else torch.device("cpu")

    def begin(
        self, squares: Sequence[torch.Tensor], vote: Vote | None = None
    ) -> tuple[Callable[[], float], Callable[[], Vote] | None]:
        """The functions wait for it: for the sum, and for the most that any rank votes."""
        parts = torch.zeros(1, dtype=torch.float64, device=self._device)
        for part in squares:
            parts += part.sum().to(parts)
        if vote is not None:
            # Each rank has a place of its own, so that a sum brings what all of them say.
            places = torch.zeros(self._rank_count, len(vote), dtype=torch.float64)
            places[self._position] = torch.tensor(vote)
            parts = torch.cat([parts, places.flatten().to(self._device, non_blocking=True)])
        work = torch.distributed.all_reduce(parts, group=self._group, async_op=True)
        if self._device.type == "cuda":
            work.wait()  # the stream waits, the loop does not
            read_parts = copy_to_host(parts)
        else:

            def read_parts() -> torch.Tensor:
                work.wait()
                return parts

        def read() -> float:
            return float(read_parts()[0].item())

        def read_vote() -> Vote:
            return Vote.of(read_parts()[1:].view(self._rank_count, -1).amax(0).tolist())

        return read, None if vote is None else read_vote


def gather_claims(claim: Claim, process_group: Any) -> list[Claim]:
    """Of all ranks of the group, in their order. All must ask."""
    found: list[Any] = [None] * torch.distributed.get_world_size(process_group)
    torch.distributed.all_gather_object(found, claim, group=process_group)
    return found


def make_claim(
    run: Any, plan: LayerPlan, offset: LayerOffset, *, must_reduce: bool, max_overhead: float | None
) -> Claim:
    return Claim(run.rank, run.id, secrets.token_hex(4), plan.layers, offset, must_reduce, max_overhead)


def find_own_layers(claims: Sequence[Claim], own: Claim, plan: LayerPlan, process_group: Any) -> OwnLayers:
    """Raises ValueError, on all ranks alike, where their layers do not make one model."""
    layers, places = place_claims(claims)
    position = next(index for index, claim in enumerate(claims) if claim.token == own.token)
    leader = next((index for index, claim in enumerate(claims) if claim.rank == 0), None)
    place = places[position]
    mine = _keep(plan, place.kept if place is not None else ())
    holders = [index for index, each in enumerate(places) if each is not None]
    posters = holders if leader is None or leader in holders else [leader, *holders]
    # Without rank 0 this is another replica's group; with rank 0 alone there is nothing to share.
    if leader is None or position not in posters or posters == [leader]:
        return OwnLayers(layers, mine, None, None, claims[0].max_overhead)
    store = torch.distributed.PrefixStore(
        f"spikescope/{claims[leader].token}", torch.distributed.distributed_c10d._get_default_store()
    )
    shared = SharedRun(store, is_leader=position == leader, part_count=len(posters) - 1)
    first = place.first_layer if place is not None else 0
    part = RunPart(claims[leader].run_id, first, len(mine.layers), len(layers), shared)
    norms = None
    if place is not None and len(holders) > 1:
        ranks = torch.distributed.get_process_group_ranks(process_group or torch.distributed.group.WORLD)
        norms = NormSum([ranks[index] for index in holders])
    return OwnLayers(layers, mine, part, norms, claims[0].max_overhead)


def place_claims(claims: Sequence[Claim]) -> tuple[list[LayerInfo], list[Place | None]]:
    """The layers of all ranks, and the place of each; None: it has none that another has not."""
    for claim in claims:
        is_number = isinstance(claim.offset, int) and not isinstance(claim.offset, bool) and claim.offset >= 0
        if not is_number and claim.offset != "find":
            raise ValueError(
                f"layer_offset: rank {claim.rank} says {claim.offset!r}, expected 'find' or a number"
            )
    numbered = [isinstance(claim.offset, int) for claim in claims]
    if any(numbered) and not all(numbered):
        raise ValueError("layer_offset: expected a number on all ranks, or 'find' on all")
    return _place_numbered(claims) if all(numbered) else _place_found(claims)


def _place_found(claims: Sequence[Claim]) -> tuple[list[LayerInfo], list[Place | None]]:
    """A tensor that stages share, as tied embeddings, is the first rank's that has it."""
    layers: list[LayerInfo] = []
    taken: set[str] = set()
    places: list[Place | None] = []
    for claim in claims:
        kept = tuple(index for index, layer in enumerate(claim.layers) if layer.name not in taken)
        places.append(Place(len(layers), kept) if kept else None)
        layers.extend(claim.layers[index] for index in kept)
        taken.update(layer.name for layer in claim.layers)
    return layers, places


def _place_numbered(claims: Sequence[Claim]) -> tuple[list[LayerInfo], list[Place | None]]:
    """Replicas say the same offset and layers; the first of them posts."""
    layers: list[LayerInfo] = []
    taken: dict[str, int] = {}
    seen: dict[int, list[str]] = {}
    places: list[Place | None] = [None] * len(claims)
    for position in sorted(range(len(claims)), key=lambda index: (_number(claims[index]), index)):
        claim = claims[position]
        offset, names = _number(claim), [layer.name for layer in claim.layers]
        if not names or seen.get(offset) == names:
            continue
        if offset != len(layers):
            raise ValueError(
                f"layer_offset: the layers of rank {claim.rank} begin at {offset}, expected {len(layers)}, "
                "where those before them end"
            )
        seen[offset] = names
        places[position] = Place(offset, tuple(range(len(names))))
        for layer in claim.layers:
            # Stages that count their blocks from 0 each say the same names.
            count = taken[layer.name] = taken.get(layer.name, 0) + 1
            layers.append(layer if count == 1 else replace(layer, name=f"{layer.name}#{count}"))
    return layers, places


def _number(claim: Claim) -> int:
    return claim.offset if isinstance(claim.offset, int) else 0


def _keep(plan: LayerPlan, kept: Sequence[int]) -> LayerPlan:
    index = {layer: position for position, layer in enumerate(kept)}
    tensors = [replace(tensor, layer=index[tensor.layer]) for tensor in plan.tensors if tensor.layer in index]
    return LayerPlan([plan.layers[layer] for layer in kept], tensors)
