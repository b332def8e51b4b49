"""The part of a tensor that this process holds, dense and without its graph."""

from __future__ import annotations

from typing import Any

import torch


def to_local(tensor: Any) -> torch.Tensor:
    """This rank's shard of a DTensor; any other tensor as it is."""
    # Nearly all are these, and a view of each, three times a step, costs the loop half a millisecond.
    if type(tensor) is torch.Tensor and not tensor.requires_grad:
        return tensor
    detached = tensor.detach()
    local: torch.Tensor = detached.to_local() if hasattr(detached, "to_local") else detached
    wait = getattr(local, "wait", None)  # an AsyncCollectiveTensor of FSDP2
    return wait() if callable(wait) and hasattr(local, "elem") else local


def read_gradient(parameter: torch.nn.Parameter) -> torch.Tensor | None:
    """Dense: what a sparse gradient leaves out is 0."""
    gradient = parameter.grad
    if gradient is None:
        return None
    local = to_local(gradient)
    return local.to_dense() if local.layout != torch.strided else local


def is_owner(parameter: Any) -> bool:
    """False for a DTensor that another rank of its mesh holds a replica of."""
    mesh = getattr(parameter, "device_mesh", None)
    placements = getattr(parameter, "placements", None)
    if mesh is None or placements is None:
        return True
    coordinate = mesh.get_coordinate()
    if coordinate is None:
        return False
    return all(place.is_shard() or position == 0 for place, position in zip(placements, coordinate))
