"""What `watch` posts, held to the same numbers computed plainly from whole tensors."""

from __future__ import annotations

import copy
import itertools
import math
import struct

import pytest

import spikescope
from spikescope.wire.buffers import MISSING_FLOAT32_BITS

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from torch import nn  # noqa: E402

RUN_IDS = itertools.count()


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wte = nn.Embedding(50, 24)
        self.fc = nn.Linear(24, 96)
        self.ln_f = nn.LayerNorm(96)
        self.head = nn.Linear(96, 50)

    def forward(self, tokens):
        return self.head(self.ln_f(torch.relu(self.fc(self.wte(tokens)))))


def make_model() -> Model:
    torch.manual_seed(1)
    return Model()


def batch(step: int):
    generator = torch.Generator().manual_seed(step)
    return torch.randint(0, 50, (16,), generator=generator)


def loss_of(model, tokens):
    return nn.functional.cross_entropy(model(tokens), tokens)


def columns(frame) -> dict[str, list[float | None]]:
    """Metric → one number a layer; None where nothing was reported."""
    count = frame.layer_count
    return {
        name: [
            None if bits == MISSING_FLOAT32_BITS else value
            for bits, value in zip(struct.unpack(f"<{count}I", data), struct.unpack(f"<{count}f", data))
        ]
        for name, data in frame.layers.items()
    }


class Job:
    """A run on the fake server, and the frames that arrived."""

    def __init__(self, server, model, optimizer, **options) -> None:
        self.id = f"run-{next(RUN_IDS)}"
        self.server = server
        options.setdefault("max_elements", None)
        options.setdefault("histograms_every", 1)
        self.run = spikescope.init("demo", id=self.id, url=server.url, directory="kept")
        assert self.run.watch(model, optimizer, **options) is not None

    def finish(self):
        self.run.finish()
        stored = self.server.runs[self.id]
        self.create = stored["create"]
        return [frame for _, _, frame in stored["stored"]]


def adam_reference(parameter, gradient, state, beta1, beta2, epsilon, used=None):
    """From the definitions, in float64; `state` is after the update."""
    g = gradient.double().flatten()
    used = g if used is None else used.double().flatten()
    step = float(state["step"])
    m = state["exp_avg"].double().flatten() / (1 - beta1**step)
    v = state["exp_avg_sq"].double().flatten() / (1 - beta2**step)
    u = m / (v.sqrt() + epsilon)
    r = torch.where((m == 0) & (v == 0), 0.0, m / v.sqrt())
    r = r[torch.isfinite(r)]
    return {
        "gradient_norm": g.norm(),
        "gradient_rms": g.square().mean().sqrt(),
        "gradient_abs_max": g.abs().max(),
        "gradient_nonfinite_count": torch.tensor(0.0),
        "gradient_below_epsilon_fraction": (g.abs() < epsilon).double().mean(),
        "second_moment_below_epsilon_fraction": (v.sqrt() < epsilon).double().mean(),
        "weight_norm": parameter.detach().double().norm(),
        "update_mean": u.mean(),
        "update_std": u.std(correction=0),
        "update_abs_max": u.abs().max(),
        "update_small_fraction": (u.abs() < 0.01).double().mean(),
        "ratio_std": r.std(correction=0),
        "rms": (used.square() / torch.clamp(v, min=epsilon**2)).mean().sqrt(),
    }


def assert_columns(frame, layer: int, expected, rel=1e-4, absolute=1e-6):
    found = columns(frame)
    for name, value in expected.items():
        assert found[name][layer] == pytest.approx(float(value), rel=rel, abs=absolute), name


ADAMS = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-2, betas=(0.9, 0.95)),
    "adamw foreach": lambda p: torch.optim.AdamW(p, lr=1e-2, betas=(0.9, 0.95), foreach=True),
    "adamw fused": lambda p: torch.optim.AdamW(p, lr=1e-2, betas=(0.9, 0.95), fused=True),
    "adam": lambda p: torch.optim.Adam(p, lr=1e-2, betas=(0.9, 0.95)),
    "adam capturable": lambda p: torch.optim.Adam(
        p, lr=torch.tensor(1e-2), betas=(0.9, 0.95), capturable=True
    ),
}


