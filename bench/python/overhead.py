"""What watching costs a training step: python bench/python/overhead.py [--size small medium large] [--peer]

Trains a GPT of the size on random tokens three ways in turn, in blocks of steps so that drifts of
the machine hit all alike: without anything, with spikescope at its default cadence, and, with
--peer, with wandb.watch (log="all", offline). Prints medians, the spread, and the overhead as the
median of the blocks' own ratios. Nothing is posted: spikescope keeps its run on disk.

On a processor the clock is that of the process, all its threads together: what else runs on the
machine then hardly shows, and work that was moved to a thread of ours still counts. wandb's own
process is not in it. On a graphics card it is the wall's, between synchronizations.

With --max-overhead spikescope finds its cadence in the warm-up of each block. A block should then be
as long as captures with distributions are apart, which is what it prints.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Any, Callable

import torch
from torch import nn

import spikescope
from measured_machine import describe_machine


@dataclass(frozen=True)
class Size:
    width: int
    depth: int
    vocabulary: int
    batch: int
    context: int


SIZES = {
    "small": Size(128, 4, 512, 8, 128),
    "medium": Size(384, 6, 8192, 8, 128),
    "large": Size(768, 12, 50304, 4, 128),
    "350m": Size(1024, 24, 50304, 1, 128),
    "1b": Size(1792, 24, 50304, 1, 128),
}
# Of a graphics card: what one takes between two optimizer steps when many share a batch of
# half a million tokens. Larger batches make longer steps, and the share of watching smaller.
DEVICE_BATCH = {
    "small": (64, 256),
    "medium": (32, 512),
    "large": (16, 1024),
    "350m": (16, 1024),
    "1b": (16, 1024),
}


class Gpt(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.wte = nn.Embedding(size.vocabulary, size.width)
        self.wpe = nn.Embedding(size.context, size.width)
        self.h = nn.ModuleList(
            nn.TransformerEncoderLayer(
                size.width,
                size.width // 64 or 1,
                4 * size.width,
                dropout=0.0,
                batch_first=True,
                norm_first=True,
            )
            for _ in range(size.depth)
        )
        self.ln_f = nn.LayerNorm(size.width)
        self.lm_head = nn.Linear(size.width, size.vocabulary, bias=False)
        self.lm_head.weight = self.wte.weight
        mask = nn.Transformer.generate_square_subsequent_mask(size.context)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        hidden = self.wte(tokens) + self.wpe.weight[: tokens.shape[1]]
        for block in self.h:
            hidden = block(hidden, src_mask=self.mask, is_causal=True)
        return self.lm_head(self.ln_f(hidden))


class Training:
    def __init__(self, size: Size, device: torch.device, *, adamw: str, compiles: bool) -> None:
        torch.manual_seed(0)
        self.size, self.device = size, device
        self.model = Gpt(size).to(device)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=1e-4, betas=(0.9, 0.95), **{adamw: True}
        )
        self.forward = torch.compile(self.model) if compiles else self.model
        self.tokens = torch.randint(0, size.vocabulary, (size.batch, size.context + 1), device=device)
        self.step = 0

    def train_step(self, log: Callable[[torch.Tensor, int], None]) -> None:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits = self.forward(self.tokens[:, :-1])
            loss = nn.functional.cross_entropy(logits.flatten(0, 1).float(), self.tokens[:, 1:].flatten())
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        log(loss, self.step)
        self.step += 1

    def clock(self) -> float:
        if self.device.type != "cuda":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()


def measure(name: str, options: argparse.Namespace, folder: str) -> dict[str, float]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size = SIZES[name]
    if device.type == "cuda":
        batch, context = DEVICE_BATCH[name]
        size = Size(size.width, size.depth, size.vocabulary, batch, context)
    training = Training(size, device, adamw=options.adamw, compiles=options.compile)
    count = sum(parameter.numel() for parameter in training.model.parameters())
    for _ in range(3):
        training.train_step(lambda loss, step: None)
    kinds: list[str] = ["alone", "spikescope", *(["wandb"] if options.peer else [])]
    blocks: dict[str, list[float]] = {kind: [] for kind in kinds}
    warm_up = options.warm_up
    if warm_up is None:
        warm_up = 3 if options.max_overhead is None else 50
    for block in range(options.blocks):
        # Turn about, so that neither always comes first.
        for kind in kinds if block % 2 == 0 else reversed(kinds):
            log, end = begin(kind, training, folder, options)
            # The first of a run makes plans and loads kernels, which a long run does not feel.
            for _ in range(warm_up):
                training.train_step(log)
            started = training.clock()
            for _ in range(options.steps):
                training.train_step(log)
            # On the card, what is still under way; elsewhere the threads' work up to the end.
            if device.type == "cuda":
                blocks[kind].append((training.clock() - started) / options.steps)
            end()
            if device.type != "cuda":
                blocks[kind].append((training.clock() - started) / options.steps)
    how = f"{options.adamw} AdamW{', compiled' if options.compile else ''}"
    print(
        f"\n{name}: {count / 1e6:.1f} M parameters, {size.batch} × {size.context} tokens, "
        f"{device.type}, {how}"
    )
    found = {}
    for kind in kinds:
        ratios = [value / base - 1 for value, base in zip(blocks[kind], blocks["alone"])]
        spread = (max(blocks[kind]) - min(blocks[kind])) / 2
        found[kind] = statistics.median(ratios)
        print(
            f"  {kind:12} {statistics.median(blocks[kind]) * 1e3:9.2f} ms ± {spread * 1e3:.2f}"
            + (
                ""
                if kind == "alone"
                else f"   {found[kind] * 100:+.2f} % (median of {options.blocks} blocks)"
            )
        )
    return found


def begin(
    kind: str, training: Training, folder: str, options: argparse.Namespace
) -> tuple[Callable[[torch.Tensor, int], None], Callable[[], None]]:
    if kind == "alone":
        return (lambda loss, step: None), (lambda: None)
    if kind == "wandb":
        return begin_peer(training, folder)
    run = spikescope.init("bench", mode="offline", directory=folder)
    watch_options: dict[str, Any] = {
        "histograms_every": options.histograms_every,
        "max_overhead": options.max_overhead,
    }
    if options.max_elements is not None:
        watch_options["max_elements"] = options.max_elements or None
    run.watch(training.model, training.optimizer, **watch_options)
    return (lambda loss, step: run.log(loss=loss, step=step)), run.finish


def begin_peer(
    training: Training, folder: str
) -> tuple[Callable[[torch.Tensor, int], None], Callable[[], None]]:
    import wandb

    run = wandb.init(mode="offline", dir=folder, settings=wandb.Settings(silent=True))
    run.watch(training.forward, log="all", log_freq=10)

    def end() -> None:
        run.unwatch(training.forward)
        run.finish()

    return (lambda loss, step: run.log({"loss": loss.item()})), end


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", nargs="*", choices=SIZES, default=["small", "medium"])
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="a block")
    parser.add_argument("--adamw", choices=["foreach", "fused"], default="foreach")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    parser.add_argument("--warm-up", type=int, help="steps before each block, not measured")
    parser.add_argument("--histograms-every", type=int, default=10)
    parser.add_argument("--max-overhead", type=float, help="as of run.watch: 0.01 is one per cent")
    parser.add_argument("--max-elements", type=int, help="0: all")
    parser.add_argument("--peer", action="store_true", help="wandb.watch beside it")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    os.environ.setdefault("WANDB_MODE", "offline")
    print(describe_machine())
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else f"{options.threads} thread(s)"
    print(f"torch {torch.__version__}, {device}")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.size:
            measure(name, options, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
