"""The kernels of `watch` in a training: when they are used, what a step asks for, that all is seen alike."""

from __future__ import annotations

import collections
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from kernel_rig import DEVICE, IGNORES_NUMPY, kernels_are_used, randn  # noqa: E402, F401
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from watched_job import ADAMS, Job, batch, columns, loss_of, make_model  # noqa: E402

from spikescope.capture import fused_norms, fused_rows, kernel_check  # noqa: E402
from spikescope.capture.clip_hook import NormFactor  # noqa: E402
from spikescope.capture.device_capture import DeviceCapture  # noqa: E402
from spikescope.capture.layer_plan import make_layer_plan  # noqa: E402
from spikescope.capture.statistics import LayerSums, Statistics  # noqa: E402

pytestmark = IGNORES_NUMPY


def test_the_check_before_a_training_accepts_the_kernels():
    statistics = Statistics(0.9, 0.95, DEVICE)
    assert kernel_check.kernels_agree(statistics, DEVICE)
    assert not statistics.has_kernels


@pytest.mark.parametrize("name", ["_gathers_agree", "_moments_agree", "_norms_agree"])
def test_a_kernel_that_finds_something_else_is_not_used(name, monkeypatch):
    def off(original):
        def launch(*args, **kwargs):
            found = original(*args, **kwargs)
            (found[0] if isinstance(found, tuple) else found).mul_(1.00001)
            return found

        return launch

    for module, launcher in (
        (fused_rows, "gather_rows"),
        (fused_rows, "gather_moments"),
        (fused_norms, "add_norms"),
    ):
        monkeypatch.setattr(module, launcher, off(getattr(module, launcher)))
    assert not getattr(kernel_check, name)(DEVICE)
    assert not kernel_check.kernels_agree(Statistics(0.9, 0.95, DEVICE), DEVICE)


def test_the_factor_of_clipping_is_that_of_the_norm_as_it_was_then(server, monkeypatch):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    monkeypatch.setattr(fused_rows, "is_available", lambda device: False)
    job = Job(server, model, optimizer)
    loss_of(model, batch(0)).backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)
    used = model.head.weight.grad.clone()
    # As a loop does that shows the mean of all ranks.
    norm.mul_(1000)
    optimizer.step()
    job.run.log(loss=1.0, step=0)
    (frame,) = job.finish()
    second = optimizer.state[model.head.weight]["exp_avg_sq"] / (1 - 0.95)
    wanted = (used.square() / second.clamp(min=1e-16)).mean().sqrt()
    assert columns(frame)["rms"][5] == pytest.approx(float(wanted), rel=1e-5)
    assert float(NormFactor(torch.tensor(4.0), 1.0).compute()) == pytest.approx(0.25, rel=1e-6)
    assert float(NormFactor(torch.tensor(0.5), 1.0).compute()) == 1


@pytest.mark.parametrize("has_histograms", [False, True])
def test_sums_are_one_piece_that_is_copied_whole(has_histograms):
    sums = LayerSums.zeros(3, torch.device("cpu"), has_histograms=has_histograms)
    sums.sums.copy_(torch.randn(sums.sums.shape, dtype=torch.float64))
    sums.maxima.copy_(torch.randn(sums.maxima.shape))
    parts = [sums.sums, sums.maxima]
    if has_histograms:
        sums.ratio_slots += torch.arange(sums.ratio_slots.numel()).view_as(sums.ratio_slots).int()
        sums.update_slots += 7
        parts += [sums.ratio_slots, sums.update_slots]
    # A kernel that finds memory beginning elsewhere than at 16 bytes would be another one.
    assert all(part.storage_offset() * part.element_size() % 16 == 0 for part in parts)
    in_parts = LayerSums(*(part.clone() for part in parts))
    for piece in (sums.in_one_piece(), in_parts.in_one_piece()):
        copied = LayerSums.over(piece.clone(), 3, torch.float64, has_histograms=has_histograms)
        found = [copied.sums, copied.maxima, copied.ratio_slots, copied.update_slots]
        assert all(torch.equal(one, other) for one, other in zip(found, parts))
        assert has_histograms or found[2] is None


def accept(statistics, device) -> bool:
    """What the check says of kernels that a test of its own has held to the operations."""
    return True


def train(server, name: str, *, dtype=torch.float32, steps: int = 4, **options):
    model = make_model().to(DEVICE, dtype)
    optimizer = ADAMS[name](model.parameters())
    job = Job(server, model, optimizer, histograms_every=3, max_elements=256, **options)
    for step in range(steps):
        optimizer.zero_grad()
        loss_of(model, batch(step).to(DEVICE)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)
        optimizer.step()
        job.run.log(loss=1.0, step=step)
    return job.finish()


