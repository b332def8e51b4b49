"""What `watch` does on a graphics card. Skipped, with a word, where there is none."""

from __future__ import annotations

import struct

import pytest

torch = pytest.importorskip("torch")

from watched_job import ADAMS, Job, Model, adam_reference, assert_columns, batch, columns, loss_of  # noqa: E402

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card with CUDA")


def make_model() -> torch.nn.Module:
    torch.manual_seed(1)
    return Model().cuda()


@pytest.fixture
def forbids_waiting():
    """Whatever would make the loop wait for the card raises."""

    def forbid(is_forbidden: bool) -> None:
        torch.cuda.set_sync_debug_mode("error" if is_forbidden else "default")

    yield forbid
    forbid(False)


@pytest.mark.parametrize("name", ADAMS)
def test_every_metric_of_adam_is_that_of_its_own_state(server, name, capsys):
    model = make_model()
    optimizer = ADAMS[name](model.parameters())
    job = Job(server, model, optimizer)
    expected = []
    for step in range(4):
        optimizer.zero_grad()
        loss = loss_of(model, batch(step).cuda())
        loss.backward()
        gradients = [p.grad.clone() for p in model.parameters()]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)
        used = [p.grad.clone() for p in model.parameters()]
        optimizer.step()
        expected.append(
            [
                adam_reference(p, g, optimizer.state[p], 0.9, 0.95, 1e-8, u)
                for p, g, u in zip(model.parameters(), gradients, used)
            ]
        )
        job.run.log(loss=loss, step=step)
    frames = job.finish()
    for frame, layers in zip(frames, expected):
        for layer, values in enumerate(layers):
            assert_columns(frame, layer, values, rel=1e-5)
    assert len(frames) == 4
    assert "passed over" not in capsys.readouterr().err


class Replay(torch.optim.Optimizer):
    """Puts the moments of a recorded training into its state, wherever its parameters are."""

    def __init__(self, parameters, recorded) -> None:
        super().__init__(parameters, {"lr": 1e-3, "betas": (0.9, 0.95), "eps": 1e-8})
        self.recorded = recorded
        self.count = 0

    @torch.no_grad()
    def step(self, closure=None):
        self.count += 1
        for p, (_, first, second) in zip(self.param_groups[0]["params"], self.recorded[self.count - 1]):
            self.state[p].update(
                exp_avg=first.to(p.device),
                exp_avg_sq=second.to(p.device),
                step=torch.tensor(float(self.count)),
            )


def make_recording(steps: int):
    """(gradient, m, v) of each parameter and step, of scales from 1e-9 to 1, zeros among them."""
    generator = torch.Generator().manual_seed(3)
    recorded = []
    averages = [(torch.zeros_like(p), torch.zeros_like(p)) for p in Model().parameters()]
    for _ in range(steps):
        entries = []
        for index, (first, second) in enumerate(averages):
            scale = 10.0 ** (-9 + 9 * index / len(averages))
            gradient = scale * torch.randn(first.shape, generator=generator)
            gradient[..., ::5] = 0
            first = 0.9 * first + 0.1 * gradient
            second = 0.95 * second + 0.05 * gradient.square()
            averages[index] = (first, second)
            entries.append((gradient, first, second))
        recorded.append(entries)
    return recorded


@pytest.mark.parametrize("max_elements", [None, 64])
def test_the_card_finds_what_the_processor_finds(server, max_elements):
    recorded = make_recording(5)
    found = {}
    for device in ("cpu", "cuda"):
        torch.manual_seed(1)
        model = Model().to(device)
        optimizer = Replay(model.parameters(), recorded)
        job = Job(server, model, optimizer, max_elements=max_elements)
        for step, entries in enumerate(recorded):
            for p, (gradient, _, _) in zip(model.parameters(), entries):
                p.grad = gradient.to(device)
            optimizer.step()
            job.run.log(loss=1.0, step=step)
        found[device] = job.finish()
    for mine, theirs in zip(found["cuda"], found["cpu"]):
        wanted = columns(theirs)
        assert columns(mine).keys() == wanted.keys()
        for name, values in columns(mine).items():
            # A mean is what is left of terms near 1, each rounded to float32.
            absolute = 2e-7 if name in ("update_mean", "gradient_cosine") else 0
            assert values == pytest.approx(wanted[name], rel=1e-5, abs=absolute), name
        for name in ("ratio", "update"):
            counts = [
                torch.tensor(
                    struct.unpack(
                        f"<{len(frame.histograms[name].counts) // 4}I", frame.histograms[name].counts
                    )
                )
                for frame in (mine, theirs)
            ]
            # One value in a thousand may be rounded across an edge.
            assert (counts[0] - counts[1]).abs().sum() <= 2e-3 * counts[1].sum() + 2, name
            assert mine.histograms[name].outside == theirs.histograms[name].outside
        assert mine.scalars["gradient_norm"] == pytest.approx(theirs.scalars["gradient_norm"], rel=1e-5)


