"""The kernels of `watch`, each held to the torch operations that define what it finds.

On a card they are compiled; elsewhere Triton interprets them on the processor, where they read
the same tables of addresses. Small sizes: an interpreted program takes milliseconds.
"""

from __future__ import annotations

import collections
import functools
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
if not os.environ.get("CI"):
    pytest.importorskip("triton")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from watched_job import ADAMS, Job, batch, columns, loss_of, make_model  # noqa: E402

from spikescope.capture import fused_norms, fused_rows, kernel_check  # noqa: E402
from spikescope.capture.addresses import Addresses  # noqa: E402
from spikescope.capture.clip_hook import NormFactor  # noqa: E402
from spikescope.capture.device_capture import DeviceCapture, _gather_moments  # noqa: E402
from spikescope.capture.gather import make_layouts  # noqa: E402
from spikescope.capture.layer_plan import make_layer_plan  # noqa: E402
from spikescope.capture.located_moments import MomentTables  # noqa: E402
from spikescope.capture.optimizers import BiasCorrection, Moments  # noqa: E402
from spikescope.capture.statistics import LayerSums, Statistics, Thresholds  # noqa: E402
from spikescope.capture.whole_norms import largest_magnitudes, square_sums  # noqa: E402

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
# NumPy, which interprets, says what a card does in silence.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(autouse=True)
def _kernels_are_used(monkeypatch):
    monkeypatch.setattr(fused_rows, "is_available", lambda device: fused_rows.row_kernels is not None)


def randn(*shape, seed: int = 1, scale: float = 1.0):
    return (scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))).to(DEVICE)


def norms_of(values, layers=None):
    """(Σ x², max |x|) of each layer by the kernel."""
    layers = list(range(len(values))) if layers is None else layers
    located = Addresses(DEVICE).locate("values", values)
    chunks = fused_norms.Chunks.make(layers, [value.numel() for value in values], DEVICE)
    squares, largest = fused_norms.add_norms(located.table, chunks, max(layers) + 1)
    return squares.tolist(), largest.tolist()


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


def test_norms_are_those_of_the_torch_operations():
    # Whole chunks and what is left of one, at 16 bytes and not, and of all types at once.
    whole = randn(2 * fused_norms.CHUNK + 77)
    values = [
        whole,
        whole[3:],
        whole.bfloat16(),
        whole[1:500].half(),
        randn(1),
        randn(40, 50).t(),
        randn(6, 8, 10, 12)[:, ::2, :, 1:7],
        randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    ]
    squares, largest = norms_of(values)
    wanted = square_sums([value.contiguous() for value in values]).tolist()
    assert squares == pytest.approx(wanted, rel=1e-6)
    assert largest == [float(value) for value in largest_magnitudes(values)]


