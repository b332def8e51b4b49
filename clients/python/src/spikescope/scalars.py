"""What people pass to log() as numbers by name, without waiting for a device."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Mapping
from typing import Any, Callable, Union

from .wire.frames import METRIC_NAME

# A number, or a function that the outbox's thread calls to get it.
Scalar = Union[float, Callable[[], float]]

# Names that other clients use, and the contract's.
ALIASES = {"lr": "learning_rate", "grad_norm": "gradient_norm"}

_FORBIDDEN = re.compile(r"[^A-Za-z0-9_.:/-]")


def read_scalars(values: Mapping[str, Any], warn: Callable[[str, str], None]) -> dict[str, Scalar]:
    """Flat, with the contract's names; what is no number is left out and said once."""
    scalars: dict[str, Scalar] = {}
    for name, value in _flatten(values):
        scalar = _read_scalar(value)
        if scalar is None:
            kind = type(value).__name__
            warn(f"value {name}", f"{name}: expected a number, got {kind}; it is left out")
        else:
            scalars[clean_name(ALIASES.get(name, name), warn)] = scalar
    return scalars


def clean_name(name: str, warn: Callable[[str, str], None]) -> str:
    if METRIC_NAME.match(name):
        return name
    clean = _FORBIDDEN.sub("_", name)[:128]
    if not METRIC_NAME.match(clean):
        clean = f"_{clean}"[:128]
    warn(f"name {name}", f"{name!r}: names are of A-Z a-z 0-9 _ . : / -; it becomes {clean!r}")
    return clean


def resolve(scalars: Mapping[str, Scalar]) -> dict[str, float]:
    """In the outbox's thread: waits for those that a device still computes."""
    return {name: value() if callable(value) else value for name, value in scalars.items()}


def json_config(config: Any, warn: Callable[[str, str], None]) -> dict[str, Any] | None:
    """A configuration as JSON: namespaces and dataclasses by their fields, the rest as text."""
    if config is None:
        return None
    if not isinstance(config, Mapping):
        config = getattr(config, "__dict__", {"config": config})
    plain = _to_json(config, 0)
    if len(json.dumps(plain)) > 262_144:
        warn("config", "config: expected at most 262144 characters of JSON; it is left out")
        return None
    return plain  # type: ignore[no-any-return]


def _flatten(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            pairs.extend(_flatten(value, f"{prefix}{name}/"))
        else:
            pairs.append((f"{prefix}{name}", value))
    return pairs


def _read_scalar(value: Any) -> Scalar | None:
    """None of what is no number, or cannot say which: that costs no other value of the step."""
    try:
        return _read_number(value)
    except Exception:
        return None


def _read_number(value: Any) -> Scalar | None:
    if isinstance(value, (int, float)):
        return _to_float(value)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        if value.numel() != 1:
            return None
        if value.device.type == "cpu":
            return float(value.detach())
        from .capture.host_copy import copy_scalar

        return copy_scalar(value)
    if isinstance(value, (str, bytes)) or value is None:
        return None
    return float(value)


def _to_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond float64
        return math.inf if value > 0 else -math.inf


def _to_json(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        # JavaScript reads larger ones wrongly.
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth < 16:
        if isinstance(value, Mapping):
            return {str(key): _to_json(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [_to_json(item, depth + 1) for item in value]
        if hasattr(value, "__dataclass_fields__"):
            return {name: _to_json(getattr(value, name), depth + 1) for name in value.__dataclass_fields__}
    return str(value)
