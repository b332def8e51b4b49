"""What `watch` leaves as it found it: training, its random numbers, its memory."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from watched_job import Job, adam_reference, assert_columns, batch, loss_of, make_model  # noqa: E402


@pytest.mark.parametrize("tells", [False, True])
def test_a_compiled_step_is_left_as_it_is_and_read_when_told(server, tells, capsys):
    model = nn.Linear(8, 8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    torch._dynamo.reset()

    @torch.compile(backend="eager")
    def update():
        optimizer.step()

    job = Job(server, model, optimizer)
    steps = 3 if tells else 70
    for step in range(steps):
        optimizer.zero_grad()
        model(torch.ones(4, 8)).square().mean().backward()
        update()
        if tells:
            job.run.after_step()
        job.run.log(loss=1.0, step=step)
    frames = job.finish()
    said = capsys.readouterr().err
    assert "passed over" not in said
    assert len(frames) == steps
    if tells:
        state = optimizer.state[model.weight]
        expected = adam_reference(model.weight, model.weight.grad, state, 0.9, 0.95, 1e-8)
        assert_columns(
            frames[-1], 0, {name: expected[name] for name in ("update_std", "rms", "gradient_norm")}
        )
    elif not any(frame.layers for frame in frames):
        assert said.count("call run.after_step()") == 1


def test_a_fault_inside_the_hooks_costs_a_capture_and_no_step(server, capsys):
    def broken(*_):
        raise RuntimeError("of the adapter")

    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer, adapter=broken)
    for step in range(3):
        optimizer.zero_grad()
        loss_of(model, batch(step)).backward()
        optimizer.step()
        job.run.log(loss=1.0, step=step)
    frames = job.finish()
    assert [frame.scalars["loss"] for frame in frames] == [1.0, 1.0, 1.0]
    assert capsys.readouterr().err.count("of the adapter") == 1


def test_watching_changes_neither_weights_nor_random_numbers(server):
    def train(watches: bool):
        model = make_model()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        job = Job(server, model, optimizer, max_elements=16) if watches else None
        torch.manual_seed(5)
        for step in range(5):
            optimizer.zero_grad()
            nn.functional.dropout(model(batch(step)), 0.5).square().mean().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
        if job is not None:
            job.finish()
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    assert torch.equal(train(True), train(False))


def test_a_model_and_its_optimizer_can_be_freed_after_finish(server):
    import gc
    import weakref

    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer)
    loss_of(model, batch(0)).backward()
    optimizer.step()
    job.finish()
    alive = weakref.ref(model)
    del model, optimizer
    gc.collect()
    assert alive() is None
