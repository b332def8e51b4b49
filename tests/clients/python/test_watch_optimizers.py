"""What `watch` reads of optimizers other than Adam, and of several."""

from __future__ import annotations

import copy

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


def test_what_an_optimizer_does_not_have_is_left_out(server):
    for make in (
        lambda p: torch.optim.SGD(p, lr=1e-2, momentum=0.9),
        lambda p: torch.optim.SGD(p, lr=1e-2),
    ):
        model = make_model()
        optimizer = make(model.parameters())
        job = Job(server, model, optimizer)
        for step in range(3):
            optimizer.zero_grad()
            loss_of(model, batch(step)).backward()
            optimizer.step()
            job.run.log(loss=0.0, step=step)
        frame = job.finish()[-1]
        assert "gradient_norm" in frame.layers
        assert "weight_norm" in frame.layers
        assert "gradient_cosine" in frame.layers
        assert (
            not {"update_std", "ratio_std", "rms", "second_moment_below_epsilon_fraction"}
            & frame.layers.keys()
        )
        assert frame.histograms == {}
        assert "beta1" not in job.create["optimizer"]


def test_lion_has_one_moment_and_so_neither_u_nor_r(server):
    class Lion(torch.optim.Optimizer):
        def __init__(self, parameters):
            super().__init__(parameters, {"lr": 1e-3, "betas": (0.9, 0.99)})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    average = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                    beta1, beta2 = group["betas"]
                    p.add_((average * beta1 + p.grad * (1 - beta1)).sign_(), alpha=-group["lr"])
                    average.mul_(beta2).add_(p.grad, alpha=1 - beta2)

    model = make_model()
    optimizer = Lion(model.parameters())
    job = Job(server, model, optimizer)
    loss_of(model, batch(0)).backward()
    optimizer.step()
    frame = job.finish()[0]
    assert "gradient_norm" in frame.layers
    assert "update_std" not in frame.layers


@pytest.mark.skipif(not hasattr(torch.optim, "Adafactor"), reason="torch.optim.Adafactor came with torch 2.5")
def test_adafactor_has_a_second_moment_of_rows_and_columns(server):
    model = make_model()
    optimizer = torch.optim.Adafactor(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer)
    for step in range(3):
        optimizer.zero_grad()
        loss_of(model, batch(step)).backward()
        optimizer.step()
        job.run.log(loss=0.0, step=step)
    frame = job.finish()[-1]
    p = model.fc.weight
    state = optimizer.state[p]
    row, column = state["row_var"].double(), state["col_var"].double()
    v = row @ column / row.mean()
    rms = (p.grad.double().square() / v).mean().sqrt()
    names = [layer["name"] for layer in job.create["layers"]]
    assert columns(frame)["rms"][names.index("fc.weight")] == pytest.approx(float(rms), rel=1e-4)
    assert "update_std" not in frame.layers


def test_moments_in_8_bits_are_read_as_the_optimizer_reads_them(server):
    bnb = pytest.importorskip("bitsandbytes")
    torch.manual_seed(0)
    # 8 bits are for tensors of 4,096 and more; the bias has 32.
    model = nn.Linear(100, 83)
    optimizer = bnb.optim.AdamW8bit(model.parameters(), lr=1e-3, betas=(0.9, 0.95))
    job = Job(server, model, optimizer)
    for step in range(3):
        optimizer.zero_grad()
        model(torch.randn(8, 100)).square().mean().backward()
        optimizer.step()
        job.run.log(loss=0.0, step=step)
    frame = job.finish()[-1]
    state = optimizer.state[model.weight]
    assert state["state1"].dtype == torch.uint8
    moments = []
    for index in "12":
        # From bitsandbytes' own table and blocks, coordinate by coordinate.
        codes, largest = state[f"state{index}"].flatten().tolist(), state[f"absmax{index}"].tolist()
        table = state[f"qmap{index}"].tolist()
        values = [table[code] * largest[position // 256] for position, code in enumerate(codes)]
        moments.append(torch.tensor(values, dtype=torch.float64))
    m, v = moments[0] / (1 - 0.9**3), moments[1] / (1 - 0.95**3)
    found = columns(frame)
    assert found["update_std"][0] == pytest.approx(float((m / (v.sqrt() + 1e-8)).std(correction=0)), rel=1e-4)
    assert found["update_std"][1] is not None
    # Codes are a few per cent apart, so r is near that of full precision.
    assert found["update_std"][1] == pytest.approx(found["update_std"][0], rel=0.3)


def test_an_optimizer_that_we_do_not_know_is_read_by_an_adapter(server):
    from spikescope.capture.optimizers import Moments

    class Own(torch.optim.Optimizer):
        def __init__(self, parameters):
            super().__init__(parameters, {"lr": 1e-3})

        @torch.no_grad()
        def step(self, closure=None):
            for p in self.param_groups[0]["params"]:
                self.state[p]["mine"] = (p.grad.clone(), p.grad.square())

    model = make_model()
    optimizer = Own(model.parameters())
    job = Job(
        server,
        model,
        optimizer,
        adapter=lambda p, state, group: Moments(*state["mine"], epsilon=1e-6),
    )
    loss_of(model, batch(0)).backward()
    optimizer.step()
    frame = job.finish()[0]
    assert columns(frame)["rms"][-1] == pytest.approx(1.0, rel=1e-3)


def test_that_partitions_of_deepspeed_are_no_layers_is_said(server, capsys):
    class DeepSpeedZeroOptimizer:
        __module__ = "deepspeed.runtime.zero.stage_1_and_2"

        def __init__(self, optimizer):
            self.optimizer = optimizer

    flat = torch.nn.Parameter(torch.ones(100))
    optimizer = torch.optim.AdamW([flat], lr=1e-2)
    job = Job(server, make_model(), DeepSpeedZeroOptimizer(optimizer))
    flat.grad = torch.ones(100)
    optimizer.step()
    frame = job.finish()[0]
    names = [layer["name"] for layer in job.create["layers"]]
    assert columns(frame)["gradient_norm"][names.index("parameter.0")] == pytest.approx(10.0)
    assert capsys.readouterr().err.count("flat partitions that are no layers") == 1


def test_several_optimizers_make_one_capture(server):
    model = make_model()
    first = torch.optim.AdamW(model.wte.parameters(), lr=1e-2)
    second = torch.optim.SGD(
        [*model.fc.parameters(), *model.ln_f.parameters(), *model.head.parameters()], lr=1e-2
    )
    job = Job(server, model, [first, second])
    for step in range(2):
        loss_of(model, batch(step)).backward()
        first.step()
        second.step()
        job.run.log(loss=0.0, step=step)
    frames = job.finish()
    assert len(frames) == 2
    found = columns(frames[1])
    assert None not in found["gradient_norm"]
    assert found["update_std"][0] is not None
    assert found["update_std"][1:] == [None] * 6


def test_moments_that_move_to_other_memory_are_read_there(server):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    job = Job(server, model, optimizer)
    for step in range(4):
        optimizer.zero_grad()
        loss_of(model, batch(step)).backward()
        optimizer.step()
        if step == 1:
            # As a checkpoint does that is loaded while the run goes on.
            optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        job.run.log(loss=1.0, step=step)
    frame = job.finish()[-1]
    for layer, p in enumerate(model.parameters()):
        expected = adam_reference(p, p.grad, optimizer.state[p], 0.9, 0.95, 1e-8)
        assert_columns(frame, layer, expected, rel=1e-5)
