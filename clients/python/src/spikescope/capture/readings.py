"""Statistics of a capture, on the host, as columns of the contract. Runs in the outbox's thread."""

from __future__ import annotations

import math

import torch

from ..assembly import Reading
from ..wire.buffers import MISSING_FLOAT32_BITS
from ..wire.frames import Histogram, Samples
from .edges import ratio_edges, update_edges
from .statistics import COLUMN, MAXIMA, LayerSums


class Edges:
    """The edges of a run as the wire's bytes, made once."""

    def __init__(self, beta1: float | None, beta2: float | None) -> None:
        self.ratio = ratio_edges(beta1, beta2).tobytes()
        self.update = update_edges().tobytes()


def read_statistics(
    found: LayerSums,
    parameter_counts: torch.Tensor,  # (L,) float64
    edges: Edges,
    *,
    scalars: dict[str, float],
    samples: Samples | None,
    whole_squares: float | None = None,
) -> Reading:
    """Columns of all metrics that any layer has; where a layer has none it is "not reported".

    `whole_squares` is Σ g² of the model where these layers are not all of it.
    """
    if found.is_lacking:
        # A gap; what is left of the layers would be taken for the whole.
        return Reading(scalars=scalars)
    columns = layer_metrics(found, parameter_counts)
    layers = {
        name: _to_bytes(values) for name, values in columns.items() if not bool(_is_missing(values).all())
    }
    histograms: dict[str, Histogram] = {}
    for name, slots, edge_bytes in (
        ("ratio", found.ratio_slots, edges.ratio),
        ("update", found.update_slots, edges.update),
    ):
        if slots is not None and bool((slots != 0).any()):
            histograms[name] = Histogram(
                edge_bytes,
                slots[:, 1:-3].contiguous().numpy().tobytes(),
                torch.cat((slots[:, :1], slots[:, -3:]), dim=1).contiguous().numpy().tobytes(),
            )
    whole = whole_squares
    if whole is None:
        whole = found.sums[:, COLUMN["whole_gradient_squares"]].sum().item()
    if found.sums[:, COLUMN["count"]].sum() > 0 and "gradient_norm" not in scalars and whole != 0:
        scalars = {**scalars, "gradient_norm": math.sqrt(whole) if whole >= 0 else math.nan}
    return Reading(layers=layers, histograms=histograms, scalars=scalars, samples=samples)


def layer_metrics(found: LayerSums, parameter_counts: torch.Tensor) -> dict[str, torch.Tensor]:
    """Metric → (L,) float64, NaN with `_MISSING` where undefined."""
    sums = found.sums.to(torch.float64)
    maxima = found.maxima.to(torch.float64)

    def column(name: str) -> torch.Tensor:
        return sums[:, COLUMN[name]]

    count = column("count")
    has_gradient = count > 0
    sample_rms = (column("gradient_squares") / count).sqrt()
    sample_norm = sample_rms * parameter_counts.sqrt()
    whole_norm = column("whole_gradient_squares").sqrt()
    whole_max = maxima[:, MAXIMA.index("whole_gradient_abs_max")]
    sample_max = maxima[:, MAXIMA.index("gradient_abs_max")]
    # On steps without the largest gradients of whole layers the norm alone says what is finite.
    has_max = column("has_whole_maxima") > 0
    largest = torch.where(has_max, whole_max, whole_norm)
    # float32 norms overflow at 1e19 and vanish at 1e-23; the sample's are of float64.
    is_exact = (whole_norm > 0) & (torch.isfinite(whole_norm) | ~torch.isfinite(largest))
    is_exact |= torch.isnan(whole_norm)
    norm = torch.where(is_exact, whole_norm, sample_norm)
    non_finite = column("gradient_non_finite") / count * parameter_counts
    has_whole = is_exact | (whole_max > 0)
    non_finite = torch.where(has_whole & torch.isfinite(largest), torch.zeros_like(count), non_finite)
    non_finite = torch.where(has_whole & ~torch.isfinite(largest), non_finite.clamp(min=1), non_finite)
    metrics = {
        "gradient_norm": _where(has_gradient, norm),
        "gradient_rms": _where(has_gradient, norm / parameter_counts.sqrt()),
        "gradient_abs_max": _where(
            has_gradient & (has_max | ~is_exact), torch.where(has_max & has_whole, whole_max, sample_max)
        ),
        "gradient_nonfinite_count": _where(has_gradient, non_finite),
        "gradient_below_epsilon_fraction": _where(
            has_gradient, column("gradient_below") / (count - column("gradient_non_finite"))
        ),
    }
    weight = column("whole_weight_squares")
    metrics["weight_norm"] = _where(weight != 0, weight.sqrt())
    moments = column("moment_count")
    metrics["second_moment_below_epsilon_fraction"] = _where(
        moments > 0, column("root_below") / (moments - column("root_non_finite"))
    )
    scaled = column("scaled_count")
    metrics["rms"] = _where(scaled > 0, (column("scaled_squares") / scaled).sqrt())
    updates, ratios = column("update_count"), column("ratio_count")
    has_updates = (column("update_count") > 0) | (column("ratio_count") > 0)
    mean = column("update_sum") / updates
    metrics["update_mean"] = _where(has_updates, mean)
    metrics["update_std"] = _where(has_updates, _std(updates, column("update_sum"), column("update_squares")))
    metrics["update_abs_max"] = _where(
        has_updates, torch.where(updates > 0, maxima[:, MAXIMA.index("update_abs_max")], mean)
    )
    metrics["update_small_fraction"] = _where(has_updates, column("update_small") / updates)
    metrics["ratio_std"] = _where(has_updates, _std(ratios, column("ratio_sum"), column("ratio_squares")))
    lengths = column("pair_squares").sqrt() * column("pair_previous_squares").sqrt()
    cosine = (column("pair_product") / lengths).clamp(-1, 1)
    metrics["gradient_cosine"] = _where(lengths > 0, cosine)
    signed = column("pair_signed")
    metrics["gradient_sign_agreement"] = _where(signed > 0, column("pair_equal_signs") / signed)
    return metrics


# Stands for "not reported" among float64; a NaN of training must stay one.
_MISSING = -1.7e308


def _where(condition: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    return torch.where(condition, values, torch.full_like(values, _MISSING))


def _is_missing(values: torch.Tensor) -> torch.Tensor:
    return values == _MISSING


def _std(count: torch.Tensor, total: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
    mean = total / count
    return (squares / count - mean * mean).clamp(min=0).sqrt()


def _to_bytes(values: torch.Tensor) -> bytes:
    missing = _is_missing(values)
    packed = torch.where(missing, torch.zeros_like(values), values).to(torch.float32)
    bits = packed.view(torch.int32)
    bits[missing] = MISSING_FLOAT32_BITS
    return bytes(bits.numpy().tobytes())
