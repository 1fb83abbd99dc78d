import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from tomoscribe.segmentation.decoder_settings import DecoderSettings, default_settings
from tomoscribe.segmentation.decoders import decode
from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.matching import pair_by_section, pair_objects, summed
from tomoscribe.segmentation.tuning import TuningSample, best_threshold, tune

NM = (20.0, 8.0, 8.0)
NAMES = ("mito", "mito contour")


def timid_model(seed: int = 0) -> TuningSample:
    """Touching cells, and maps of an under-trained model: low scores, noise, specks."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:120, :120]
    centres = [(r, c) for r in range(15, 120, 30) for c in range(15, 120, 30)]
    away = np.stack([np.hypot(y - r, x - c) for r, c in centres])
    truth = np.where(away.min(axis=0) < 16, away.argmin(axis=0) + 1, 0)
    edge = ndimage.grey_dilation(truth, 3) != ndimage.grey_erosion(truth, 3)
    foreground = 0.62 * ndimage.gaussian_filter((truth > 0).astype(float), 1)
    contour = 0.55 * ndimage.gaussian_filter((edge & (truth > 0)).astype(float), 0.7)
    noise = 0.05 * ndimage.gaussian_filter(rng.normal(size=(2, *truth.shape)), (0, 1, 1)) / 0.28
    maps = np.clip(np.stack([foreground, contour]) + noise, 0, 1).astype(np.float32)
    return TuningSample(maps[:, None], truth[None, None].astype(np.int32))


def average_precision(sample: TuningSample, settings: DecoderSettings) -> float:
    (found,) = decode(sample.maps, NAMES, ("mito",), settings, NM)
    return summed(pair_by_section(sample.labels[0], found.labels), 0.5).average_precision


def test_tuned_settings_find_more_objects_of_another_sample_than_the_defaults():
    start = default_settings("instance", "2d", NM)
    tuned = tune([timid_model()], NAMES, ("mito",), start, NM)["mito"]
    assert (tuned.kind, tuned.dimension) == ("watershed", "2d")
    other = timid_model(seed=1)
    before, after = average_precision(other, start), average_precision(other, tuned)
    assert before < 0.5
    assert after > 0.8
    assert tune([timid_model()], NAMES, ("mito",), start, NM)["mito"] == tuned


def test_unlabelled_voxels_neither_tune_nor_judge():
    sample = timid_model()
    hidden = sample.labels.copy()
    hidden[..., 60:] = UNKNOWN
    wrong = sample.maps.copy()
    wrong[..., 90:] = 1.0  # nonsense where nothing is labelled
    start = default_settings("instance", "2d", NM)
    tuned = tune([TuningSample(wrong, hidden)], NAMES, ("mito",), start, NM)["mito"]
    assert average_precision(timid_model(seed=1), tuned) > 0.8

    nothing = np.full_like(hidden, UNKNOWN)
    assert tune([TuningSample(wrong, nothing)], NAMES, ("mito",), start, NM)["mito"] == start


def test_the_threshold_of_a_class_is_where_most_labelled_voxels_are_right():
    scores = np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.9, 0.95], dtype=np.float32)
    labels = np.array([0, 0, 0, 1, 1, 1, UNKNOWN], dtype=np.int32)
    for each in (scores, (scores * 255).astype(np.uint8)):
        threshold = best_threshold([(each, labels)])
        assert threshold is not None
        assert 0.35 < threshold < 0.55  # the middle of the gap
    assert best_threshold([(scores, np.zeros(7, np.int32))]) is None

    start = DecoderSettings(kind="threshold", dimension="2d")
    sample = TuningSample(
        scores.reshape(1, 1, 1, 7), np.array([0, 0, 0, 1, 1, 1, 1], np.int32).reshape(1, 1, 1, 7)
    )
    assert 0.35 < tune([sample], ("a",), ("a",), start, NM)["a"].threshold < 0.55


def test_a_merged_and_a_split_object_count_as_they_should():
    truth = np.zeros((1, 40, 40), dtype=np.int32)
    truth[:, 2:12, 2:12], truth[:, 20:30, 2:12], truth[:, 20:30, 12:22] = 1, 2, 3
    merged = np.where(truth == 3, 2, truth)
    pairs = pair_objects(truth, merged)
    counts = pairs.counts(0.5)  # the merged one has an IoU of exactly 0.5 with one of both
    assert (counts.hits, counts.extra, counts.missed) == (2, 0, 1)
    assert pairs.counts(0.55).hits == 1
    assert counts.iou_sum == pytest.approx(1.5)

    unknown = np.where(truth == 3, UNKNOWN, truth)
    assert pair_objects(unknown, merged).counts(0.95).average_precision == 1
    assert pair_objects(truth * 0, truth * 0).counts(0.5).average_precision == 1


SCORER = Path(__file__).parents[3] / "shared" / "bench" / "segmentation" / "evaluate.py"


@pytest.mark.skipif(not SCORER.exists(), reason="the independent scorer is not here")
def test_counts_equal_those_of_an_independent_scorer():
    spec = importlib.util.spec_from_file_location("scorer", SCORER)
    assert spec is not None
    assert spec.loader is not None
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    sample = timid_model()
    settings = DecoderSettings(
        dimension="2d", threshold=0.3, seed_threshold=0.45, contour_threshold=0.2
    )
    (found,) = decode(sample.maps, NAMES, ("mito",), settings, NM)
    truth = sample.labels[0].copy()
    truth[:, :20] = UNKNOWN
    theirs = scorer.instance(found.labels.astype(int), truth, ignore=UNKNOWN, rounds=0)
    ours = summed(pair_by_section(truth, found.labels), 0.5)
    assert [ours.hits, ours.extra, ours.missed] == theirs["tp_fp_fn_50"]
    assert ours.hits > 0
    assert ours.panoptic_quality == pytest.approx(theirs["pq_50"], abs=1e-4)


def test_a_map_that_knows_nothing_of_a_rare_class_still_gets_a_threshold():
    labels = np.zeros((1, 100, 100), dtype=np.int32)
    labels[0, 0, :20] = 1
    threshold = best_threshold([(np.full(labels.shape, 0.5, np.float32), labels)])
    assert threshold is not None
    assert 0 < threshold < 1


def test_least_sizes_are_tuned_whatever_the_numbers_of_objects_are():
    sample = timid_model()
    large = np.where(sample.labels > 0, sample.labels + 2**30, sample.labels)
    start = default_settings("instance", "3d", NM)
    small = tune([sample], NAMES, ["mito"], start, NM)
    assert tune([TuningSample(sample.maps, large)], NAMES, ["mito"], start, NM) == small
