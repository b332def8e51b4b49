"""Which step a capture of a real training belongs to, wherever in the loop `log()` stands."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from watched_job import Job, adam_reference, assert_columns, batch, columns, loss_of, make_model  # noqa: E402

from spikescope import assembly  # noqa: E402


def train(server, steps, log_before, log_behind=lambda run, step, loss: None):
    """The norm of each layer's gradient at each step, computed plainly, and the frames that arrived."""
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer)
    norms = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = loss_of(model, batch(step))
        loss.backward()
        norms.append([float(p.grad.norm()) for p in model.parameters()])
        log_before(job.run, step, loss)
        # The outbox's thread looks once a second whether anything has to go.
        job.run._tick()
        optimizer.step()
        log_behind(job.run, step, loss)
    return norms, job.finish()


@pytest.mark.parametrize("skipped", [(0,), (0, 1, 3)])
@pytest.mark.parametrize("clips", [False, True])
def test_steps_that_grad_scaler_skips_at_first_do_not_shift_layers(server, skipped, clips):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    job = Job(server, model, optimizer)
    expected = {}
    for step in range(6):
        optimizer.zero_grad()
        loss = loss_of(model, batch(step)) * (math.inf if step in skipped else 1.0)
        scaler.scale(loss).backward()
        norms = [float(p.grad.norm()) / scaler.get_scale() for p in model.parameters()]
        if clips:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        scaler.step(optimizer)
        scaler.update()
        job.run.log(loss=loss, step=step)
        if step not in skipped:
            expected[step] = norms
    frames = job.finish()
    assert [frame.step for frame in frames] == list(range(6))
    captured = {frame.step: frame for frame in frames if "gradient_norm" in frame.layers}
    assert list(captured) == list(expected)
    for step, norms in expected.items():
        assert columns(captured[step])["gradient_norm"] == pytest.approx(norms, rel=1e-5)


@pytest.mark.parametrize(
    "gives", [lambda closure: ((closure,), {}), lambda closure: ((), {"closure": closure})]
)
@pytest.mark.parametrize("clips", [False, True])
def test_a_step_that_is_handed_a_closure_has_the_gradient_that_the_closure_computes(server, gives, clips):
    """As Lightning steps: when `step` is called, gradients are those of the step before, or none."""
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    job = Job(server, model, optimizer)
    expected = []
    for step in range(4):
        gradients, used = [], []

        def closure(step=step, gradients=gradients, used=used):
            optimizer.zero_grad()
            loss = loss_of(model, batch(step))
            loss.backward()
            gradients += [p.grad.clone() for p in model.parameters()]
            if clips:
                torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            used += [p.grad.clone() for p in model.parameters()]
            return loss

        args, kwargs = gives(closure)
        optimizer.step(*args, **kwargs)
        expected.append(
            [
                adam_reference(p, g, optimizer.state[p], 0.9, 0.95, 1e-8, used=u)
                for p, g, u in zip(model.parameters(), gradients, used)
            ]
        )
        job.run.log(loss=1.0, step=step)
    frames = job.finish()
    assert [frame.step for frame in frames] == [0, 1, 2, 3]
    for frame, layers in zip(frames, expected):
        for layer, metrics in enumerate(layers):
            assert_columns(frame, layer, metrics)


def assert_belong(frames, norms, first_step=0):
    assert [frame.step for frame in frames] == list(range(first_step, first_step + len(norms)))
    for frame, expected in zip(frames, norms):
        assert columns(frame)["gradient_norm"] == pytest.approx(expected, rel=1e-5), frame.step


@pytest.mark.parametrize("hold", [assembly.HOLD, 0.0])
def test_layers_are_those_of_the_step_that_was_logged_before_its_update(server, monkeypatch, hold):
    monkeypatch.setattr(assembly, "HOLD", hold)
    norms, frames = train(server, 5, lambda run, step, loss: run.log(loss=loss, step=step))
    assert_belong(frames, norms)


def test_layers_of_a_step_that_was_sent_too_early_are_said_to_be_missing(server, monkeypatch, capsys):
    monkeypatch.setattr(assembly, "HOLD_FOR_UPDATE", 0.0)
    _, frames = train(server, 3, lambda run, step, loss: run.log(loss=loss, step=step))
    assert [frame.step for frame in frames] == [0, 1, 2]
    assert all("gradient_norm" not in frame.layers for frame in frames)
    assert capsys.readouterr().err.count("stands without its layers") == 1


def test_an_evaluation_before_the_loop_does_not_shift_its_layers(server):
    def evaluate(run, step, loss):
        if step == 0:
            run.log(eval_loss=loss, step=0)

    norms, frames = train(server, 4, evaluate, lambda run, step, loss: run.log(loss=loss, step=step + 1))
    assert "gradient_norm" not in frames[0].layers
    assert_belong(frames[1:], norms, first_step=1)