@pytest.mark.parametrize("name", ADAMS)
def test_every_metric_of_adam_is_that_of_its_own_state(server, name):
    model = make_model()
    if "capturable" in name:
        pytest.skip("capturable wants parameters on a graphics card: test_cuda.py")
    optimizer = ADAMS[name](model.parameters())
    job = Job(server, model, optimizer)
    expected = []
    previous = None
    for step in range(4):
        loss = loss_of(model, batch(step))
        optimizer.zero_grad()
        loss.backward()
        gradients = [p.grad.clone() for p in model.parameters()]
        optimizer.step()
        expected.append(
            [
                adam_reference(p, g, optimizer.state[p], 0.9, 0.95, 1e-8)
                for p, g in zip(model.parameters(), gradients)
            ]
        )
        if previous is not None:
            for layer, (g, p) in enumerate(zip(gradients, previous)):
                g, p = g.double().flatten(), p.double().flatten()
                both = (g != 0) & (p != 0)
                expected[-1][layer]["gradient_cosine"] = (g @ p) / (g.norm() * p.norm())
                if both.any():
                    same = (g.sign() == p.sign()) & both
                    expected[-1][layer]["gradient_sign_agreement"] = same.sum() / both.sum()
        previous = gradients
        job.run.log(loss=loss, step=step)
    frames = job.finish()
    assert [frame.step for frame in frames] == [0, 1, 2, 3]
    for frame, layers in zip(frames, expected):
        for layer, values in enumerate(layers):
            assert_columns(frame, layer, values)
            counts = struct.unpack(f"<{frame.layer_count * 128}I", frame.histograms["ratio"].counts)
            outside = struct.unpack(f"<{frame.layer_count * 4}I", frame.histograms["ratio"].outside)
            size = sum(counts[128 * layer : 128 * layer + 128]) + sum(outside[4 * layer : 4 * layer + 4])
            assert size == job.create["layers"][layer]["parameterCount"]
        assert frame.scalars["learning_rate"] == pytest.approx(1e-2)
    assert job.create["optimizer"]["beta2"] == 0.95
    assert [layer["name"] for layer in job.create["layers"]] == [
        n for n, _ in make_model().named_parameters()
    ]
    kinds = {layer["name"]: layer.get("kind") for layer in job.create["layers"]}
    assert kinds["wte.weight"] == "embedding"
    assert kinds["ln_f.weight"] == "norm"
    assert kinds["head.weight"] == "head"


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


def test_a_sample_estimates_the_shares_and_keeps_the_norms_exact(server):
    torch.manual_seed(0)
    model = nn.Linear(512, 512, bias=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95))
    job = Job(server, model, optimizer, max_elements=8192)
    for step in range(8):
        optimizer.zero_grad()
        (model(torch.randn(32, 512)) - torch.randn(32, 512)).square().mean().backward()
        optimizer.step()
        job.run.log(loss=0.0, step=step)
    gradient = model.weight.grad
    exact = adam_reference(model.weight, gradient, optimizer.state[model.weight], 0.9, 0.95, 1e-8)
    found = columns(job.finish()[-1])
    for name in ("gradient_norm", "gradient_rms", "gradient_abs_max", "weight_norm"):
        assert found[name][0] == pytest.approx(float(exact[name]), rel=1e-5), name
    for name in ("update_std", "ratio_std", "rms"):
        assert found[name][0] == pytest.approx(float(exact[name]), rel=0.03), name
    assert found["update_small_fraction"][0] == pytest.approx(float(exact["update_small_fraction"]), abs=0.01)


