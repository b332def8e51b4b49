"""One rank of a gloo job: trains the same model whole, replicated, sharded and in stages.

Run by test_distributed.py as `python distributed_job.py RANK WORLD STORE URL`.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import nn

import spikescope
from spikescope.capture.overhead_budget import OverheadBudget

STEPS = 6
CPU = torch.device("cpu")


def make_model() -> nn.Sequential:
    torch.manual_seed(7)
    return nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 40, bias=False), nn.LayerNorm(40))


def batch(step: int) -> torch.Tensor:
    return torch.randn(16, 32, generator=torch.Generator().manual_seed(step))


def loss_of(output: torch.Tensor) -> torch.Tensor:
    return (output - 0.3).square().mean() + output.abs().mean()


def start(run_id: str, model, optimizer, rank: int, **options):
    run = spikescope.init("distributed", id=run_id, url=URL, directory=f"kept-{rank}", rank=rank)
    options.setdefault("max_elements", None)
    assert run.watch(model, optimizer, histograms_every=2, **options) is not None
    return run


def train_whole(rank: int, world: int) -> None:
    """The reference: one process."""
    if rank != 0:
        return
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    run = start("whole", model, optimizer, rank, sharded=False)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss_of(model(batch(step))).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        run.log(loss=0.0, step=step)
    run.finish(timeout=60)


def train_ddp(rank: int, world: int, run_id: str = "ddp", **options) -> None:
    model = nn.parallel.DistributedDataParallel(make_model())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    run = start(run_id, model, optimizer, rank, **options)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss_of(model(batch(step).chunk(world)[rank])).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        run.log(loss=0.0, step=step)
    run.finish(timeout=60)


def train_fsdp2(rank: int, world: int, run_id: str = "fsdp2", **options) -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh("cpu", (world,))
    model = make_model()
    for layer in (model[0], model[2]):
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    run = start(run_id, model, optimizer, rank, **options)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss_of(model(batch(step).chunk(world)[rank])).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        run.log(loss=0.0, step=step)
    run.finish(timeout=60)


def train_fsdp1(rank: int, world: int) -> None:
    from torch.distributed.fsdp import FullyShardedDataParallel

    model = make_model()
    for index in (0, 2):
        model[index] = FullyShardedDataParallel(model[index], use_orig_params=True, device_id=CPU)
    model = FullyShardedDataParallel(model, use_orig_params=True, device_id=CPU)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    run = start("fsdp1", model, optimizer, rank)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss_of(model(batch(step).chunk(world)[rank])).backward()
        model.clip_grad_norm_(0.5)
        optimizer.step()
        run.log(loss=0.0, step=step)
    run.finish(timeout=60)


def train_stages(rank: int, world: int) -> None:
    """A pipeline of two stages, whose statistics are reduced."""
    train_pipeline("stages", rank, sharded=True)


def train_own(rank: int, world: int) -> None:
    """The same, and each rank posts its own layers, found by asking the others."""
    train_pipeline("own", rank, layer_offset="find")


def train_numbered(rank: int, world: int) -> None:
    """Each rank says itself where its layers begin: those of the second stage first."""
    group = dist.new_group([0, 1])
    train_pipeline("numbered", rank, layer_offset=[3, 0][rank], process_group=group)


def train_again(rank: int, world: int) -> None:
    """Comes back from a checkpoint of step 3 under its own name."""
    train_pipeline("again", rank, layer_offset="find")
    train_pipeline("again", rank, layer_offset="find", first_step=3)


def train_replicas(rank: int, world: int) -> None:
    """Ranks that hold the same layers: the first of them posts."""
    train_ddp(rank, world, run_id="replicas", layer_offset="find")


def train_shards(rank: int, world: int) -> None:
    """Sharded tensors have no layers of one rank's own: they are reduced, and that is said."""
    train_fsdp2(rank, world, run_id="shards", layer_offset="find")


