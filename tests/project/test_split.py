from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tomoscribe.project.model import Role
from tomoscribe.project.split import split_by_tomogram


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
