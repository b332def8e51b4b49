"""Which recorded name becomes which scalar, or which metric of which layer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..scalars import clean_name
from .observations import ImportFault, Recording
from .record_files import Say

# The first of these that a recording has becomes the standard scalar.
STANDARD_NAMES: Mapping[str, tuple[str, ...]] = {
    "loss": (
        "loss",
        "train/loss",
        "train_loss",
        "Loss/train",
        "loss/train",
        "training/loss",
        "train/lm_loss",
        "lm loss",
        "lm_loss",
        "lm-loss-training/lm loss",
        "train_loss_step",
        "train/CrossEntropyLoss",
    ),
    "learning_rate": (
        "learning_rate",
        "lr",
        "learning rate",
        "train/learning_rate",
        "train/lr",
        "learning-rate/learning-rate",
        "optim/learning_rate_group0",
        "lr-AdamW",
        "lr-Adam",
    ),
    "gradient_norm": (
        "gradient_norm",
        "grad_norm",
        "grad norm",
        "train/grad_norm",
        "grad-norm/grad-norm",
        "optim/total_grad_norm",
        "grad_2.0_norm_total",
    ),
}


@dataclass(frozen=True)
class LayerRule:
    """Names that match `pattern`, whose group `layer` is the layer."""

    pattern: re.Pattern[str]
    # Of numbers: the layer metric. Of distributions: the histogram's name.
    target: str


# Lightning's grad_norm, OLMo's optimizer metrics, and what people write by hand.
SCALAR_RULES = (
    LayerRule(re.compile(r"(?:grad|gradient)s?_norms?[/.](?P<layer>.+)"), "gradient_norm"),
    LayerRule(re.compile(r"grad_2\.0_norm[/.](?P<layer>.+)"), "gradient_norm"),
    LayerRule(re.compile(r"grad/(?P<layer>.+)\.norm"), "gradient_norm"),
    LayerRule(re.compile(r"(?:param|parameter|weight)s?_norms?[/.](?P<layer>.+)"), "weight_norm"),
    LayerRule(re.compile(r"param/(?P<layer>.+)\.norm"), "weight_norm"),
)
# wandb.watch, and the usual loops over named_parameters().
BIN_RULES = (
    LayerRule(re.compile(r"(?:grad|gradient)s?/(?P<layer>.+)"), "gradient"),
    LayerRule(re.compile(r"(?P<layer>.+)[./](?:grad|gradient)s?"), "gradient"),
    LayerRule(re.compile(r"(?:param|parameter|weight)s?/(?P<layer>.+)"), "weight"),
)
WORDS = frozenset(("scalars", "layers", "histograms", "drop", "step", "wall_time"))


@dataclass(frozen=True)
class NameMapping:
    """A person's own rules, which come before ours."""

    scalars: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[LayerRule, ...] = ()
    histograms: tuple[LayerRule, ...] = ()
    drop: tuple[re.Pattern[str], ...] = ()
    step: str | None = None
    wall_time: str | None = None


@dataclass(frozen=True)
class Place:
    """Where one recorded name goes."""

    target: str
    layer: int | None


@dataclass
class Plan:
    layers: list[str] = field(default_factory=list)
    parameter_counts: dict[int, int] = field(default_factory=dict)
    values: dict[str, Place] = field(default_factory=dict)
    bins: dict[str, Place] = field(default_factory=dict)

    def has_histograms(self) -> bool:
        return bool(self.bins)


def make_plan(recording: Recording, mapping: NameMapping, say: Say) -> Plan:
    """Layers are numbered in the order in which the recording names them."""
    plan = Plan()
    kept = [name for name in recording.value_names() if not _is_dropped(name, mapping)]
    standard = _standard_names(kept, mapping)
    taken: dict[str, str] = {}
    for name in kept:
        rule, layer = _match(name, (*mapping.layers, *SCALAR_RULES))
        if name in mapping.scalars or name in standard or rule is None:
            target = mapping.scalars.get(name) or standard.get(name)
            target = target or clean_name(name, lambda *_: None)
            if target in taken:
                say(f"{name!r} and {taken[target]!r} would both be {target!r}; the latter is kept")
                continue
            taken[target] = name
            plan.values[name] = Place(target, None)
        else:
            plan.values[name] = Place(rule.target, _number(plan, layer))
    for name in recording.bin_names():
        if _is_dropped(name, mapping):
            continue
        rule, layer = _match(name, (*mapping.histograms, *BIN_RULES))
        if rule is None:
            say(f"distribution {name!r}: no rule says of which layer it is; it is left out (see --map)")
            continue
        number = _number(plan, layer)
        plan.bins[name] = Place(rule.target, number)
        _count_parameters(plan, recording, name, number)
    return plan