def train_paced(rank: int, world: int) -> None:
    """Shards whose second rank wants captures to be five times as rare; the first alone has the limit."""
    with a_rank_that_wants(5 if rank == 1 else 1):
        train_fsdp2(rank, world, run_id="paced", max_overhead=0.5 if rank == 0 else None)


def train_paced_stages(rank: int, world: int) -> None:
    """The same of stages that post their own layers."""
    with a_rank_that_wants(5 if rank == 1 else 1):
        train_pipeline("paced-stages", rank, layer_offset="find", max_overhead=0.5 if rank == 0 else None)


@contextlib.contextmanager
def a_rank_that_wants(factor: int):
    original = OverheadBudget.propose
    OverheadBudget.propose = lambda self, current: factor
    try:
        yield
    finally:
        OverheadBudget.propose = original


def train_pipeline(run_id: str, rank: int, *, first_step: int = 0, **options) -> None:
    whole = make_model()
    half = [0, 2]
    stage = nn.ModuleDict({str(half[rank]): whole[half[rank]]})
    if rank == 1:
        stage["3"] = whole[3]
    optimizer = torch.optim.AdamW(stage.parameters(), lr=1e-2, betas=(0.9, 0.95))
    run = start(run_id, stage, optimizer, rank, **options)
    for step in range(first_step, STEPS):
        optimizer.zero_grad()
        if rank == 0:
            hidden = torch.relu(stage["0"](batch(step)))
            dist.send(hidden.detach(), 1)
            gradient = torch.empty_like(hidden)
            dist.recv(gradient, 1)
            hidden.backward(gradient)
        else:
            hidden = torch.empty(16, 64)
            dist.recv(hidden, 0)
            hidden.requires_grad_(True)
            loss_of(stage["3"](stage["2"](hidden))).backward()
            dist.send(hidden.grad, 0)
        clip_together(stage, 0.5)
        optimizer.step()
        # Only the last stage knows the loss.
        run.log(*([{"loss": 0.0}] if rank == 1 or "sharded" in options else []), step=step)
    run.finish(timeout=60)


def clip_together(stage: nn.Module, limit: float) -> None:
    gradients = [p.grad for p in stage.parameters()]
    total = torch.stack([g.square().sum() for g in gradients]).sum()
    dist.all_reduce(total)
    torch.nn.utils.clip_grads_with_norm_(stage.parameters(), limit, total.sqrt())


def train_zero(rank: int, world: int) -> None:
    """ZeRO-1: all gradients on every rank, the moments of each parameter on one."""
    from torch.distributed.optim import ZeroRedundancyOptimizer

    model = nn.parallel.DistributedDataParallel(make_model())
    optimizer = ZeroRedundancyOptimizer(model.parameters(), torch.optim.AdamW, lr=1e-2, betas=(0.9, 0.95))
    run = start("zero", model, optimizer, rank)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss_of(model(batch(step).chunk(world)[rank])).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        run.log(loss=0.0, step=step)
    run.finish(timeout=60)


JOBS = {
    "whole": train_whole,
    "ddp": train_ddp,
    "fsdp2": train_fsdp2,
    "fsdp1": train_fsdp1,
    "stages": train_stages,
    "zero": train_zero,
    "own": train_own,
    "numbered": train_numbered,
    "again": train_again,
    "replicas": train_replicas,
    "shards": train_shards,
    "paced": train_paced,
    "paced-stages": train_paced_stages,
}


def main() -> int:
    rank, world = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        store=dist.FileStore(sys.argv[3], world),
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=120),
    )
    failed = 0
    for name, train in JOBS.items():
        try:
            train(rank, world)
        except Exception:  # noqa: BLE001
            traceback.print_exc()
            print(f"{name} failed", flush=True)
            failed = 1
        dist.barrier()
    dist.destroy_process_group()
    return failed


if __name__ == "__main__":
    URL = sys.argv[4]
    sys.exit(main())
