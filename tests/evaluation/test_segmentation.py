import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tomoscribe.evaluation.cellmap_score import cellmap_instance_score, cellmap_scores
from tomoscribe.evaluation.segmentation import instance_scores, voxel_scores
from tomoscribe.segmentation.labels import UNKNOWN

NM = (8.0, 8.0, 8.0)


def three_boxes() -> np.ndarray:
    truth = np.zeros((2, 40, 40), dtype=np.int32)
    truth[:, 2:12, 2:12], truth[:, 20:30, 2:12], truth[:, 20:30, 12:22] = 1, 2, 3
    return truth


def test_voxels_of_a_class_are_counted_where_they_are_labelled():
    truth = three_boxes()
    half = truth.copy()
    half[:, :, 12:] = 0
    scores = voxel_scores(truth, half)
    assert (scores.iou, scores.dice) == pytest.approx((2 / 3, 0.8))
    assert (scores.precision, scores.recall) == pytest.approx((1.0, 2 / 3))
    assert voxel_scores(np.where(truth == 3, UNKNOWN, truth), half).iou == 1
    assert voxel_scores(truth * 0, truth * 0).iou == 1


def test_what_nothing_tells_is_not_called_perfect():
    truth = three_boxes()
    unseen = voxel_scores(truth, truth * 0)
    assert (unseen.iou, unseen.recall) == (0, 0)
    assert np.isnan(unseen.precision)
    made_up = voxel_scores(truth * 0, truth)
    assert (made_up.iou, made_up.precision) == (0, 0)
    assert np.isnan(made_up.recall)
    for by_section in (False, True):
        objects = instance_scores(truth * 0, truth, by_section=by_section)
        assert (objects.at_50.hits, objects.average_precision) == (0, 0)
        assert np.isnan([objects.voi_split, objects.voi_merge]).all()


def test_a_perfect_a_merged_and_a_split_segmentation():
    truth = three_boxes()
    same = instance_scores(truth, np.array([0, 7, 5, 6])[truth])
    assert same.average_precision == same.at_50.f1 == same.at_50.panoptic_quality == 1
    assert same.voi_split == same.voi_merge == 0

    merged = instance_scores(truth, np.where(truth == 3, 2, truth))
    assert (merged.at_50.hits, merged.at_50.extra, merged.at_50.missed) == (2, 0, 1)
    assert merged.voi_merge == pytest.approx(2 / 3)
    assert merged.voi_split == pytest.approx(0)

    split = truth.copy()
    split[:, :, :7][truth[:, :, :7] == 1] = 9
    pieces = instance_scores(truth, split)
    assert pieces.voi_split == pytest.approx(1 / 3)
    assert pieces.voi_merge == pytest.approx(0)


def test_objects_match_one_to_one_only_where_labels_are_and_whatever_their_numbers():
    truth, found = np.zeros((1, 20, 20), np.int64), np.zeros((1, 20, 20), np.int64)
    truth[0, :8, :8], truth[0, 10:18, :8] = 1, 2**62
    found[0, :8, :9], found[0, 12:14, 12:14] = 7, 2**61
    counts = instance_scores(truth, found).at_50
    assert (counts.hits, counts.extra, counts.missed) == (1, 1, 1)
    truth[0, :, 10:] = UNKNOWN
    counts = instance_scores(truth, found).at_50
    assert (counts.hits, counts.extra, counts.missed) == (1, 0, 1)


SCORER = Path(__file__).parents[3] / "shared" / "bench" / "segmentation" / "evaluate.py"