def test_norms_of_a_layer_of_several_tensors_add_up_and_an_empty_one_adds_nothing():
    values = [randn(700), randn(0), randn(40, seed=2).bfloat16(), randn(3, 5, seed=3)]
    squares, largest = norms_of(values, [2, 0, 2, 3])
    assert squares[:2] == [0, 0] and largest[:2] == [0, 0]
    wide = [value.double() for value in values]
    assert squares[2] == pytest.approx(float(wide[0].square().sum() + wide[2].square().sum()), rel=1e-6)
    assert largest[2] == float(torch.maximum(wide[0].abs().max(), wide[2].abs().max()))
    assert squares[3] == pytest.approx(float(wide[3].square().sum()), rel=1e-6)
    assert norms_of([randn(0)]) == ([0], [0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    ("planted", "squares", "largest"),
    [
        ((math.inf,), math.inf, math.inf),
        ((-math.inf,), math.inf, math.inf),
        ((math.nan,), math.nan, math.nan),
        ((math.inf, math.nan), math.nan, math.nan),
    ],
)
def test_what_is_not_finite_shows_as_in_the_torch_operations(dtype, planted, squares, largest):
    value = randn(5000).to(dtype)
    for index, number in enumerate(planted):
        value[4500 + index] = number
    found = [column[0] for column in norms_of([value])]
    assert found == pytest.approx([squares, largest], nan_ok=True)
    defined = [float(square_sums([value])[0]), float(largest_magnitudes([value])[0])]
    assert found == pytest.approx(defined, nan_ok=True)


@pytest.mark.parametrize("scale", [1e-37, 1e-25, 1e-18, 1e-13, 1e15, 1e19, 1e30])
def test_squares_that_float32_cannot_hold_are_kept(scale):
    value = randn(5000, scale=scale)
    squares, largest = norms_of([value])
    assert squares[0] == pytest.approx(float(value.double().square().sum()), rel=1e-6, abs=0)
    assert largest[0] == float(value.abs().max())


def test_a_coordinate_beyond_two_thousand_million_is_reached():
    # Of a tensor of 2^33 elements only the last chunk exists: the table says that it begins before it.
    count = 2**33 + 100
    chunks = fused_norms.Chunks.make([0, 1], [3, count], DEVICE)
    assert len(chunks.start_of_chunk) == 2 + 2**33 // fused_norms.CHUNK
    assert chunks.start_of_chunk[[0, 1, 2, -1]].tolist() == [0, 0, fused_norms.CHUNK, 2**33]
    assert chunks.tensor_of_chunk[[0, 1, -1]].tolist() == [0, 1, 1]
    tail = randn(100)
    small = randn(3, seed=2)
    table = Addresses(DEVICE).locate("both", [small, tail]).table.clone()
    table[1, 0] -= 4 * 2**33
    last = fused_norms.Chunks(
        chunks.layer, chunks.count, chunks.tensor_of_chunk[-1:], chunks.start_of_chunk[-1:]
    )
    squares, largest = fused_norms.add_norms(table, last, 2)
    assert squares.tolist() == pytest.approx([0, float(tail.double().square().sum())], rel=1e-6)
    assert largest.tolist() == [0, float(tail.abs().max())]


def test_addresses_are_sent_again_only_when_a_tensor_lies_elsewhere():
    addresses = Addresses(DEVICE)
    first, second = randn(5), randn(6)
    table = addresses.locate("values", [first, None, second]).table
    assert table.tolist() == [[first.data_ptr(), 0], [0, 0], [second.data_ptr(), 0]]
    assert addresses.locate("values", [first, None, second]).table is table
    moved = addresses.locate("values", [first, None, second.bfloat16()]).table
    assert moved is not table and moved[2, 1] == 1
    assert addresses.locate("values", [first, second.double()]) is None


def layout_of(parameters, *, has_kernels: bool):
    named = [(f"layer.{index}", parameter) for index, parameter in enumerate(parameters)]
    plan = make_layer_plan(named, grouping="tensor", max_elements=700, seed=3)
    counts = [parameter.numel() for parameter in parameters]
    (layout,) = make_layouts(plan.tensors, counts, DEVICE, has_kernels=has_kernels)
    return layout


def corrected(kind: str, index: int):
    beta1, beta2 = (0.9, 0.95) if index != 1 else (0.8, 0.999)
    if kind == "alike":
        return 1 / (1 - 0.9**3), 1 / (1 - 0.95**3)
    if kind == "numbers":
        return 1 / (1 - beta1**3), 1 / (1 - beta2**3)
    # One that GradScaler skipped counts no step yet.
    step = torch.tensor(float([4, 100, 0, 100_000][index]), device=DEVICE)
    return BiasCorrection(step, beta1), BiasCorrection(step, beta2)


@pytest.mark.parametrize("kind", ["alike", "numbers", "steps"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_moments_are_gathered_and_corrected_as_by_the_torch_operations(kind, dtype):
    parameters = [randn(30, 40), randn(7), randn(50, 9).t(), randn(2000)]
    moments = [
        Moments(randn(*p.shape, seed=4).to(dtype), randn(*p.shape, seed=5).square(), *corrected(kind, index))
        for index, p in enumerate(parameters)
    ]
    # As of a parameter that the optimizer has not stepped yet.
    moments[1] = Moments()
    located = MomentTables(Addresses(DEVICE), DEVICE).locate(moments)
    found = located.gather(layout_of(parameters, has_kernels=True))
    wanted = _gather_moments(layout_of(parameters, has_kernels=False), moments, are_kept=False)
    for rows, others in zip(found, wanted):
        assert torch.isfinite(rows).all() and rows.abs().sum() > 0
        assert torch.allclose(rows, others, rtol=3e-7, atol=0)


def test_moments_of_another_type_are_left_to_torch():
    tables = MomentTables(Addresses(DEVICE), DEVICE)
    wide = randn(5).double()
    assert tables.locate([Moments(wide, wide)]) is None
    step = torch.tensor(3.0, dtype=torch.float64, device=DEVICE)
    narrow = randn(5)
    assert (
        tables.locate([Moments(narrow, narrow, BiasCorrection(step, 0.9), BiasCorrection(step, 0.9))]) is None
    )
    assert tables.locate([Moments(narrow, narrow, step, step)]) is None


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


@pytest.mark.parametrize("lacks", [(), ("first",), ("first", "second"), ("previous_gradient",)])
@pytest.mark.parametrize("epsilon", [1e-8, 0.0])
def test_rows_of_any_optimizer_add_up_as_by_the_torch_operations(lacks, epsilon):
    rows, thresholds = kernel_check._make_rows(DEVICE)
    rows = replace(rows, **dict.fromkeys(lacks))
    column = torch.full_like(thresholds.epsilon, epsilon)
    thresholds = Thresholds(column, column, column * column, may_be_zero=epsilon == 0)
    statistics = Statistics(0.9, 0.95, DEVICE)
    assert kernel_check._sums_agree(statistics, rows, thresholds, has_histograms=epsilon == 0)


def test_no_optimizer_needs_a_kernel_of_its_own(monkeypatch):
    constants = []

    def note(*arguments, **options):
        constants.append((options, [getattr(each, "dtype", type(each)) for each in arguments]))

    monkeypatch.setattr(
        fused_rows, "row_kernels", SimpleNamespace(add_rows=collections.defaultdict(lambda: note))
    )
    statistics = Statistics(0.9, 0.95, DEVICE)
    statistics.has_kernels = True
    rows, thresholds = kernel_check._make_rows(DEVICE)
    for lacks in (
        (),
        ("first", "has_first"),
        ("first", "has_first", "second", "has_second"),
        ("previous_gradient",),
    ):
        for may_be_zero in (False, True):
            sums = LayerSums.zeros(3, DEVICE, has_histograms=may_be_zero)
            statistics.add(
                sums, replace(rows, **dict.fromkeys(lacks)), replace(thresholds, may_be_zero=may_be_zero)
            )
    # Compiling one takes a second, and the loop would wait for it in the middle of a training.
    assert len(constants) == 8
    assert all(each == constants[0] for each in constants)
