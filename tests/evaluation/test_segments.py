"""Two checkpoints' maps that are known, against labels that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.judgement import Standing
from tomoscribe.evaluation.score_bytes import encode_scores
from tomoscribe.evaluation.segments.agreement import agreement
from tomoscribe.evaluation.segments.judgement import Basis, ImageOnSides, judge
from tomoscribe.evaluation.segments.maps import LabelledImage, SegmentMaps, check_fit
from tomoscribe.evaluation.segments.marks import Mark
from tomoscribe.evaluation.segments.report import SegmentReport, render
from tomoscribe.evaluation.segments.words import (
    figures_of,
    how_judged,
    not_known,
    places_to_look,
    spot_text,
)
from tomoscribe.segmentation.decoder_settings import DecoderSettings
from tomoscribe.segmentation.labels import ArrayLabels, SampleLabels

SHAPE = (4, 40, 40)
VOXEL = (8.0, 8.0, 8.0)


def maps_of(values: dict[str, np.ndarray], *, kind: str = "threshold") -> SegmentMaps:
    classes = tuple(values)
    return SegmentMaps(
        encode_scores(np.stack(list(values.values()))), classes, classes, False,
        kind == "components", dict.fromkeys(classes, DecoderSettings(kind=kind)), VOXEL,
    )  # fmt: skip


def image_of(labels: np.ndarray | None, *names: str) -> LabelledImage:
    told = None
    if labels is not None:
        known = np.argwhere((labels != -1).any(0))
        lo, hi = known.min(0).tolist(), (known.max(0) + 1).tolist()
        told = SampleLabels(ArrayLabels(labels.astype(np.int32)), ((tuple(lo), tuple(hi)),), "made")
    return LabelledImage("one", names, told, SHAPE, VOXEL)


def block(x0: int, x1: int, score: float = 0.9) -> np.ndarray:
    """Return a map of a block from x0 to x1, 10 to 20 along y, in all sections."""
    scores = np.full(SHAPE, 0.1, np.float32)
    scores[:, 10:20, x0:x1] = score
    return scores


def labels_of(x0: int, x1: int) -> np.ndarray:
    labels = np.zeros((1, *SHAPE), np.int32)
    labels[0, :, 10:20, x0:x1] = 1
    return labels


def test_overlap_of_voxels_is_counted_where_labels_are() -> None:
    """A covers 10 of the true 20 columns, B all and 5 beside; half of the image is unlabelled."""
    labels = labels_of(0, 20)
    labels[:, :, :, 30:] = -1
    sides = {"A": maps_of({"mito": block(0, 10)}), "B": maps_of({"mito": block(0, 35)})}
    found = judge([ImageOnSides(image_of(labels, "mito"), sides, {})])
    a, b = (figures_of(found.judged[k, "mito"]) for k in "AB")
    assert (a["IoU"], a["precision"], a["recall"]) == pytest.approx((0.5, 1.0, 0.5))
    assert a["Dice"] == pytest.approx(2 / 3)
    assert (b["IoU"], b["precision"], b["recall"]) == pytest.approx((2 / 3, 2 / 3, 1.0))
    missed = found.judged["A", "mito"].spots[0]
    assert (missed.standing, missed.voxels) == (Standing.MISSED, 4 * 10 * 10)
    assert 10 <= missed.zyx[2] < 20
    extra = found.judged["B", "mito"].spots[0]
    assert (extra.standing, extra.voxels) == (Standing.WRONG, 4 * 10 * 10)
    assert spot_text(extra) == "extra mito: 400 voxels"
    assert "Objects" not in how_judged(found)  # no side tells any apart


def test_a_side_that_found_nothing_of_a_class_has_no_precision() -> None:
    sides = {"A": maps_of({"mito": block(0, 10)}), "B": maps_of({"mito": block(0, 10, 0.1)})}
    found = judge([ImageOnSides(image_of(labels_of(0, 20), "mito"), sides, {})])
    told = figures_of(found.judged["B", "mito"])
    assert (told["IoU"], told["recall"]) == (0, 0)
    assert "precision" not in told
    assert "nan" not in render(SegmentReport("p", "today", "1", (), found, "", (), ()))


def test_only_what_no_side_learned_from_judges_both_sides_alike() -> None:
    labels = labels_of(0, 20)

    def right_half(lo, hi):
        unseen = np.zeros([b - a for a, b in zip(lo, hi, strict=True)], bool)
        unseen[:, :, max(10 - lo[2], 0) :] = True
        return unseen

    sides = {"A": maps_of({"mito": block(0, 10)}), "B": maps_of({"mito": block(0, 15)})}
    image = image_of(labels, "mito")
    found = judge([ImageOnSides(image, sides, {"A": right_half, "B": None})])
    assert found.basis is Basis.NEVER_SEEN
    assert found.judged["A", "mito"].voxels.iou == 0.0
    assert found.judged["B", "mito"].voxels.iou == pytest.approx(0.5)
    said = how_judged(found)
    assert "not known which labels the training of B saw" in said
    assert "75%" in said
    learned = {k: lambda lo, hi: ~right_half(lo, hi) & right_half(lo, hi) for k in "AB"}
    found = judge([ImageOnSides(image, sides, learned)])
    assert found.basis is Basis.ALL
    assert found.judged["A", "mito"].voxels.iou == pytest.approx(0.5)
    assert "flatter" in how_judged(found)


def test_the_curve_has_the_figures_of_each_threshold() -> None:
    scores = block(0, 20, 0.4)
    scores[:, 10:20, 20:30] = 0.2
    sides = {"A": maps_of({"mito": scores})}
    found = judge([ImageOnSides(image_of(labels_of(0, 20), "mito"), sides, {})])
    curve = found.judged["A", "mito"].curve
    at = {t: int(np.searchsorted(curve.thresholds, t)) for t in (0.15, 0.3, 0.5)}
    assert curve.iou[at[0.3]] == 1.0
    assert curve.iou[at[0.15]] == pytest.approx(2 / 3)
    assert curve.recall[at[0.5]] == 0.0
    best, threshold = curve.best()
    assert best == 1.0
    assert 0.2 < threshold <= 0.4
    assert found.judged["A", "mito"].voxels.iou == 0.0  # its decoder takes 0.5


def test_objects_are_matched_missed_and_extra_with_the_place_of_each() -> None:
    labels = np.zeros((1, *SHAPE), np.int32)
    for number, x0 in enumerate((0, 12, 24), start=1):
        labels[0, :, 10:20, x0 : x0 + 8] = number
    scores = np.full(SHAPE, 0.1, np.float32)
    for x0 in (0, 12):
        scores[:, 10:20, x0 : x0 + 8] = 0.9
    scores[:, 30:36, 30:36] = 0.9
    sides = {"A": maps_of({"mito": scores}, kind="components")}
    found = judge([ImageOnSides(image_of(labels, "mito"), sides, {})])
    told = figures_of(found.judged["A", "mito"])
    assert (told["objects found"], told["objects missed"], told["objects extra"]) == (2, 1, 1)
    assert told["AP at IoU 0.5"] == pytest.approx(0.5)
    assert told["F1 of objects"] == pytest.approx(2 / 3)
    assert told["panoptic quality"] == pytest.approx(2 / 3)
    assert told["VOI split, bits"] == 0.0
    spots = found.judged["A", "mito"].spots
    assert [s.standing for s in spots] == ["missed", "wrong", "matched", "matched"]
    z, y, x = spots[0].zyx
    assert labels[0, int(z), int(y), int(x)] == 3
    z, y, x = spots[1].zyx
    assert 30 <= y < 36 <= 36
    assert spot_text(spots[0]) == "missed mito: nothing overlaps, 320 voxels"


def test_of_strokes_no_objects_are_counted() -> None:
    labels = np.full((1, *SHAPE), -1, np.int32)
    labels[0, 0, 10, :10], labels[0, 3, 30, :20], labels[0, 3, 35, 3] = 64, 0, 65
    sides = {"A": maps_of({"mito": block(0, 10)}, kind="components")}
    found = judge([ImageOnSides(image_of(labels, "mito"), sides, {})])
    assert "objects found" not in figures_of(found.judged["A", "mito"])
    assert "few are" in how_judged(found)
    assert "Objects are not counted" in how_judged(found)


def test_sides_with_other_classes_are_judged_in_those_they_know() -> None:
    labels = np.concatenate([labels_of(0, 20), labels_of(20, 40)])
    sides = {
        "A": maps_of({"mito": block(0, 20), "er": block(0, 5)}),
        "B": maps_of({"vesicle": block(20, 40)}),
    }
    found = judge([ImageOnSides(image_of(labels, "mito", "vesicle"), sides, {})])
    assert set(found.judged) == {("A", "mito"), ("B", "vesicle")}
    assert found.judged["B", "vesicle"].voxels.iou == 1.0
    assert not_known(found) == [
        "A knows no class 'vesicle', only mito, er.", "B knows no class 'mito', only vesicle.",
    ]  # fmt: skip
    assert agreement(image_of(None), sides["A"], sides["B"]) is None


def test_without_labels_the_sides_are_set_against_each_other() -> None:
    a, b = maps_of({"mito": block(0, 20)}), maps_of({"mito": block(0, 20)})
    b.values[0, 2, 24:36, 24:36] = 255
    image = image_of(None, "mito")
    found = judge([ImageOnSides(image, {"A": a, "B": b}, {})])
    assert found.basis is Basis.NONE
    assert figures_of(found.judged["A", "mito"]) == {}
    assert "Nothing is labelled here" in how_judged(found)
    told = agreement(image, a, b)
    assert told.share == pytest.approx(36 / (4 * 20 * 20))
    assert told.of_class["mito"].iou == pytest.approx(200 / 236)
    assert len(told.places) == 1
    assert told.places[0, 0] == 2


def test_labelled_voxels_and_those_not_computed_are_left_out_of_the_agreement() -> None:
    a, b = maps_of({"mito": block(0, 20)}), maps_of({"mito": block(0, 40)})
    b.values[:, 3] = 0
    labels = np.full((1, *SHAPE), -1, np.int32)
    labels[0, 0, 5:25, 20:40] = 0
    told = agreement(image_of(labels, "mito"), a, b)
    assert told.voxels == 3 * 400 - 100
    assert told.differing == 2 * 50


def test_maps_of_another_grid_are_told() -> None:
    maps = maps_of({"mito": block(0, 20)})
    other = LabelledImage("one", ("mito",), None, (4, 40, 44), VOXEL)
    with pytest.raises(TomoscribeError, match=r"4 × 40 × 40 voxels .* predict it anew"):
        check_fit(other, maps, "run/step")


def test_an_object_split_one_missed_and_one_found_have_the_figures_of_pencil_and_paper() -> None:
    """Three true objects of 100 voxels a section: halved, missed, found whole."""
    labels = np.zeros((1, *SHAPE), np.int32)
    for number, x0 in enumerate((0, 14, 28), start=1):
        labels[0, :, 10:20, x0 : x0 + 10] = number
    scores = np.full(SHAPE, 0.1, np.float32)
    scores[:, 10:20, 0:4] = scores[:, 10:20, 5:10] = scores[:, 10:20, 28:38] = 0.9
    sides = {"A": maps_of({"mito": scores}, kind="components")}
    found = judge([ImageOnSides(image_of(labels, "mito"), sides, {})]).judged["A", "mito"]
    told = figures_of(found)
    # One half has 5 of 10 columns: IoU 0.5, a match; the other, 4 columns, is extra.
    assert (told["objects found"], told["objects missed"], told["objects extra"]) == (2, 1, 1)
    assert told["F1 of objects"] == pytest.approx(2 / 3)
    assert told["AP at IoU 0.5"] == pytest.approx(0.5)
    assert told["IoU"] == pytest.approx(19 / 30)
    assert told["Dice"] == pytest.approx(38 / 49)
    # Of 30 columns: the first object is 5, 4 and 1 not found, the second 10 not found.
    thirds = [5 / 30, 4 / 30, 1 / 30, 10 / 30, 10 / 30]
    joint = -sum(p * np.log2(p) for p in thirds)
    assert told["VOI split, bits"] == pytest.approx(joint - np.log2(3))
    of_found = [5 / 30, 4 / 30, 11 / 30, 10 / 30]
    merged = joint + sum(p * np.log2(p) for p in of_found)
    assert told["VOI merge, bits"] == pytest.approx(merged)
    [marks] = found.marks
    assert marks.lo == (0, 0, 0)
    row = marks.values[2, 15]
    assert set(row[0:4]) == {Mark.EXTRA}
    assert row[4] == Mark.NONE
    assert set(row[5:10]) == {Mark.MATCHED}
    assert set(row[14:24]) == {Mark.MISSED}
    assert set(row[28:38]) == {Mark.MATCHED}
    assert set(row[38:]) == {Mark.NONE}


def test_objects_of_sections_are_matched_in_each_section() -> None:
    """Numbers that go through the volume match in the one section in which they are found."""
    labels = np.zeros((1, *SHAPE), np.int32)
    labels[0, :, 10:20, 0:8], labels[0, :, 10:20, 20:28] = 1, 2
    scores = np.full(SHAPE, 0.1, np.float32)
    scores[0, 10:20, 0:8] = scores[:, 10:20, 20:28] = 0.9
    maps = maps_of({"mito": scores}, kind="components")
    maps.settings["mito"] = DecoderSettings(kind="components", dimension="2d")
    found = judge([ImageOnSides(image_of(labels, "mito"), {"A": maps}, {})]).judged["A", "mito"]
    told = figures_of(found)
    assert (told["objects found"], told["objects missed"], told["objects extra"]) == (5, 3, 0)
    assert [int(s.zyx[0]) for s in found.spots[:3]] == [1, 2, 3]
    [marks] = found.marks
    assert [marks.values[z, 15, 4] for z in range(4)] == [Mark.MATCHED] + 3 * [Mark.MISSED]


@pytest.mark.parametrize("of_labels", [False, True])
def test_both_sides_are_matched_in_sections_where_a_side_or_the_labels_are(of_labels: bool) -> None:
    """A finds all, B the half of the sections; through the volume B would have found both."""
    labels = np.zeros((1, *SHAPE), np.int32)
    labels[0, :, 10:20, 0:8], labels[0, :, 10:20, 20:28] = 1, 2
    scores = np.full(SHAPE, 0.1, np.float32)
    scores[:, 10:20, 0:8] = scores[:, 10:20, 20:28] = 0.9
    half = scores.copy()
    half[2:] = 0.1
    sides = {k: maps_of({"mito": v}, kind="components") for k, v in (("A", scores), ("B", half))}
    if of_labels:
        labels += np.where(labels > 0, 2 * np.arange(4).reshape(1, 4, 1, 1), 0)
    else:
        sides["A"].settings["mito"] = DecoderSettings(kind="components", dimension="2d")
    told = judge([ImageOnSides(image_of(labels, "mito"), sides, {})])
    a, b = (figures_of(told.judged[k, "mito"]) for k in "AB")
    assert (a["objects found"], a["objects missed"]) == (8, 0)
    assert (b["objects found"], b["objects missed"]) == (4, 4)
    assert "matched in each section" in how_judged(told)


def test_marks_of_voxels_tell_hits_from_errors_and_from_what_is_unlabelled() -> None:
    labels = labels_of(0, 20)
    labels[:, :, :, 30:] = -1
    maps = maps_of({"mito": block(10, 35)})
    judged = judge([ImageOnSides(image_of(labels, "mito"), {"A": maps}, {})]).judged["A", "mito"]
    [marks] = judged.marks
    assert marks.values.shape == (4, 40, 30)  # only what is labelled
    row = marks.values[0, 15]
    assert set(row[:10]) == {Mark.MISSED}
    assert set(row[10:20]) == {Mark.MATCHED}
    assert set(row[20:30]) == {Mark.EXTRA}


def test_places_to_look_at_are_the_largest_errors_and_fields_apart() -> None:
    labels = np.full((1, *SHAPE), -1, np.int32)
    labels[0, 0, 10:20, :20] = 1
    labels[0, 0, 20:30, :20] = 0
    a, b = maps_of({"mito": block(0, 10)}), maps_of({"mito": block(0, 40)})
    image = image_of(labels, "mito")
    told = judge([ImageOnSides(image, {"A": a, "B": b}, {})])
    places = places_to_look(told, [agreement(image, a, b)])
    assert [place.text for place in places] == [
        "A: missed mito: 100 voxels", "A and B differ around here",
    ]  # fmt: skip
    assert places[1].zyx[0] > 0


def test_what_both_sides_miss_is_one_place() -> None:
    nothing = maps_of({"mito": np.full(SHAPE, 0.1, np.float32)})
    image = image_of(labels_of(0, 20), "mito")
    told = judge([ImageOnSides(image, {"A": nothing, "B": nothing}, {})])
    [place] = places_to_look(told, [])
    assert place.text == "A: missed mito: 800 voxels. B: missed mito: 800 voxels"


def test_one_error_in_successive_sections_and_on_both_sides_is_one_place() -> None:
    """Sections of 8 nm are looked at together; of 800 nm, each by itself, five at most."""
    shape, labels = (10, 40, 40), np.zeros((1, 10, 40, 40), np.int32)
    for z in range(10):
        labels[0, z, 10:20, 2:12], labels[0, z, 10:20, 28:38] = 2 * z + 1, 2 * z + 2
    settings = {"mito": DecoderSettings(kind="components", dimension="2d")}
    nothing = maps_of({"mito": np.full(shape, 0.1, np.float32)}, kind="components")
    told = []
    for edge in (8.0, 800.0):
        size = (edge, 8.0, 8.0)
        image = replace(image_of(labels, "mito"), shape_zyx=shape, voxel_size_zyx_nm=size)
        maps = replace(nothing, settings=settings, voxel_size_zyx_nm=size)
        judged = judge([ImageOnSides(image, {"A": maps, "B": maps}, {})])
        told.append([place.text for place in places_to_look(judged, [])])
    once = "missed mito: nothing overlaps, 100 voxels"
    assert told[0] == [f"A: {once}; 9 more around it. B: {once}; 9 more around it"] * 2
    assert told[1] == [f"A: {once}. B: {once}"] * 5


def test_what_was_found_where_little_is_labelled_is_no_error_to_look_at() -> None:
    """Found: the true objects, and one that lies mostly where nothing is labelled."""
    labels = np.zeros((1, *SHAPE), np.int32)
    labels[0, :, 10:20, 0:8], labels[0, :, 10:20, 12:20] = 1, 2
    labels[0, :, :, 24:] = -1
    scores = np.full(SHAPE, 0.1, np.float32)
    scores[:, 10:20, 0:8] = scores[:, 10:20, 12:20] = scores[:, 10:20, 22:32] = 0.9
    maps = maps_of({"mito": scores}, kind="components")
    image = image_of(labels, "mito")
    wide = LabelledImage("one", ("mito",), replace(image.labels, boxes=(((0, 0, 0), SHAPE),)),
                         SHAPE, VOXEL)  # fmt: skip
    told = judge([ImageOnSides(wide, {"A": maps}, {})])
    judged = told.judged["A", "mito"]
    assert [s.standing for s in judged.spots] == [Standing.OPEN] + 2 * [Standing.MATCHED]
    assert judged.spots[0].zyx[2] == pytest.approx(26.5, abs=1)
    figures = figures_of(judged)
    assert (figures["objects found"], figures["objects extra"]) == (2, 0)
    assert figures["AP at IoU 0.5"] == 1.0
    assert places_to_look(told, []) == []
    assert (judged.marks[0].values[0, 15, 22:32] == Mark.OPEN).all()


def test_an_error_through_sections_that_were_painted_one_by_one_is_one_piece() -> None:
    labels = labels_of(0, 20)
    boxes = tuple(((z, 0, 0), (z + 1, 40, 40)) for z in range(4))
    image = LabelledImage(
        "one", ("mito",), SampleLabels(ArrayLabels(labels), boxes, "made"), SHAPE, VOXEL
    )
    told = judge([ImageOnSides(image, {"A": maps_of({"mito": block(0, 10)})}, {})])
    [missed] = told.judged["A", "mito"].spots
    assert missed.voxels == 4 * 10 * 10
