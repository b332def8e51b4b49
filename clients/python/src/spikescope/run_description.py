"""What a run says of itself when it is opened, and how that is read from what the job gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .layers import LayerInfo, OptimizerInfo
from .scalars import json_config
from .settings import Settings
from .transport.notices import Notices

EVENT_KINDS = ("checkpoint", "batch_skip", "learning_rate", "hyperparameter", "note")


def read_config(config: Any, notices: Notices) -> Any:
    return notices.read_or_say("config", "values that have a text", lambda: json_config(config, notices.say))


def read_optimizer(optimizer: Mapping[str, Any] | None, notices: Notices) -> OptimizerInfo | None:
    if optimizer is None:
        return None
    return notices.read_or_say(
        "optimizer", "a mapping with a name", lambda: OptimizerInfo.of_mapping(optimizer, notices.say)
    )


def read_layers(layers: Sequence[Any] | None, notices: Notices) -> list[LayerInfo] | None:
    if layers is None:
        return None
    return notices.read_or_say(
        "layers",
        "a list of mappings with name and parameter_count",
        lambda: [LayerInfo.of(layer) for layer in layers],
    )


def make_create(
    settings: Settings, config: Any, optimizer: OptimizerInfo | None, layers: Sequence[LayerInfo]
) -> dict[str, Any]:
    """The post that opens a run."""
    create: dict[str, Any] = {
        "project": settings.project,
        "id": settings.run_id,
        "optimizer": (optimizer or OptimizerInfo("unknown")).to_json(),
        "layers": [layer.to_json() for layer in layers],
    }
    if settings.name is not None:
        create["name"] = settings.name
    if settings.tags:
        create["tags"] = list(settings.tags)
    if config is not None:
        create["config"] = config
    return create


def make_event(
    title: str, notices: Notices, *, kind: str, step: int, detail: str | None, id: str | None
) -> dict[str, Any]:
    if kind not in EVENT_KINDS:
        notices.say(f"event {kind}", f"event kind {kind!r}: expected one of {', '.join(EVENT_KINDS)}")
        kind = "note"
    event: dict[str, Any] = {"step": step, "kind": kind, "title": str(title)[:256] or kind}
    if detail is not None:
        event["detail"] = str(detail)[:65_536]
    if id is not None:
        event["id"] = id
    return event