@pytest.mark.parametrize("max_overhead", [None, 1.0])
@pytest.mark.parametrize("name", ["adamw foreach", "adamw fused"])
def test_the_loop_never_waits_for_the_card(server, name, max_overhead, forbids_waiting, capsys):
    model = make_model()
    optimizer = ADAMS[name](model.parameters())
    tokens = batch(0).cuda()
    job = Job(server, model, optimizer, histograms_every=3, samples=8, max_overhead=max_overhead)
    for step in range(12):
        forbids_waiting(step >= 4)
        optimizer.zero_grad()
        loss = loss_of(model, tokens)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        job.run.log(loss=loss, step=step)
        forbids_waiting(False)
    assert len(job.finish()) == 12
    assert "passed over" not in capsys.readouterr().err


def test_a_limit_makes_captures_rarer_by_what_the_card_took_for_them(server, capsys):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    job = Job(server, model, optimizer, max_overhead=0.02)
    for step in range(400):
        optimizer.zero_grad()
        loss_of(model, batch(step).cuda()).backward()
        optimizer.step()
        job.run.log(loss=1.0, step=step)
    frames = job.finish()
    assert len(frames) == 400
    assert len([frame for frame in frames if frame.step >= 300 and frame.layers]) <= 20
    assert "max_overhead is 2 %" in capsys.readouterr().err


def test_captures_leave_no_memory_behind(server):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    job = Job(server, model, optimizer, histograms_every=5)
    held = []
    for step in range(400):
        optimizer.zero_grad()
        loss_of(model, batch(step).cuda()).backward()
        optimizer.step()
        job.run.log(loss=1.0, step=step)
        if step in (99, 399):
            torch.cuda.synchronize()
            held.append(torch.cuda.memory_allocated())
    job.finish()
    # Of captures still under way a few may be alive.
    assert held[1] <= held[0] + 2**20


def test_a_scaled_gradient_is_read_unscaled(server):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), fused=True)
    scaler = torch.amp.GradScaler("cuda", init_scale=1024.0, growth_interval=10_000)
    job = Job(server, model, optimizer)
    for step in range(3):
        optimizer.zero_grad()
        scaler.scale(loss_of(model, batch(step).cuda())).backward()
        gradients = [p.grad.clone() / 1024 for p in model.parameters()]
        scaler.step(optimizer)
        scaler.update()
        job.run.log(loss=1.0, step=step)
    frame = job.finish()[-1]
    for layer, (p, g) in enumerate(zip(model.parameters(), gradients)):
        expected = adam_reference(p, g, optimizer.state[p], 0.9, 0.95, 1e-8)
        assert_columns(frame, layer, expected, rel=1e-5)


def test_a_model_in_half_precision_is_read_in_single(server):
    model = make_model().bfloat16()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    job = Job(server, model, optimizer)
    for step in range(3):
        optimizer.zero_grad()
        loss_of(model, batch(step).cuda()).backward()
        gradients = [p.grad.clone() for p in model.parameters()]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)
        used = [p.grad.clone() for p in model.parameters()]
        optimizer.step()
        job.run.log(loss=1.0, step=step)
    frame = job.finish()[-1]
    for layer, (p, g, u) in enumerate(zip(model.parameters(), gradients, used)):
        expected = adam_reference(p, g, optimizer.state[p], 0.9, 0.95, 1e-8, u)
        assert_columns(frame, layer, expected, rel=1e-5)
