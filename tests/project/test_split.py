from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tomoscribe.picks.table import Pick, PickState, positions_zyx
from tomoscribe.project.model import Role, TrainingSample
from tomoscribe.project.split import held_out_box, split_by_tomogram

SHAPE = (40, 100, 200)


def sample(zyx: np.ndarray, state: PickState = PickState.ACCEPTED) -> TrainingSample:
    picks = tuple(
        Pick(i, (float(p[0]), float(p[1]), float(p[2])), "ribo", state=state)
        for i, p in enumerate(zyx, 1)
    )
    return TrainingSample("a", "a.mrc", 10.0, Role.TRAIN, picks)


def scattered(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, np.array(SHAPE) - 1, (count, 3))


def test_few_tomograms_all_train() -> None:
    assert set(split_by_tomogram({"a": 5, "b": 9, "c": 2}).values()) == {Role.TRAIN}


def test_of_many_tomograms_the_poor_ones_validate() -> None:
    roles = split_by_tomogram({"a": 50, "b": 9, "c": 6, "d": 30, "e": 0})
    assert [n for n, r in roles.items() if r == Role.VALIDATE] == ["b", "c"]


@given(st.dictionaries(st.text(), st.integers(0, 100), max_size=12), st.floats(0, 1))
def test_the_richest_tomogram_always_trains(counts: dict[str, int], share: float) -> None:
    roles = split_by_tomogram(counts, share)
    assert roles.keys() == counts.keys()
    if counts:
        assert roles[max(counts, key=lambda n: (counts[n], n))] == Role.TRAIN


def test_the_box_holds_about_the_share_that_was_asked_for() -> None:
    zyx = scattered(50)
    box = held_out_box(sample(zyx), SHAPE, share=0.2)
    assert box is not None
    assert box.contains(zyx).sum() == 10


def test_the_box_reaches_three_faces_and_cuts_one_axis() -> None:
    box = held_out_box(sample(scattered(50)), SHAPE)
    assert box is not None
    lo, hi = np.array(box.lo_zyx), np.array(box.hi_zyx)
    cut = (lo != -0.5) | (hi != np.array(SHAPE) - 0.5)
    assert cut.sum() == 1


def test_the_cut_goes_where_it_wastes_fewest_picks() -> None:
    rng = np.random.default_rng(1)
    zyx = np.column_stack(
        [
            rng.uniform(0, 40, 20),
            rng.uniform(0, 100, 20),
            np.r_[rng.uniform(0, 60, 16), rng.uniform(140, 200, 4)],
        ]
    )
    box = held_out_box(sample(zyx), SHAPE, margin_voxels=20)
    assert box is not None
    assert np.abs(zyx[:, 2] - box.lo_zyx[2]).min() > 20
    assert box.contains(zyx).sum() == 4


def test_two_picks_are_parted_and_one_is_not() -> None:
    box = held_out_box(sample(np.array([[5, 5, 5], [5, 5, 90.0]])), SHAPE)
    assert box is not None
    assert box.contains(np.array([[5, 5, 5], [5, 5, 90.0]])).sum() == 1
    assert held_out_box(sample(np.array([[5, 5, 5.0]])), SHAPE) is None


def test_picks_in_one_place_cannot_be_parted() -> None:
    assert held_out_box(sample(np.ones((4, 3))), SHAPE) is None


def test_only_accepted_picks_count() -> None:
    assert held_out_box(sample(scattered(9), PickState.REJECTED), SHAPE) is None


@given(st.integers(2, 60), st.floats(0.01, 0.99), st.integers(0, 1000))
def test_both_sides_of_the_cut_have_a_pick(count: int, share: float, seed: int) -> None:
    data = sample(scattered(count, seed))
    box = held_out_box(data, SHAPE, share)
    assert box is not None
    inside = box.contains(positions_zyx(data.picks)).sum()
    assert 0 < inside < count


def test_the_split_is_the_same_every_time() -> None:
    data = sample(scattered(30))
    assert held_out_box(data, SHAPE) == held_out_box(data, SHAPE)