@pytest.mark.parametrize(("name", "dtype"), [("adamw", torch.float32), ("adamw fused", torch.bfloat16)])
def test_a_training_is_seen_alike_with_and_without_kernels(server, name, dtype, monkeypatch, capsys):
    launched = []
    launch = fused_norms.add_norms
    monkeypatch.setattr(fused_norms, "add_norms", lambda *a: launched.append(len(a[0])) or launch(*a))
    monkeypatch.setattr("spikescope.capture.device_capture.kernels_agree", accept)
    with_kernels = train(server, name, dtype=dtype)
    # One pass a step over all gradients, another of the weights where they are wanted.
    assert launched == [7, 7, 7, 7, 7, 7]
    monkeypatch.setattr("spikescope.capture.device_capture.kernels_agree", lambda *_: False)
    without = train(server, name, dtype=dtype)
    assert len(launched) == 6
    for mine, theirs in zip(with_kernels, without):
        wanted = columns(theirs)
        assert columns(mine).keys() == wanted.keys()
        for metric, values in columns(mine).items():
            absolute = 2e-7 if metric in ("update_mean", "gradient_cosine") else 0
            assert values == pytest.approx(wanted[metric], rel=1e-5, abs=absolute), metric
        assert mine.histograms.keys() == theirs.histograms.keys()
        assert mine.scalars["gradient_norm"] == pytest.approx(theirs.scalars["gradient_norm"], rel=1e-6)
    assert "passed over" not in capsys.readouterr().err


class Asked(TorchDispatchMode):
    """Counts operations that ask the device for work; views do not, nor do numbers of the host."""

    FREE = frozenset(
        {
            "_local_scalar_dense",
            "view",
            "split",
            "select",
            "unsqueeze",
            "expand",
            "as_strided",
            "detach",
            "slice",
            "unbind",
        }
    )

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        name = operation.__name__.split(".")[0]
        if name not in self.FREE and not name.startswith(("empty", "split")):
            self.names.append(name)
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("tensor_count", [3, 60])
def test_what_a_step_asks_of_the_device_does_not_grow_with_the_model(tensor_count, monkeypatch):
    parameters = [torch.nn.Parameter(randn(40, seed=index)) for index in range(tensor_count)]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3)
    plan = make_layer_plan(
        [(f"layer.{index}", p) for index, p in enumerate(parameters)],
        grouping="tensor",
        max_elements=None,
        seed=0,
    )
    capture = DeviceCapture(
        DEVICE, plan, [optimizer], adapter=None, betas=(0.9, 0.999), epsilon=1e-8, sample_count=0
    )
    indexes = list(range(tensor_count))
    launched: list[str] = []
    monkeypatch.setattr("spikescope.capture.device_capture.kernels_agree", accept)
    for module, kernels in ((fused_rows, "row_kernels"), (fused_norms, "norm_kernels")):
        monkeypatch.setattr(module, kernels, Launches(launched))
    capture.prepare(indexes)
    for step in range(3):
        for p in parameters:
            p.grad = torch.full_like(p, 1.0 + step) if step == 0 else p.grad.fill_(1.0 + step)
        optimizer.step()
        launched.clear()
        with Asked() as asked:
            taken = capture.take(indexes, None, is_clipped=False, has_wholes=False)
            capture.finish(taken, has_histograms=False, has_wholes=False, must_be_now=True).read_sums()
    assert launched == ["gather_rows", "add_norms", "gather_moments", "add_rows"]
    # A fill for the norms, one for the sums, and the norms copied into those.
    assert asked.names == ["zeros", "zeros", "copy_"]


class Launches:
    """In place of kernels: notes what is launched, since the interpreter is made of operations too."""

    def __init__(self, launched) -> None:
        self.launched = launched

    def __getattr__(self, name):
        launch = functools.partial(self._note, name)
        return collections.defaultdict(lambda: launch)

    def _note(self, name, *args, **kwargs) -> None:
        self.launched.append(name)


def test_a_model_that_grows_keeps_its_kernels(server, monkeypatch):
    checked = []
    monkeypatch.setattr(
        "spikescope.capture.device_capture.kernels_agree", lambda *a: checked.append(a) or True
    )
    launched = []
    launch = fused_norms.add_norms
    monkeypatch.setattr(fused_norms, "add_norms", lambda *a: launched.append(len(a[0])) or launch(*a))
    model = make_model().to(DEVICE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer, group="module", histograms_every=0, max_elements=16)
    for step in range(2):
        if step == 1:
            model.fc.register_parameter("late", torch.nn.Parameter(torch.ones(5, device=DEVICE)))
            optimizer.add_param_group({"params": [model.fc.late]})
            model.fc.late.grad = torch.ones_like(model.fc.late)
        loss_of(model, batch(step).to(DEVICE)).backward()
        optimizer.step()
        job.run.log(loss=1.0, step=step)
    assert len(job.finish()) == 2
    assert launched == [7, 7, 8, 8]
    assert len(checked) == 1


def test_the_kernels_compile_for_cards_that_need_not_be_there(tmp_path):
    script = Path(__file__).with_name("compile_kernels.py")
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path)}
    environment.pop("TRITON_INTERPRET", None)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), "90"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == 4
    for kernel in found:
        # An addition that nobody waits for costs a card a hundredth of one that orders memory.
        assert kernel["waiting_additions"] == 0 and kernel["spilled"] == 0, kernel
        assert kernel["kernel"] != "add_norms" or kernel["wide_loads"] >= 8, kernel
