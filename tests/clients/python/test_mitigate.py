"""Advice done to real optimizers; nothing here comes from a server."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import pytest

from spikescope.advice import AdviceItem, AdvisedLayer
from spikescope.transport.notices import Notices

torch = pytest.importorskip("torch")
mitigate = pytest.importorskip("spikescope.mitigate")


class FakeRun:
    """What a Mitigator needs of a run."""

    def __init__(self) -> None:
        self.watched = None
        self.events: list[tuple[str, str, str]] = []

    def event(self, title, *, kind, detail, id):
        self.events.append((kind, id, title))


def an_item(action, **fields):
    known = {"id": f"1-{action}-x", "severity": "warn", "reason": "seen", "caveat": "", "since_step": 1}
    return AdviceItem(action=action, **{**known, **fields})


def make(optimizer_class=None, *, seed=0, lr=1e-2, **options):
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 4))
    optimizer_class = optimizer_class or torch.optim.AdamW
    optimizer = optimizer_class(
        model.parameters(), lr=lr, **({} if optimizer_class is torch.optim.SGD else BETAS)
    )
    said: list[str] = []
    run = FakeRun()
    layers = {name: [parameter] for name, parameter in model.named_parameters()}
    mitigator = mitigate.Mitigator(run, optimizer, layers=layers, notices=Notices(said.append), **options)
    return model, optimizer, mitigator, run, said


BETAS = {"betas": (0.9, 0.99), "weight_decay": 0.0}


def train(model, optimizer, steps=1, scale=1.0, seed=1):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        x = torch.randn(16, 8, generator=generator)
        optimizer.zero_grad()
        (scale * (model(x) - x[:, :4]).square().mean()).backward()
        optimizer.step()


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()]).clone()


def move_of(model, optimizer, **options):
    before = weights(model)
    train(model, optimizer, **options)
    return weights(model) - before


def test_without_advice_nothing_is_changed():
    model, optimizer, mitigator, run, _ = make()
    train(model, optimizer, 5)
    torch.manual_seed(0)
    twin, plain, *_ = make()
    assert torch.equal(weights(model), weights(model))
    train(twin, plain, 5)
    assert torch.equal(weights(twin), weights(model))
    assert not mitigator.should_skip(3)
    assert run.events == []


def test_the_rate_is_lowered_for_some_steps_and_the_schedule_sees_nothing_of_it():
    model, optimizer, mitigator, run, _ = make(torch.optim.SGD)
    twin, plain, *_ = make(torch.optim.SGD)
    mitigator(an_item("lower_learning_rate", factor=0.1, for_steps=2))
    assert mitigator.rate_factor == pytest.approx(0.1)
    slow, usual = move_of(model, optimizer), move_of(twin, plain)
    # To what float32 tells of a difference of weights.
    assert torch.allclose(slow, 0.1 * usual, atol=1e-7)
    assert optimizer.param_groups[0]["lr"] == 1e-2
    train(model, optimizer)
    assert mitigator.rate_factor == 1.0
    assert run.events == [("learning_rate", "1-lower_learning_rate-x", "learning rate × 0.1 for 2 steps")]


def test_factors_for_good_multiply_and_of_passing_ones_the_lowest_holds():
    _, _, mitigator, _, _ = make()
    mitigator(an_item("lower_learning_rate", factor=0.75))
    mitigator(an_item("lower_learning_rate", factor=0.8))
    assert mitigator.rate_factor == pytest.approx(0.6)
    mitigator(an_item("lower_learning_rate", factor=0.5, for_steps=3))
    mitigator(an_item("lower_learning_rate", factor=0.1, for_steps=3))
    assert mitigator.rate_factor == pytest.approx(0.06)


def test_an_update_beyond_its_history_is_clipped_by_its_rms():
    model, optimizer, mitigator, run, _ = make()
    twin, plain, *_ = make()
    for each in ((model, optimizer), (twin, plain)):
        train(*each, 30)
    mitigator(an_item("clip_updates", value=1.0))
    assert torch.equal(weights(model), weights(twin))
    clipped = move_of(model, optimizer, scale=1e3)
    burst = move_of(twin, plain, scale=1e3)
    # RMS of a gradient that outweighs a history of 30 steps, with v bias-corrected.
    rms = math.sqrt((1 - 0.99**31) / (1 - 0.99))
    assert float(clipped.norm() / burst.norm()) == pytest.approx(1 / rms, rel=0.05)
    assert run.events[0][:2] == ("hyperparameter", "1-clip_updates-x")


def test_clipping_leaves_a_healthy_update_nearly_alone():
    model, optimizer, mitigator, _, _ = make()
    twin, plain, *_ = make()
    for each in ((model, optimizer), (twin, plain)):
        train(*each, 200)
    mitigator.clip_updates(1.0)
    ours, theirs = move_of(model, optimizer), move_of(twin, plain)
    assert 0.6 < ours.norm() / theirs.norm() <= 1.0


def test_an_optimizer_without_a_second_moment_is_not_clipped_and_goes_on():
    model, optimizer, mitigator, _, _ = make(torch.optim.SGD)
    twin, plain, *_ = make(torch.optim.SGD)
    mitigator.clip_updates(1.0)
    assert torch.equal(move_of(model, optimizer), move_of(twin, plain))


def test_the_state_of_named_layers_is_reset_and_warmed_up_again():
    model, optimizer, mitigator, _, _ = make()
    train(model, optimizer, 20)
    first = next(model.parameters())
    layers = (AdvisedLayer(0, "0.weight"),)
    mitigator(an_item("reset_optimizer_state", layers=layers, for_steps=10))
    assert len(optimizer.state[first]) == 0
    before = first.detach().clone()
    train(model, optimizer)
    # The first update of Adam is ± the rate on every coordinate; a tenth of it was let through.
    assert torch.allclose((first - before).abs(), torch.tensor(1e-3), rtol=1e-2)
    assert int(optimizer.state[first]["step"]) == 1
    others = [parameter for parameter in model.parameters() if parameter is not first]
    assert all(int(optimizer.state[parameter]["step"]) == 21 for parameter in others)
    train(model, optimizer, 10)
    assert mitigator._warm_ups == {}


def test_updates_of_the_advised_steps_are_left_out():
    _, _, mitigator, run, _ = make()
    mitigator(an_item("skip_batch", skip_steps=(7, 9)))
    assert [step for step in range(5, 12) if mitigator.should_skip(step)] == [7, 8, 9]
    assert run.events[0][0] == "batch_skip"


def test_epsilon_is_lowered_only_where_that_was_asked_for():
    _, optimizer, mitigator, run, said = make()
    mitigator(an_item("lower_epsilon", value=1e-12))
    assert optimizer.param_groups[0]["eps"] == 1e-8
    assert "left to you" in said[0] and run.events == []
    _, optimizer, mitigator, run, _ = make(actions=(*mitigate.DEFAULT_ACTIONS, "lower_epsilon"))
    mitigator(an_item("lower_epsilon", value=1e-12))
    assert optimizer.param_groups[0]["eps"] == 1e-12
    mitigator(an_item("lower_epsilon", value=1e-6))
    assert optimizer.param_groups[0]["eps"] == 1e-12


def test_what_only_the_job_can_do_calls_its_function():
    called = []
    _, _, mitigator, run, said = make(save_checkpoint=called.append, rewind=called.append)
    save, back, stop = an_item("save_checkpoint"), an_item("rewind", checkpoint_step=4), an_item("stop")
    for item in (save, back, stop):
        mitigator(item)
    assert called == [save, back]
    assert [kind for kind, _, _ in run.events] == ["checkpoint", "hyperparameter"]
    assert "left to you: stop" in said[-1]


def test_actions_of_a_later_server_are_left_to_people():
    _, _, mitigator, run, said = make()
    mitigator(an_item("raise_batch_size"))
    assert run.events == [] and "raise_batch_size" in said[0]


def test_a_mitigator_that_is_gone_leaves_the_optimizer_as_it_was():
    model, optimizer, mitigator, _, _ = make(torch.optim.SGD)
    twin, plain, *_ = make(torch.optim.SGD)
    mitigator.lower_rate(0.1)
    del mitigator
    assert torch.equal(move_of(model, optimizer), move_of(twin, plain))


RANK = """
import sys, torch
from spikescope.advice import AdviceItem
from spikescope.mitigate import Mitigator

class Run:
    watched = None
    def event(self, title, **_):
        print("posted", title)

rank = int(sys.argv[1])
torch.distributed.init_process_group("gloo", init_method=sys.argv[2], rank=rank, world_size=2)
optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
mitigator = Mitigator(Run(), optimizer)
if rank == 0:
    item = AdviceItem("id", "lower_learning_rate", "warn", "seen", "", 1, factor=0.5)
    mitigator(item)
before = mitigator.rate_factor
mitigator.exchange()
mitigator.exchange()
print("rate", before, mitigator.rate_factor)
# A rank that leaves while the other still reads may end in an abort of gloo's own threads.
torch.distributed.barrier()
torch.distributed.destroy_process_group()
"""


def test_ranks_do_the_same_at_the_same_step(tmp_path):
    if not torch.distributed.is_available():
        pytest.skip("this torch has no ranks")
    place = f"file://{tmp_path / 'place'}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", RANK, str(rank), place],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for rank in range(2)
    ]
    for rank in ranks:
        output, errors = rank.communicate()
        assert rank.returncode == 0, errors
        # On the rank that was told too nothing happened before all of them knew.
        assert "rate 1.0 0.5" in output
