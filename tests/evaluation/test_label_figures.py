"""Label volumes against the truth: how objects are matched, and what is taken for a class."""

from __future__ import annotations

import numpy as np
import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.label_figures import (
    IN_SECTIONS,
    MATCHED,
    THROUGH,
    LabelOptions,
    challenge_figures,
    label_figures,
)
from tomoscribe.io.label_files import LabelVolume

NM = (40.0, 8.0, 8.0)
F1 = "F1 at IoU 0.5"


def stack(numbers: list[tuple[int, int]]) -> np.ndarray:
    """Return sections with two objects each, which lie where they lie in the section before."""
    labels = np.zeros((len(numbers), 8, 20), np.int32)
    for section, (left, right) in zip(labels, numbers, strict=True):
        section[2:6, 2:8] = left
        section[2:6, 12:18] = right
    return labels


THROUGH_ALL = stack([(1, 2)] * 4)
OWN = stack([(1, 2), (3, 4), (5, 6), (7, 8)])
AGAIN = stack([(1, 2), (2, 1), (1, 2), (2, 1)])


def compared(
    found: np.ndarray, truth: np.ndarray, **options: object
) -> tuple[dict[str, float | str], tuple[str, ...]]:
    volumes = (LabelVolume.of(v, f"{n}.tif", NM) for v, n in ((found, "found"), (truth, "truth")))
    told = label_figures(*volumes, LabelOptions(objects=True, **options))  # type: ignore[arg-type]
    return told.of_class["objects"], told.notes


@pytest.mark.parametrize("anew", [OWN, AGAIN])
def test_objects_numbered_anew_in_each_section_are_matched_in_each(anew: np.ndarray) -> None:
    for found, truth, name in ((anew, THROUGH_ALL, "found.tif"), (THROUGH_ALL, anew, "truth.tif")):
        figures, notes = compared(found, truth)
        assert (figures[F1], figures[MATCHED]) == (1, IN_SECTIONS)
        assert figures["found and true"] == 8
        assert [note.split(" numbers")[0] for note in notes] == [name]
        assert "--through" in notes[0]


def test_the_user_decides_how_objects_are_matched() -> None:
    figures, notes = compared(OWN, THROUGH_ALL, by_section=False)
    assert (figures[F1], figures[MATCHED], notes) == (0, THROUGH, ())
    figures, notes = compared(THROUGH_ALL, THROUGH_ALL, by_section=True)
    assert (figures["found and true"], figures[MATCHED], notes) == (8, IN_SECTIONS, ())


def test_objects_that_go_through_are_matched_through_the_volume() -> None:
    figures, notes = compared(THROUGH_ALL, THROUGH_ALL)
    assert (figures["found and true"], figures[MATCHED], notes) == (2, THROUGH, ())


def test_many_values_without_names_are_hardly_classes() -> None:
    labels = stack([(2 * z + 1, 2 * z + 2) for z in range(6)])
    volume = LabelVolume.of(labels, "numbers.tif", NM)
    with pytest.raises(TomoscribeError, match=r"numbers\.tif has 12 values.*--objects"):
        label_figures(volume, volume, LabelOptions())
    named = label_figures(volume, volume, LabelOptions({1: "mito"}))
    assert (named.of_class["mito"]["IoU"], named.notes) == (1, ())
    few = LabelVolume.of(np.minimum(labels, 2), "two.tif", NM)
    told = label_figures(few, few, LabelOptions())
    assert list(told.of_class) == ["class 1", "class 2", "mean"]
    assert "--objects" in told.notes[0]


def test_nothing_is_found_where_numbers_are_below_0() -> None:
    found = THROUGH_ALL.copy()
    found[:, 2:4, 2:8] = -1
    found[0, 0, 0] = -1
    for hausdorff in (False, True):
        left_out = compared(found, THROUGH_ALL, hausdorff=hausdorff)
        assert left_out == compared(np.maximum(found, 0), THROUGH_ALL, hausdorff=hausdorff)
        assert left_out[0]["VOI split, bits"] > 0  # half of an object is not found
    pairs = {n: tuple(LabelVolume.of(v, n, NM) for v in (found, THROUGH_ALL)) for n in ("mito",)}
    assert challenge_figures(pairs, None)["mito"]["F1"] == 1  # type: ignore[arg-type]


def test_a_class_that_is_nowhere_is_not_judged_and_makes_no_mean_better() -> None:
    found = LabelVolume.of(np.where(THROUGH_ALL == 2, 0, THROUGH_ALL), "found.tif", NM)
    truth = LabelVolume.of(THROUGH_ALL, "truth.tif", NM)
    told = label_figures(found, truth, LabelOptions({1: "mito", 2: "er", 3: "nuc"}))
    assert list(told.of_class) == ["mito", "er", "mean"]
    assert told.of_class["mean"]["IoU"] == 0.5
    assert told.notes == ("nuc (value 3) is nowhere in truth.tif nor found: not judged.",)
    with pytest.raises(TomoscribeError, match="nothing to compare"):
        label_figures(found, truth, LabelOptions({3: "nuc"}))