def test_a_sample_walks_over_all_columns_of_a_matrix():
    from spikescope.capture.layer_plan import find_stride

    stride = find_stride(1024 * 1024, 8192)
    assert len({(k * stride) % 1024 for k in range(1024 * 1024 // stride)}) == 1024
    assert find_stride(100, 8192) == find_stride(10**6, None) == 1


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


def test_cadences_are_kept_and_the_cosine_is_that_with_the_step_before(server):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer, scalars_every=3, histograms_every=6)
    gradients = []
    for step in range(8):
        optimizer.zero_grad()
        loss_of(model, batch(step)).backward()
        gradients.append(model.fc.weight.grad.double().flatten().clone())
        optimizer.step()
        job.run.log(loss=0.0, step=step)
    frames = job.finish()
    assert [bool(frame.layers) for frame in frames] == [step % 3 == 0 for step in range(8)]
    assert [bool(frame.histograms) for frame in frames] == [step % 6 == 0 for step in range(8)]
    cosine = gradients[6] @ gradients[5] / (gradients[6].norm() * gradients[5].norm())
    assert columns(frames[6])["gradient_cosine"][1] == pytest.approx(float(cosine), rel=1e-4)


def test_raw_samples_are_posted_when_they_are_asked_for(server):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    job = Job(server, model, optimizer, samples=32, samples_when="asked")
    for step in range(3):
        if step == 1:
            job.run.request_samples(1)
        optimizer.zero_grad()
        loss_of(model, batch(step)).backward()
        optimizer.step()
        job.run.log(loss=0.0, step=step)
        if step == 1:
            moments = copy.deepcopy(optimizer.state[model.head.bias])
            gradient = model.head.bias.grad.clone()
    frames = job.finish()
    assert [frame.samples is not None for frame in frames] == [False, True, False]
    samples = frames[1].samples
    assert samples.sample_count == 32
    layers = frames[1].layer_count
    g = torch.frombuffer(bytearray(samples.gradient), dtype=torch.float32).view(layers, 32)[-1]
    v = torch.frombuffer(bytearray(samples.second_moment), dtype=torch.float32).view(layers, 32)[-1]
    chosen = [k * 50 // 32 for k in range(32)]
    assert torch.equal(g, gradient[chosen])
    assert torch.allclose(v, moments["exp_avg_sq"][chosen] / (1 - 0.95**2), rtol=1e-5)


def test_raw_samples_are_posted_with_every_step_so_that_those_before_a_spike_are_there(server):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer, samples=8)
    for step in range(3):
        loss_of(model, batch(step)).backward()
        optimizer.step()
        job.run.log(loss=0.0, step=step)
    assert [frame.samples.sample_count for frame in job.finish()] == [8, 8, 8]


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


def test_the_norm_of_a_large_tensor_is_exact(server):
    from spikescope.capture.whole_norms import largest_magnitudes, square_sums

    torch.manual_seed(0)
    values = [torch.randn(3_000_001), torch.randn(5), torch.randn(70_000).bfloat16()]
    for value, squares, largest in zip(values, square_sums(values), largest_magnitudes(values)):
        assert float(squares) == pytest.approx(float(value.double().square().sum()), rel=1e-6)
        assert float(largest) == float(value.abs().max())


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


def test_weights_and_largest_gradients_come_with_the_distributions(server):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer, histograms_every=2)
    for step in range(4):
        optimizer.zero_grad()
        loss_of(model, batch(step)).backward()
        if step == 3:
            model.fc.weight.grad[3, 4] = math.nan
            model.head.weight.grad[0, 0] = math.inf
        optimizer.step()
        job.run.log(loss=1.0, step=step)
    frames = job.finish()
    for frame in frames:
        assert ("weight_norm" in frame.layers) == (frame.step % 2 == 0)
        assert ("gradient_abs_max" in frame.layers) == (frame.step % 2 == 0)
        assert None not in columns(frame)["gradient_norm"]
    # A norm that is not finite is still known to be, and by whom.
    found = columns(frames[3])
    assert math.isnan(found["gradient_norm"][1])
    assert found["gradient_norm"][5] == math.inf
    assert [count > 0 for count in found["gradient_nonfinite_count"]] == [i in (1, 5) for i in range(7)]
    assert columns(frames[1])["gradient_nonfinite_count"] == [0] * 7


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
