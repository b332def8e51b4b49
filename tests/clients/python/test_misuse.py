"""What a job hands over by mistake is said once; it never ends a training."""

from __future__ import annotations

import pytest

import spikescope


class Unreadable:
    """As proxies and lazily made objects can be."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__

    def __float__(self) -> float:
        raise RuntimeError("no number")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("config", {"config": {"a": Unreadable()}}),
        ("config", {"config": {Unreadable(): 1}}),
        ("layers", {"layers": [1, 2]}),
        ("layers", {"layers": [{"count": 5}]}),
        ("layers", {"layers": 5}),
        ("optimizer", {"optimizer": 5}),
        ("optimizer", {"optimizer": "adamw"}),
        ("tags", {"tags": 5}),
        ("tags", {"tags": [Unreadable()]}),
    ],
)
def test_what_init_cannot_read_is_left_out_and_said(server, name, options, capsys):
    run = spikescope.init("demo", id="run-1", url=server.url, directory="kept", **options)
    run.log(loss=1.0, step=0)
    run.finish()
    assert server.scalars("run-1") == {0: 1.0}
    assert capsys.readouterr().err.count(f"spikescope: {name}: ") == 1


def test_a_value_that_cannot_be_read_costs_no_other(server, capsys):
    run = spikescope.init("demo", id="run-1", url=server.url, directory="kept", layers=[])
    for step in range(2):
        run.log(loss=1.5, odd=Unreadable(), step=step)
    run.finish()
    assert server.scalars("run-1") == {0: 1.5, 1: 1.5}
    assert capsys.readouterr().err.count("odd: expected a number, got Unreadable") == 1


def test_a_tensor_without_a_value_costs_no_other(server):
    torch = pytest.importorskip("torch")
    run = spikescope.init("demo", id="run-1", url=server.url, directory="kept", layers=[])
    run.log(loss=1.5, odd=torch.ones((), device="meta"), step=0)
    run.finish()
    assert server.scalars("run-1") == {0: 1.5}
