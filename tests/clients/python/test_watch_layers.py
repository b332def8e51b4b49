"""Which layers `watch` makes of parameters, and by what names."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from watched_job import Job, batch, columns, loss_of, make_model  # noqa: E402


def test_float32_masters_of_a_half_precision_model_take_its_names(server):
    model = make_model().bfloat16()
    masters = [nn.Parameter(p.detach().float()) for p in model.parameters()]
    optimizer = torch.optim.AdamW(masters, lr=1e-2)
    job = Job(server, model, optimizer)
    loss_of(model, batch(0)).backward()
    for master, p in zip(masters, model.parameters()):
        master.grad = p.grad.float()
    optimizer.step()
    frame = job.finish()[0]
    assert [layer["name"] for layer in job.create["layers"]] == [n for n, _ in model.named_parameters()]
    assert columns(frame)["weight_norm"][1] == pytest.approx(float(masters[1].detach().norm()), rel=1e-5)


def test_a_frozen_parameter_is_no_layer_and_one_without_gradient_is_a_gap(server):
    model = make_model()
    model.wte.weight.requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    job = Job(server, model, optimizer)
    for step in range(2):
        optimizer.zero_grad(set_to_none=True)
        loss_of(model, batch(step)).backward()
        if step == 1:
            model.head.bias.grad = None
        optimizer.step()
        job.run.log(loss=0.0, step=step)
    frames = job.finish()
    names = [layer["name"] for layer in job.create["layers"]]
    assert "wte.weight" not in names
    last = columns(frames[1])
    assert last["gradient_norm"][names.index("head.bias")] is None
    assert last["update_std"][names.index("head.bias")] is None
    assert last["weight_norm"][names.index("head.bias")] is not None
    assert last["gradient_cosine"] == [None] * len(names) if "gradient_cosine" in last else True


def test_parameters_that_join_later_go_to_the_layers_that_are_there(server, capsys):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer, group="module")
    for step in range(3):
        if step == 1:
            model.head.extra = nn.Parameter(torch.ones(4))
            model.other = nn.Linear(2, 2)
            optimizer.add_param_group({"params": [model.head.extra, *model.other.parameters()]})
        optimizer.zero_grad()
        loss = loss_of(model, batch(step))
        if step >= 1:
            loss = loss + 3 * model.head.extra.sum() + model.other(torch.ones(2)).sum()
        loss.backward()
        head = [p.grad.clone() for p in model.head.parameters()]
        optimizer.step()
        job.run.log(loss=loss, step=step)
    frames = job.finish()
    assert len(frames) == 3
    assert [layer["name"] for layer in job.create["layers"]] == ["wte", "fc", "ln_f", "head"]
    norm = math.sqrt(sum(float(g.double().square().sum()) for g in head))
    assert columns(frames[2])["gradient_norm"][3] == pytest.approx(norm, rel=1e-5)
    assert "2 parameters joined after the run was opened, as other." in capsys.readouterr().err


def test_layers_may_be_grouped_by_a_pattern(server):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer, group=r"^(wte|fc|head)")
    loss_of(model, batch(0)).backward()
    gradient = math.sqrt(sum(float(p.grad.double().square().sum()) for p in model.fc.parameters()))
    optimizer.step()
    frame = job.finish()[0]
    assert [layer["name"] for layer in job.create["layers"]] == ["wte", "fc", "head"]
    assert job.create["layers"][1]["parameterCount"] == 24 * 96 + 96
    assert columns(frame)["gradient_norm"][1] == pytest.approx(gradient, rel=1e-5)


def test_a_compiled_model_keeps_the_names_of_its_layers(server):
    model = make_model()
    compiled = torch.compile(model, backend="eager")
    optimizer = torch.optim.AdamW(compiled.parameters(), lr=1e-2)
    job = Job(server, compiled, optimizer)
    for step in range(2):
        optimizer.zero_grad()
        loss_of(compiled, batch(step)).backward()
        optimizer.step()
        job.run.log(loss=0.0, step=step)
    frames = job.finish()
    assert job.create["layers"][0]["name"] == "wte.weight"
    assert "update_std" in frames[1].layers
