"""What `watch` posts of Adam, held to the same numbers computed plainly from whole tensors."""

from __future__ import annotations

import copy
import math
import struct

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from watched_job import (  # noqa: E402
    ADAMS,
    Job,
    adam_reference,
    assert_columns,
    batch,
    columns,
    loss_of,
    make_model,
)


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


def test_the_norm_of_a_large_tensor_is_exact(server):
    from spikescope.capture.whole_norms import largest_magnitudes, square_sums

    torch.manual_seed(0)
    values = [torch.randn(3_000_001), torch.randn(5), torch.randn(70_000).bfloat16()]
    for value, squares, largest in zip(values, square_sums(values), largest_magnitudes(values)):
        assert float(squares) == pytest.approx(float(value.double().square().sum()), rel=1e-6)
        assert float(largest) == float(value.abs().max())


@pytest.mark.parametrize("scale", [1e-37, 1e-25, 1e-18, 1e15, 1e19, 1e30])
def test_the_norm_of_a_tensor_beyond_the_squares_of_float32_is_exact(scale):
    from spikescope.capture.whole_norms import square_sums

    torch.manual_seed(0)
    value = scale * torch.randn(10_000)
    wanted = float(value.double().square().sum())
    assert float(square_sums([value])[0]) == pytest.approx(wanted, rel=1e-6, abs=0)


def test_a_gradient_that_is_huge_and_finite_counts_as_finite_on_every_step(server):
    model = torch.nn.Linear(100, 100)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    job = Job(server, model, optimizer, histograms_every=4)
    for step in range(2):
        for p in model.parameters():
            p.grad = torch.full_like(p, 1e25)
        optimizer.step()
        job.run.log(loss=1.0, step=step)
    for frame in job.finish():
        assert columns(frame)["gradient_nonfinite_count"] == [0, 0]
        assert columns(frame)["gradient_norm"] == pytest.approx([1e27, 1e26], rel=1e-5)


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
