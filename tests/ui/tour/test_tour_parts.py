"""The tour without a window: where the card goes, and when a step is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tomoscribe.ui.keys import GROUPS, table
from tomoscribe.ui.keys_overlay import columns_of
from tomoscribe.ui.tour.places import GAP, Box, place
from tomoscribe.ui.tour.steps import STEPS, Facts

WINDOW = Box(0, 20, 1280, 780)
CARD = (300, 160)


def _overlap(a: Box, b: Box) -> bool:
    return (
        a.x < b.x + b.width
        and b.x < a.x + a.width
        and a.y < b.y + b.height
        and b.y < a.y + a.height
    )


@pytest.mark.parametrize(
    ("target", "side"),
    [
        (Box(960, 100, 300, 40), "left"),
        (Box(960, 25, 300, 30), "left"),
        (Box(960, 760, 300, 30), "left"),
        (Box(5, 300, 200, 40), "right"),
        (Box(0, 740, 1280, 50), "above"),
        (Box(0, 30, 1280, 50), "below"),
    ],
)
def test_the_card_goes_beside_its_target_and_never_onto_it_or_the_menus(
    target: Box, side: str
) -> None:
    at, found = place(target, CARD, WINDOW)
    assert found == side
    assert not _overlap(at, target)
    assert at.x >= 0
    assert at.x + at.width <= 1280
    assert at.y >= 20
    assert at.y + at.height <= 800


def test_beside_a_canvas_that_fills_the_window_the_card_goes_into_its_corner() -> None:
    at, side = place(Box(10, 30, 1260, 760), CARD, WINDOW)
    assert side == "inside"
    assert (at.x, at.y + at.height) == (10 + GAP, 790 - GAP)


def test_without_a_target_the_card_is_in_the_window() -> None:
    at, side = place(None, CARD, WINDOW)
    assert side == "inside"
    assert at.y + at.height <= 800


def test_no_step_is_done_by_waiting() -> None:
    begun = Facts(tomogram="one", look=(2, 5), clicks=0, run="old", sides=("b",), answers=7)
    for step in STEPS[1:]:
        assert not step.done(begun, begun), step.name


@pytest.mark.parametrize(
    ("name", "now"),
    [
        ("open", {"tomogram": "one"}),
        ("look", {"look": (2, 6)}),
        ("click", {"clicks": 3, "heatmap": True}),
        ("train", {"run": "new"}),
        ("watch", {"previews": 2, "alive": True}),
        ("watch", {"previews": 1, "alive": False}),
        ("compare", {"sides": ("blink",)}),
        ("threshold", {"touched": 1}),
        ("review", {"answers": 10}),
        ("continue", {"run": "new"}),
        ("export", {"exported": True}),
    ],
)
def test_a_step_is_done_when_the_user_did_it(name: str, now: dict[str, object]) -> None:
    begun = Facts(look=(2, 5), run="old", sides=("b",), answers=7)
    step = next(s for s in STEPS if s.name == name)
    assert step.done(begun, replace(begun, **now))


@pytest.mark.parametrize(
    ("name", "now"),
    [
        ("click", {"clicks": 3}),
        ("click", {"clicks": 2, "heatmap": True}),
        ("watch", {"previews": 1, "alive": True}),
        ("review", {"answers": 9}),
    ],
)
def test_a_step_is_not_done_half_way(name: str, now: dict[str, object]) -> None:
    begun = Facts(answers=7)
    step = next(s for s in STEPS if s.name == name)
    assert not step.done(begun, replace(begun, **now))


def test_texts_are_short_and_each_step_is_told_once() -> None:
    assert 8 <= len(STEPS) <= 10
    assert len({s.name for s in STEPS}) == len(STEPS)
    assert max(len(s.text) for s in STEPS) < 200


def test_keys_are_spread_over_columns_in_their_order() -> None:
    groups = [("a", [("k", "t")] * 10), ("b", [("k", "t")] * 4), ("c", [("k", "t")] * 5)]
    assert [[name for name, _ in column] for column in columns_of(groups, 2)] == [
        ["a"],
        ["b", "c"],
    ]
    assert len(columns_of(groups, 4)) == 3
    assert [name for column in columns_of(table(), 3) for name, _ in column] == list(GROUPS)
