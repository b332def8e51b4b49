"""Which gradient `watch` reads: after unscaling and reduction, before clipping, of every kind."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from watched_job import (  # noqa: E402
    Job,
    adam_reference,
    assert_columns,
    batch,
    columns,
    loss_of,
    make_model,
)


@pytest.mark.parametrize("how", ["norm", "value", "imported before"])
def test_the_gradient_is_the_one_before_clipping_and_rms_that_of_the_update(server, how):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    from torch.nn.utils import clip_grad_norm_

    job = Job(server, model, optimizer)
    for step in range(3):
        optimizer.zero_grad()
        loss_of(model, batch(step)).backward()
        before = [p.grad.clone() for p in model.parameters()]
        if how == "value":
            torch.nn.utils.clip_grad_value_(model.parameters(), 1e-3)
        elif how == "norm":
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)
        else:
            clip_grad_norm_(model.parameters(), 0.05)
        used = [p.grad.clone() for p in model.parameters()]
        optimizer.step()
        job.run.log(loss=0.0, step=step)
    frame = job.finish()[-1]
    for layer, p in enumerate(model.parameters()):
        expected = adam_reference(p, before[layer], optimizer.state[p], 0.9, 0.95, 1e-8, used[layer])
        assert_columns(frame, layer, expected)
    total = math.sqrt(sum(float(g.double().square().sum()) for g in before))
    assert frame.scalars["gradient_norm"] == pytest.approx(total, rel=1e-6)
    assert total > 0.06


@pytest.mark.parametrize("parts", ["whole", "two halves", "half of it"])
def test_what_clipping_multiplied_gradients_by_is_known_or_read(server, parts):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    job = Job(server, model, optimizer)
    parameters = list(model.parameters())
    for step in range(2):
        optimizer.zero_grad()
        loss_of(model, batch(step)).backward()
        before = [p.grad.clone() for p in parameters]
        if parts == "whole":
            torch.nn.utils.clip_grad_norm_(parameters, 0.05)
        else:
            torch.nn.utils.clip_grad_norm_(parameters[:3], 0.03)
        if parts == "two halves":
            torch.nn.utils.clip_grad_norm_(parameters[3:], 0.05)
        used = [p.grad.clone() for p in parameters]
        optimizer.step()
        job.run.log(loss=1.0, step=step)
    frame = job.finish()[-1]
    for layer, p in enumerate(parameters):
        expected = adam_reference(p, before[layer], optimizer.state[p], 0.9, 0.95, 1e-8, used[layer])
        assert_columns(frame, layer, expected, rel=1e-5)


def test_accumulated_gradients_are_read_once_a_step_and_whole(server):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer)
    for step in range(2):
        optimizer.zero_grad()
        for part in range(3):
            (loss_of(model, batch(3 * step + part)) / 3).backward()
        gradient = model.fc.weight.grad.clone()
        optimizer.step()
        job.run.log(loss=0.0, step=step)
    frames = job.finish()
    assert len(frames) == 2
    assert columns(frames[1])["gradient_norm"][1] == pytest.approx(float(gradient.norm()), rel=1e-5)


@pytest.mark.parametrize("unscales", [True, False])
def test_gradients_are_read_unscaled_and_skipped_steps_are_not(server, unscales):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    job = Job(server, model, optimizer)
    norms = {}
    for step in range(4):
        optimizer.zero_grad()
        scaler.scale(loss_of(model, batch(step))).backward()
        if step == 2:
            model.fc.weight.grad[0, 0] = math.inf
        norms[step] = float(model.head.weight.grad.norm()) / scaler.get_scale()
        if unscales:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        scaler.step(optimizer)
        scaler.update()
        job.run.log(loss=0.0, step=step)
    frames = {frame.step: frame for frame in job.finish()}
    assert set(frames) == {0, 1, 2, 3}
    assert frames[2].layers == {}
    names = [layer["name"] for layer in job.create["layers"]]
    for step in (0, 1, 3):
        norm = columns(frames[step])["gradient_norm"][names.index("head.weight")]
        assert norm == pytest.approx(norms[step], rel=1e-4), step


def test_bfloat16_weights_are_read_in_float32(server):
    model = make_model().bfloat16()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    job = Job(server, model, optimizer)
    loss_of(model, batch(0)).backward()
    gradient = model.fc.weight.grad.clone()
    optimizer.step()
    frame = job.finish()[0]
    assert columns(frame)["gradient_norm"][1] == pytest.approx(float(gradient.double().norm()), rel=1e-4)
    assert "update_std" in frame.layers


def test_a_sparse_gradient_counts_what_it_leaves_out_as_zero(server):
    torch.manual_seed(0)
    model = nn.Embedding(100, 8, sparse=True)
    optimizer = torch.optim.SparseAdam(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer)
    model(torch.tensor([1, 1, 5])).square().sum().backward()
    dense = model.weight.grad.to_dense()
    optimizer.step()
    frame = job.finish()[0]
    found = columns(frame)
    assert found["gradient_norm"][0] == pytest.approx(float(dense.norm()), rel=1e-5)
    assert found["gradient_below_epsilon_fraction"][0] == pytest.approx(0.98)


def test_a_gradient_that_is_not_finite_stays_visible(server):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer)
    loss_of(model, batch(0)).backward()
    model.fc.weight.grad[3, 4] = math.nan
    model.head.weight.grad[0, 0] = math.inf
    optimizer.step()
    frame = job.finish()[0]
    found = columns(frame)
    assert math.isnan(found["gradient_norm"][1])
    assert found["gradient_norm"][5] == math.inf
    assert found["gradient_nonfinite_count"][1] == 1
    assert math.isnan(frame.scalars["gradient_norm"])