def _standard_names(names: Sequence[str], mapping: NameMapping) -> dict[str, str]:
    there = frozenset(names)
    mapped = frozenset(mapping.scalars.values())
    standard: dict[str, str] = {}
    for target, candidates in STANDARD_NAMES.items():
        found = next((name for name in candidates if name in there), None)
        if target not in mapped and found is not None and found not in mapping.scalars:
            standard[found] = target
    return standard


def is_clock(mapping: NameMapping, name: str) -> bool:
    """Whether a name's steps tell a restart: that of the loss."""
    return mapping.scalars.get(name) == "loss" or name in STANDARD_NAMES["loss"]


def _match(name: str, rules: Sequence[LayerRule]) -> tuple[LayerRule | None, str]:
    for rule in rules:
        found = rule.pattern.fullmatch(name)
        if found is not None:
            return rule, found["layer"]
    return None, ""


def _is_dropped(name: str, mapping: NameMapping) -> bool:
    return any(pattern.fullmatch(name) for pattern in mapping.drop)


def _number(plan: Plan, layer: str) -> int:
    name = layer[:512]
    if name not in plan.layers:
        plan.layers.append(name)
    return plan.layers.index(name)


def _count_parameters(plan: Plan, recording: Recording, name: str, layer: int) -> None:
    for attempt in recording.attempts:
        for bins in attempt.bins.get(name, {}).values():
            count = round(bins.total)
            plan.parameter_counts[layer] = max(plan.parameter_counts.get(layer, 1), count)
            return


def read_mapping(path: Path) -> NameMapping:
    """Of a JSON file; raises ImportFault naming the field that is wrong."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ImportFault(f"{path}: {error}") from None
    if not isinstance(value, dict):
        raise ImportFault(f"{path}: expected an object with any of {', '.join(sorted(WORDS))}")
    unknown = sorted(set(value) - WORDS)
    if unknown:
        raise ImportFault(f"{path}: {unknown[0]}: expected any of {', '.join(sorted(WORDS))}")
    scalars = value.get("scalars", {})
    if not isinstance(scalars, dict) or not all(isinstance(name, str) for name in scalars.values()):
        raise ImportFault(f"{path}: scalars: expected an object of names, as in {{'train/loss': 'loss'}}")
    return NameMapping(
        scalars=scalars,
        layers=_read_rules(path, "layers", "metric", value),
        histograms=_read_rules(path, "histograms", "name", value),
        drop=tuple(_pattern(path, "drop", each) for each in _list(path, "drop", value)),
        step=_word(path, "step", value),
        wall_time=_word(path, "wall_time", value),
    )


def _read_rules(path: Path, key: str, target: str, value: Mapping[str, Any]) -> tuple[LayerRule, ...]:
    rules = []
    for index, entry in enumerate(_list(path, key, value)):
        where = f"{key}[{index}]"
        if not isinstance(entry, dict) or not isinstance(entry.get(target), str):
            raise ImportFault(f"{path}: {where}: expected an object with “pattern” and “{target}”")
        pattern = _pattern(path, f"{where}.pattern", entry.get("pattern"))
        if "layer" not in pattern.groupindex:
            got = pattern.pattern
            raise ImportFault(f"{path}: {where}.pattern: expected a group (?P<layer>…), got {got!r}")
        rules.append(LayerRule(pattern, entry[target]))
    return tuple(rules)


def _list(path: Path, key: str, value: Mapping[str, Any]) -> list[Any]:
    found = value.get(key, [])
    if not isinstance(found, list):
        raise ImportFault(f"{path}: {key}: expected a list, got {type(found).__name__}")
    return found


def _word(path: Path, key: str, value: Mapping[str, Any]) -> str | None:
    found = value.get(key)
    if found is not None and not isinstance(found, str):
        raise ImportFault(f"{path}: {key}: expected the name of a column, got {found!r}")
    return found


def _pattern(path: Path, where: str, value: Any) -> re.Pattern[str]:
    try:
        return re.compile(value)
    except (re.error, TypeError) as error:
        raise ImportFault(f"{path}: {where}: expected a regular expression: {error}") from None
