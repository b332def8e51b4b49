"""What a run says of its layers and its optimizer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

# Each field of an optimizer under the names that people give it, the contract's first.
OPTIMIZER_FIELDS = {
    "name": ("name",),
    "beta1": ("beta1",),
    "beta2": ("beta2",),
    "epsilon": ("epsilon", "eps"),
    "weight_decay": ("weight_decay", "weightDecay"),
}


@dataclass(frozen=True)
class LayerInfo:
    name: str
    parameter_count: int
    kind: str | None = None
    depth: int | None = None
    shape: tuple[int, ...] | None = None

    @classmethod
    def of(cls, layer: Any) -> LayerInfo:
        """From itself, a mapping in either spelling, or a pair (name, parameter count)."""
        if isinstance(layer, cls):
            return layer
        if isinstance(layer, Mapping):
            count = layer.get("parameter_count", layer.get("parameterCount"))
            return cls(
                str(layer["name"]), int(count or 1), layer.get("kind"), layer.get("depth"), layer.get("shape")
            )
        name, count = layer
        return cls(str(name), int(count))

    def to_json(self) -> dict[str, Any]:
        json: dict[str, Any] = {"name": self.name[:512], "parameterCount": max(1, self.parameter_count)}
        if self.kind is not None:
            json["kind"] = self.kind[:64]
        if self.depth is not None:
            json["depth"] = self.depth
        if self.shape is not None and len(self.shape) <= 16:
            json["shape"] = list(self.shape)
        return json


@dataclass(frozen=True)
class OptimizerInfo:
    """None is left out: what an optimizer does not have is not invented."""

    name: str
    beta1: float | None = None
    beta2: float | None = None
    epsilon: float | None = None
    weight_decay: float | None = None

    @classmethod
    def of_mapping(cls, values: Mapping[str, Any], say: Callable[[str, str], None]) -> OptimizerInfo:
        """What of it is no field, or has no number, is left out and said."""
        found: dict[str, Any] = {}
        known: set[str] = set()
        for field, names in OPTIMIZER_FIELDS.items():
            known.update(names)
            value = next((values[name] for name in names if values.get(name) is not None), None)
            if value is None or field == "name":
                found[field] = value
                continue
            try:
                found[field] = float(value)
            except (TypeError, ValueError):
                say(
                    f"optimizer.{field}",
                    f"optimizer.{field}: expected a number, got {value!r}; it is left out",
                )
        unknown = sorted(str(name) for name in values.keys() - known)
        if unknown:
            say(
                "optimizer fields",
                f"optimizer: {', '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} left out; "
                f"expected {', '.join(OPTIMIZER_FIELDS)}. config= takes anything",
            )
        name = found.pop("name")
        return cls("unknown" if name is None else str(name), **found)

    def to_json(self) -> dict[str, Any]:
        json: dict[str, Any] = {"name": self.name[:64] or "unknown"}
        fields = {
            "beta1": self.beta1,
            "beta2": self.beta2,
            "epsilon": self.epsilon,
            "weightDecay": self.weight_decay,
        }
        for key, value in fields.items():
            if value is not None and math.isfinite(float(value)):
                json[key] = float(value)
        return json
