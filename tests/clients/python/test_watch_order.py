"""Which step a capture of a real training belongs to, wherever in the loop `log()` stands."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from watched_job import Job, batch, columns, loss_of, make_model  # noqa: E402

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
