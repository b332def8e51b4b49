"""Where the layers of ranks lie in the run that they post into together."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from spikescope.capture.own_layers import Claim, Place, place_claims
from spikescope.layers import LayerInfo
from spikescope.run_part import RunPart


def claims(*of_ranks) -> list[Claim]:
    return [
        Claim(rank, "run", str(rank), [LayerInfo(name, 4) for name in names.split()], offset)
        for rank, (offset, names) in enumerate(of_ranks)
    ]


def names_of(layers: list[LayerInfo]) -> str:
    return " ".join(layer.name for layer in layers)


def test_layers_that_are_found_lie_in_the_order_of_ranks():
    layers, places = place_claims(claims(("find", "a b"), ("find", "c"), ("find", "d e")))
    assert names_of(layers) == "a b c d e"
    assert places == [Place(0, (0, 1)), Place(2, (0,)), Place(3, (0, 1))]


def test_a_replica_posts_nothing_and_tied_tensors_are_the_first_ranks():
    layers, places = place_claims(
        claims(("find", "wte a"), ("find", "wte a"), ("find", "b wte"), ("find", ""))
    )
    assert names_of(layers) == "wte a b"
    assert places == [Place(0, (0, 1)), None, Place(2, (0,)), None]


def test_numbers_say_the_order_and_stages_may_count_from_0_each():
    layers, places = place_claims(claims((2, "0 1"), (0, "0 1"), (2, "0 1"), (4, "head")))
    assert names_of(layers) == "0 1 0#2 1#2 head"
    assert places == [Place(2, (0, 1)), Place(0, (0, 1)), None, Place(4, (0,))]


@pytest.mark.parametrize(
    ("of_ranks", "words"),
    [
        ([(0, "a b"), (1, "c")], "the layers of rank 1 begin at 1, expected 2"),
        ([(0, "a b"), (3, "c")], "the layers of rank 1 begin at 3, expected 2"),
        ([(1, "a")], "begin at 1, expected 0"),
        ([(0, "a"), ("find", "b")], "expected a number on all ranks, or 'find' on all"),
        ([(-1, "a")], "rank 0 says -1, expected 'find' or a number"),
        ([("all", "a")], "rank 0 says 'all'"),
        ([(True, "a")], "rank 0 says True"),
    ],
)
def test_what_makes_no_model_is_said_with_the_rank_and_what_was_expected(of_ranks, words):
    with pytest.raises(ValueError, match="layer_offset: ") as raised:
        place_claims(claims(*of_ranks))
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("first", "count", "offset", "late"),
    [(0, 2, 0, 1), (2, 3, 2, 3), (4, 1, 4, 5), (2, 1, 2, None), (0, 0, 5, None)],
)
def test_what_comes_late_goes_where_nobodys_layers_begin(first, count, offset, late):
    part = RunPart("run", first, count, 5, shared=None)
    assert part.layer_offset == offset
    if late is None:
        with pytest.raises(ValueError, match="step: it was sent already"):
            _ = part.late_offset
    else:
        assert part.late_offset == late