@pytest.mark.skipif(not SCORER.exists(), reason="the independent scorer is not here")
@pytest.mark.parametrize("by_section", [True, False])
def test_figures_equal_those_of_an_independent_scorer(by_section: bool):
    spec = importlib.util.spec_from_file_location("scorer", SCORER)
    assert spec is not None
    assert spec.loader is not None
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    rng = np.random.default_rng(3)
    truth = np.kron(rng.integers(0, 9, (2, 6, 6)), np.ones((2, 8, 8), int)).astype(np.int32)
    found = np.roll(truth, (0, 2, 1), (0, 1, 2))
    found[:, :10] = 11
    truth[:, -6:] = UNKNOWN
    ours = instance_scores(truth, found, by_section=by_section)
    theirs = scorer.instance(found, truth, ignore=UNKNOWN, three_d=not by_section, rounds=0)
    assert ours.at_50.hits > 0
    assert [ours.at_50.hits, ours.at_50.extra, ours.at_50.missed] == theirs["tp_fp_fn_50"]
    assert [
        ours.at_50.average_precision,
        ours.at_75.average_precision,
        ours.average_precision,
        ours.at_50.f1,
        ours.at_50.panoptic_quality,
        ours.voi_split,
        ours.voi_merge,
    ] == pytest.approx(
        [
            theirs[k]
            for k in ("ap50", "ap75", "ap50_95", "f1_50", "pq_50", "voi_split", "voi_merge")
        ],
        abs=1e-4,
    )
    masks = scorer.semantic((found > 0) + 0, np.where(truth > 0, 1, truth), [1], UNKNOWN, rounds=0)
    assert voxel_scores(truth, found).iou == pytest.approx(masks["1"]["iou"], abs=1e-4)


def test_the_challenge_judges_objects_by_shape_and_other_classes_by_voxels():
    truth = np.zeros((10, 30, 30), dtype=np.int32)
    truth[2:8, 2:12, 2:12], truth[2:8, 2:12, 18:28] = 1, 2
    perfect = cellmap_instance_score(truth, truth, NM)
    assert (perfect.combined, perfect.hausdorff_nm) == (1.0, (0.0, 0.0))

    # One object is three voxels too long, one is missing, one is nothing.
    found = np.zeros_like(truth)
    found[2:8, 2:15, 2:12] = 5
    found[2:8, 20:25, 18:28] = 5  # of the same number, but apart
    score = cellmap_instance_score(truth, found, NM)
    assert (score.counts.hits, score.counts.extra, score.counts.missed) == (1, 1, 1)
    assert score.hausdorff_nm == (24.0,)
    hausdorff = 1.01 ** (-24 / np.sqrt(3 * 64)) / 2
    assert score.combined == pytest.approx(np.sqrt(0.5 * hausdorff))

    both = cellmap_scores({"mito": (truth, found), "ecs": (truth, truth)}, NM)
    assert list(both.instance) == ["mito"]
    assert both.semantic == {"ecs": 1.0}
    assert both.overall == pytest.approx(np.sqrt(score.combined))


def test_objects_are_matched_in_the_challenge_with_the_largest_sum_of_ious():
    # Of three chained pairs, the outer two together are better than the best one alone.
    truth = np.zeros((1, 1, 40), dtype=np.int32)
    found = np.zeros_like(truth)
    truth[..., 0:10], truth[..., 10:20] = 1, 2
    found[..., 0:4], found[..., 4:15] = 1, 2  # IoUs: 4/10; 6/15 with the first, 5/16
    score = cellmap_instance_score(truth, found, NM)
    assert (score.counts.hits, score.counts.extra, score.counts.missed) == (2, 0, 0)
    assert score.counts.iou_sum == pytest.approx(4 / 10 + 5 / 16)

    found[...] = 0
    found[..., 0:2], found[..., 2:14] = 1, 2  # 2/10; 8/14 with the first, 4/18
    alone = cellmap_instance_score(truth, found, NM)
    assert (alone.counts.hits, alone.counts.extra, alone.counts.missed) == (1, 1, 1)
    assert alone.counts.iou_sum == pytest.approx(8 / 14)


def test_numbers_that_32_bits_do_not_hold_stay_those_of_their_objects():
    truth = np.zeros((2, 6, 8), np.uint64)
    truth[:, 1:3, 1:4], truth[:, 1:3, 4:7], truth[:, 4:, 2:5] = 5, 2**32 + 5, 3_000_000_000
    score = cellmap_instance_score(truth, truth, NM)
    assert (score.counts.hits, score.counts.extra, score.counts.missed) == (3, 0, 0)
    assert score.combined == 1


def test_sections_without_true_objects_do_not_thin_out_what_is_split_and_merged():
    truth, found = np.full((5, 20, 20), UNKNOWN), np.zeros((5, 20, 20), np.int32)
    truth[3] = 0
    truth[3, 2:12, 2:12], truth[3, 2:12, 12:18] = 1, 2
    found[:, 2:12, 2:18] = 1
    each = instance_scores(truth, found, by_section=True)
    assert each.voi_merge > 0.5
    assert each == instance_scores(truth, found)
