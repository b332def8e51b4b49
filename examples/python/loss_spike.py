"""Reproduces the instability of Adam on a small GPT, and what the paper proposes against it.

    python examples/python/loss_spike.py                            # it spikes
    python examples/python/loss_spike.py --mitigation epsilon       # ε lowered to 1e-8
    python examples/python/loss_spike.py --mitigation clip          # StableAdamW's update clipping
    python examples/python/loss_spike.py --mitigation reset         # optimizer state reset on the dip

One fixed batch, the noise-free limit of a very large one, and ε at 3e-5: as the gradients shrink,
√v of nearly all coordinates falls below ε and the update goes to 0. Nothing else is done: no
gradient, weight or loss is touched. `reset` listens to the server: it reads each layer's dip of the
ratio as it is computed there.
"""

from __future__ import annotations

import argparse
import http.client
import json
import urllib.request

import torch

import spikescope
from small_gpt import SmallGpt, fixed_batch

WARM_UP = 20
# Of r in a layer: from here on its distribution has two modes (docs/detection.md).
DIP = 0.03
# Exempt is the start: at the first step of Adam every r is ±1, and embeddings keep two modes for long.
FIRST_LOOK = 100
REWARM = 50
# Of the few values of a LayerNorm any distribution has gaps.
SMALLEST_LAYER = 1000


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("steps", nargs="?", type=int, default=500)
    parser.add_argument("--mitigation", choices=("none", "epsilon", "clip", "reset"), default="none")
    parser.add_argument("--epsilon", type=float, default=3e-5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0: its own choice")
    return parser.parse_args()


def clipped_rate(rate: float, parameter: torch.Tensor, state: dict, group: dict) -> float:
    """rate / max(1, RMS_t), with RMS_t of the gradient that is about to be applied.

    Source: Wortsman et al. 2023, Stable and low-precision training, algorithm 2.
    """
    gradient, beta2 = parameter.grad, group["betas"][1]
    square = gradient.square()
    step = int(state["step"]) if state else 0
    average = state["exp_avg_sq"] * beta2 + (1 - beta2) * square if state else (1 - beta2) * square
    corrected = average / (1 - beta2 ** (step + 1))
    rms = (square / corrected.clamp_min(group["eps"] ** 2)).mean().sqrt().item()
    return rate / max(1.0, rms)


class DipListener:
    """The newest dip of r, of the layer where it is largest, from the server."""

    def __init__(self, run: spikescope.Run) -> None:
        self._run = run
        self._is_large: list[bool] = []

    def largest(self, step: int) -> float:
        """0 while the server has nothing to say, or is away: training goes on without it."""
        self._run.flush(5.0)
        if self._run.url is None:
            return 0.0
        query = f"metric=ratio_dip&columns=8&fromStep={step}&toStep={step}"
        try:
            if not self._is_large:
                layers = self._get("")["layers"]
                self._is_large = [layer["parameterCount"] >= SMALLEST_LAYER for layer in layers]
            rows = self._get(f"/heatmap?{query}")["values"]
        except (OSError, http.client.HTTPException, ValueError):
            # Refused, cut off, too slow, or a page that is not the server's.
            return 0.0
        large = [row for row, is_large in zip(rows, self._is_large) if is_large]
        return max((dip for row in large for dip in row if dip is not None), default=0.0)

    def _get(self, path: str) -> dict:
        base, _, run_id = str(self._run.url).rpartition("/runs/")
        with urllib.request.urlopen(f"{base}/api/v1/runs/{run_id}{path}", timeout=5) as reply:
            return json.load(reply)


def main() -> None:
    options = read_options()
    if options.threads > 0:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    model = SmallGpt()
    tokens, targets = fixed_batch(16, options.seed)
    epsilon = 1e-8 if options.mitigation == "epsilon" else options.epsilon
    peak = 3e-3
    optimizer = torch.optim.AdamW(
        # A group each, so that each tensor can have a rate of its own.
        [{"params": [parameter]} for parameter in model.parameters()],
        lr=peak,
        betas=(0.9, 0.95),
        eps=epsilon,
        weight_decay=0.0,
    )
    run = spikescope.init(
        "loss spike", name=options.mitigation, config=vars(options), tags=[options.mitigation]
    )
    run.watch(model, optimizer, histograms_every=1)
    listener = DipListener(run)

    begun = 0
    for step in range(1, options.steps + 1):
        length = REWARM if begun > 0 else WARM_UP
        rate = peak * min(1.0, (step - begun) / length)
        loss = model.loss(tokens, targets)
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            [parameter] = group["params"]
            state = optimizer.state[parameter]
            clips = options.mitigation == "clip"
            group["lr"] = clipped_rate(rate, parameter, state, group) if clips else rate
        optimizer.step()
        run.log(loss=loss, learning_rate=rate, step=step)
        if options.mitigation == "reset" and step - begun > FIRST_LOOK:
            dip = listener.largest(step)
            if dip >= DIP:
                optimizer.state.clear()
                begun = step
                title = f"optimizer state reset at dip {dip:.3f}"
                run.event(title, kind="hyperparameter", step=step, detail="followed by a warm-up of 50 steps")
        if step % 50 == 0:
            print(f"step {step}: loss {loss.item():.4f}", flush=True)
    run.finish()


if __name__ == "__main__":
    main()
