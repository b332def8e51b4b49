"""A training that one broken batch ruins for good, and its twin that does what the server advises.

    python examples/python/advised_loop.py              # the loss leaps at step 180 and never comes back
    python examples/python/advised_loop.py --listen     # it goes back, leaves the batches out, goes on

The loss of a batch is divided by how many tokens of it count, and in the batch of step 180 next to none
does: its gradient is a million times too large, while the loss that is logged looks like any other.
Adam's v holds that gradient for thousands of steps, and updates are next to nothing for as long.

No advice is made up here, and the job does not know of the batch: what is done comes from the server's
detectors by way of `on_advice`, once the loss has not come back for 50 steps.
"""

from __future__ import annotations

import argparse
import copy

import torch

import spikescope
from small_gpt import SmallGpt, fixed_batch
from spikescope.advice import AdviceItem
from spikescope.mitigate import Mitigator

BROKEN_STEP = 180
SAVE_EVERY = 20
# A step takes ten milliseconds here. Where it takes a second, what `log` tells comes in time by itself.
ASK_EVERY = 5
LAST_STEPS = 20


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("steps", nargs="?", type=int, default=320)
    parser.add_argument("--listen", action="store_true", help="do what is advised")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


class Job:
    """Model and optimizer, and what was saved of them."""

    def __init__(self, options: argparse.Namespace) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(options.seed)
        self._options = options
        self._model = SmallGpt(depth=2, width=32)
        self._optimizer = torch.optim.AdamW(
            self._model.parameters(), lr=5e-3, betas=(0.9, 0.999), weight_decay=0.0
        )
        self._saved: dict[int, tuple[dict, dict]] = {}
        self._going_back: AdviceItem | None = None
        self.losses: list[float] = []
        self._run = self._open(None)

    def train(self) -> None:
        step = 0
        while step < self._options.steps:
            step += 1
            self._train_step(step)
            if step % SAVE_EVERY == 0:
                self._save(step)
            if self._options.listen and step % ASK_EVERY == 0:
                self._run.sync_advice(60)
            if self._going_back is not None:
                step = self._go_back(self._going_back)
        self._run.finish()

    def _train_step(self, step: int) -> None:
        tokens, targets = fixed_batch(8, 1000 * self._options.seed + step)
        loss = self._model.loss(tokens, targets)
        self._optimizer.zero_grad()
        (loss * (1e6 if step == BROKEN_STEP else 1.0)).backward()
        if not self._mitigator.should_skip(step):
            self._optimizer.step()
        self._run.log(loss=loss, learning_rate=5e-3 * self._mitigator.rate_factor, step=step)
        self.losses.append(loss.item())
        if step % 20 == 0:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)

    def _open(self, resume: int | None) -> spikescope.Run:
        """The run, or the next attempt of it that begins at `resume`."""
        run = spikescope.init(
            "advised loop",
            id=None if resume is None else self._run.id,
            name="listens" if self._options.listen else "does not listen",
            config=vars(self._options),
            resume=resume,
        )
        run.watch(self._model, self._optimizer)
        self._mitigator = Mitigator(run, self._optimizer, rewind=self._note_rewind)
        if self._options.listen:
            run.on_advice(self._mitigator)
        return run

    def _save(self, step: int) -> None:
        state = self._model.state_dict(), self._optimizer.state_dict()
        self._saved[step] = copy.deepcopy(state)
        self._run.event(f"after step {step}", kind="checkpoint", step=step)

    def _note_rewind(self, item: AdviceItem) -> None:
        # Not at once: this is called from within log() or sync_advice() of the run that it ends.
        self._going_back = item

    def _go_back(self, item: AdviceItem) -> int:
        """The step that was saved last before what comes is trained again."""
        self._going_back = None
        saved = item.checkpoint_step
        assert saved is not None
        print(f"going back to step {saved}: {item.reason}", flush=True)
        weights, state = copy.deepcopy(self._saved[saved])
        self._run.finish("stopped")
        self._model.load_state_dict(weights)
        self._optimizer.load_state_dict(state)
        self._run = self._open(saved + 1)
        return saved


def main() -> None:
    job = Job(read_options())
    job.train()
    last = job.losses[-LAST_STEPS:]
    print(f"mean loss of the last {LAST_STEPS} steps: {sum(last) / len(last):.4f}")


if __name__ == "__main__":
    main()
