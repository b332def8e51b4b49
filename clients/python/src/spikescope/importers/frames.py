"""A recording's steps as frames of the contract."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from ..capture.edges import update_edges
from ..wire.buffers import float32_bytes, uint32_bytes
from ..wire.frames import Frame, Histogram
from .observations import Attempt, Bins
from .plan import Plan
from .rebin import norm, rebin, root_mean_square

# Sixteen bins a decade from 1e-12 to 10, on both sides of 0: a distribution of gradients or
# weights of any size keeps its shape. The same as of the update u.
EDGES = update_edges()
# What a distribution says besides: name → metrics, exact where the source kept Σx².
EXACT = {"gradient": ("gradient_norm", "gradient_rms"), "weight": ("weight_norm",)}
FROM_BINS = "_from_bins"


def make_frames(attempt: Attempt, plan: Plan) -> Iterator[Frame]:
    """Ascending in steps. Layers that a step says nothing of are missing in it."""
    for step in attempt.steps():
        frame = make_frame(attempt, plan, step)
        if frame is not None:
            yield frame


def make_frame(attempt: Attempt, plan: Plan, step: int) -> Frame | None:
    """None where nothing of the step has a place."""
    scalars: dict[str, float] = {}
    metrics: dict[str, list[float | None]] = {}
    for name, place in plan.values.items():
        column = attempt.values.get(name)
        value = column.at.get(step) if column is not None else None
        if value is None:
            continue
        if place.layer is None:
            scalars[place.target] = value
        else:
            _set(metrics, place.target, place.layer, value, plan)
    found: dict[str, dict[int, Bins]] = {}
    for name, place in plan.bins.items():
        bins = attempt.bins.get(name, {}).get(step)
        if bins is not None and place.layer is not None:
            found.setdefault(place.target, {})[place.layer] = bins
    for target, by_layer in found.items():
        for layer, bins in by_layer.items():
            for metric, value in _measure(target, bins):
                # A number that the job logged itself stands.
                if metric not in metrics or metrics[metric][layer] is None:
                    _set(metrics, metric, layer, value, plan)
    if not scalars and not metrics and not found:
        return None
    return Frame(
        step=step,
        wall_time=attempt.wall_times.get(step),
        scalars=scalars,
        layer_count=len(plan.layers),
        layers={name: float32_bytes(values) for name, values in metrics.items()},
        histograms={name: _histogram(by_layer, plan) for name, by_layer in found.items()},
    )


def _set(metrics: dict[str, list[float | None]], metric: str, layer: int, value: float, plan: Plan) -> None:
    metrics.setdefault(metric, [None] * len(plan.layers))[layer] = value


def _measure(target: str, bins: Bins) -> Iterator[tuple[str, float]]:
    suffix = "" if bins.sum_of_squares is not None else FROM_BINS
    for metric in EXACT.get(target, ()):
        value = root_mean_square(bins) if metric.endswith("_rms") else norm(bins)
        if value is not None:
            yield metric + suffix, value
    if target == "gradient" and bins.minimum is not None and bins.maximum is not None:
        yield "gradient_abs_max", max(abs(bins.minimum), abs(bins.maximum))


def _histogram(by_layer: dict[int, Bins], plan: Plan) -> Histogram:
    bin_count = len(EDGES) - 1
    counts, outside = array("I"), array("I")
    for layer in range(len(plan.layers)):
        bins = by_layer.get(layer)
        if bins is None:
            counts.extend([0] * bin_count)
            outside.extend((0, 0, 0, 0))
        else:
            row = rebin(bins, EDGES)
            counts.extend(row.counts)
            outside.extend(row.outside)
    return Histogram(float32_bytes(EDGES), uint32_bytes(counts), uint32_bytes(outside))
