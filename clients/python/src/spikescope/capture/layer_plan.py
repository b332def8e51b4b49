"""Which tensors make which layer, by what names, and which of their coordinates are read.

A layer is one parameter tensor, one module, or whatever a pattern puts together. Its
coordinates are every p-th from a seeded start, p prime: every coordinate is as likely as
any other, a step that divides a row's length cannot walk down one column, and strided
views of all tensors are gathered by one kernel, where index lists would need one each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, Union

import torch

from ..layers import LayerInfo

# "tensor", "module", a pattern whose first group (or whole match) names the layer, or a
# function of the parameter's name; None leaves the parameter out.
Grouping = Union[str, "re.Pattern[str]", Callable[[str], Optional[str]]]

_WRAPPERS = re.compile(r"(^|\.)(module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)(?=\.)")
_DEPTH = re.compile(r"\.(\d+)\.")
# Checked in this order; the words that models on the Hub are made of.
_KINDS = (
    ("norm", re.compile(r"norm|(^|[._])ln(_|\d|\.|$)", re.IGNORECASE)),
    ("embedding", re.compile(r"emb|(^|\.)wte|(^|\.)wpe", re.IGNORECASE)),
    ("head", re.compile(r"head|(^|\.)output(\.|$)|classifier", re.IGNORECASE)),
    ("attention", re.compile(r"attn|attention|(^|\.)[qkvo]_?proj|qkv", re.IGNORECASE)),
    ("mlp", re.compile(r"mlp|ffn|feed_forward|fc\d?|dense|gate|up_proj|down_proj|experts?", re.IGNORECASE)),
    ("convolution", re.compile(r"conv", re.IGNORECASE)),
)


@dataclass
class PlannedTensor:
    name: str
    parameter: torch.nn.Parameter
    layer: int
    stride: int
    offset: int
    # False for a replica whose twin on another rank reports it.
    is_owned: bool = True

    def sample_count(self, element_count: int) -> int:
        return max(0, -(-(element_count - self.offset) // self.stride))


@dataclass
class LayerPlan:
    layers: list[LayerInfo]
    tensors: list[PlannedTensor]
    by_parameter: dict[int, PlannedTensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_parameter = {id(tensor.parameter): tensor for tensor in self.tensors}

    def adopt(self, named: Iterable[tuple[str, torch.nn.Parameter]], grouping: Grouping) -> list[str]:
        """Adds parameters to the layers that their names give; returns those without one."""
        of_name = {layer.name: index for index, layer in enumerate(self.layers)}
        homeless = []
        for name, parameter in named:
            if id(parameter) in self.by_parameter:
                continue
            layer = of_name.get(group_name(name, grouping) or "")
            if layer is None:
                homeless.append(name)
                continue
            twin = next(tensor for tensor in self.tensors if tensor.layer == layer)
            added = PlannedTensor(name, parameter, layer, twin.stride, twin.offset)
            self.tensors.append(added)
            self.by_parameter[id(parameter)] = added
        return homeless


def clean_parameter_name(name: str) -> str:
    """Without what DDP, FSDP, torch.compile and checkpointing wrap around a module."""
    previous = None
    while previous != name:
        previous, name = name, _WRAPPERS.sub(r"\1", name).replace("..", ".").lstrip(".")
    return name


def name_parameters(model: Any, optimizers: Sequence[Any]) -> list[tuple[str, torch.nn.Parameter]]:
    """Trainable parameters in the model's order, then those that only an optimizer knows.

    Masters that an optimizer keeps in float32 beside a half-precision model take the
    model's names, where their count and shapes agree.
    """
    models = model if isinstance(model, (list, tuple)) else [model]
    named: dict[int, tuple[str, torch.nn.Parameter]] = {}
    taken: set[str] = set()
    for part in models:
        for name, parameter in part.named_parameters():
            clean = _unique(clean_parameter_name(name), taken)
            named[id(parameter)] = (clean, parameter)
    held = [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
    if not held:
        return [entry for entry in named.values() if entry[1].requires_grad]
    held_ids = {id(parameter) for parameter in held}
    trainable = [entry for key, entry in named.items() if key in held_ids or entry[1].requires_grad]
    unknown = [parameter for parameter in held if id(parameter) not in named]
    if unknown and len(unknown) == len(trainable) and not held_ids & set(named):  # noqa: SIM102
        if all(a.shape == b.shape for a, (_, b) in zip(unknown, trainable)):
            return [(name, master) for (name, _), master in zip(trainable, unknown)]
    extra = [(_unique(f"parameter.{index}", taken), parameter) for index, parameter in enumerate(unknown)]
    return [*trainable, *extra]


def group_name(name: str, grouping: Grouping) -> str | None:
    if callable(grouping):
        return grouping(name)
    if grouping == "tensor":
        return name
    if grouping == "module":
        return name.rpartition(".")[0] or name
    match = re.search(grouping, name)
    if match is None:
        return None
    return match.group(1) if match.re.groups else match.group(0)


def make_layer_plan(
    named: Iterable[tuple[str, torch.nn.Parameter]],
    *,
    grouping: Grouping,
    max_elements: int | None,
    seed: int,
    count_elements: Callable[[torch.nn.Parameter], int] = lambda parameter: parameter.numel(),
) -> LayerPlan:
    """`count_elements` says how many a parameter has over all ranks."""
    members: dict[str, list[tuple[str, torch.nn.Parameter]]] = {}
    for name, parameter in named:
        layer = group_name(name, grouping)
        if layer is not None:
            members.setdefault(layer, []).append((name, parameter))
    layers: list[LayerInfo] = []
    tensors: list[PlannedTensor] = []
    for layer, parts in members.items():
        total = sum(count_elements(parameter) for _, parameter in parts)
        stride = find_stride(total, max_elements)
        is_whole = len(parts) == 1 and parts[0][1].numel() == total
        shape = tuple(parts[0][1].shape) if is_whole else None
        for part, parameter in parts:
            offset = _offset(seed, part, stride)
            tensors.append(PlannedTensor(part, parameter, len(layers), stride, offset))
        layers.append(LayerInfo(layer, max(1, total), find_kind(layer), find_depth(layer), shape))
    return LayerPlan(layers, tensors)


def find_stride(element_count: int, max_elements: int | None) -> int:
    """1 for all; else the smallest prime that leaves at most `max_elements`."""
    if max_elements is None or element_count <= max_elements:
        return 1
    stride = -(-element_count // max(1, max_elements))
    while not _is_prime(stride):
        stride += 1
    return stride


def find_kind(name: str) -> str | None:
    return next((kind for kind, pattern in _KINDS if pattern.search(name)), None)


def find_depth(name: str) -> int | None:
    match = _DEPTH.search(f".{name}.")
    return int(match.group(1)) if match else None


def _offset(seed: int, name: str, stride: int) -> int:
    """The same in every process and at every restart, other than hash()."""
    value = seed & 0xFFFFFFFF
    for byte in name.encode():
        value = (value * 16777619 ^ byte) & 0xFFFFFFFF  # FNV-1
    return value % stride


def _is_prime(number: int) -> bool:
    if number < 4:
        return number >= 2
    if number % 2 == 0:
        return False
    return all(number % divisor for divisor in range(3, int(number**0.5) + 1, 2))


def _unique(name: str, taken: set[str]) -> str:
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}#{count}"
    taken.add(candidate)
    return candidate
