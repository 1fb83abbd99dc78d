"""The instant answer: a few clicks find the others, in the tomogram's own coordinates."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import KDTree
from scipy.spatial.distance import pdist

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import Volume
from tomoscribe.picks.match import best_f1, precision_recall_f1
from tomoscribe.prediction.instant import InstantAnswer, choose_bin
from tomoscribe.prediction.instant_features import compute_features
from tomoscribe.simulate.case import sparse_clicks
from tomoscribe.simulate.sample import make_scene
from tomoscribe.simulate.tomogram import SimulatedTomogram, simulate_tomogram

DIAMETER_A = 160.0
VOXEL_A = 10.0
TOLERANCE = DIAMETER_A / VOXEL_A / 2


@pytest.fixture(scope="module")
def sample() -> SimulatedTomogram:
    scene = make_scene("tiny", shape_zyx=(48, 128, 128))
    target = replace(scene.species[0], diameter_A=DIAMETER_A, count=30)
    return simulate_tomogram(replace(scene, species=(target,), snr=0.4, beads=1), seed=1)


@pytest.fixture(scope="module")
def answer(sample: SimulatedTomogram) -> InstantAnswer:
    return InstantAnswer(Volume("sample.mrc", sample.volume, VOXEL_A))


@pytest.fixture(scope="module")
def clicks(sample: SimulatedTomogram) -> np.ndarray:
    return sparse_clicks(sample, 6)


def test_six_clicks_find_most_of_the_others(
    sample: SimulatedTomogram, answer: InstantAnswer, clicks: np.ndarray
) -> None:
    heatmap = answer.answer(clicks, DIAMETER_A)
    found, _ = answer.proposals(heatmap, (), DIAMETER_A)
    truth = sample.truth["globule"]
    precision, recall, _ = precision_recall_f1(found, truth, TOLERANCE)
    assert precision > 0.8
    assert recall > 0.4
    best = best_f1(heatmap.peaks_zyx, heatmap.peak_scores, truth, TOLERANCE)
    assert best.f1 > 0.75


def test_heatmap_covers_the_tomogram_in_its_own_coordinates(
    sample: SimulatedTomogram, answer: InstantAnswer, clicks: np.ndarray
) -> None:
    heatmap = answer.answer(clicks, DIAMETER_A)
    assert heatmap.bin == 2
    assert heatmap.scores.shape == (24, 64, 64)
    assert heatmap.scores.dtype == np.float32
    assert 0 <= heatmap.scores.min() < 0.05 < 0.7 < heatmap.scores.max() <= 1
    found, _ = answer.proposals(heatmap, (), DIAMETER_A)
    distance, _ = KDTree(sample.truth["globule"]).query(found)
    near = distance < DIAMETER_A / VOXEL_A / 2
    assert np.median(distance[near]) < 0.15 * DIAMETER_A / VOXEL_A


def test_proposals_are_new_apart_and_best_first(answer: InstantAnswer, clicks: np.ndarray) -> None:
    heatmap = answer.answer(clicks, DIAMETER_A)
    everything, scores = answer.proposals(heatmap, (), DIAMETER_A)
    assert np.all(np.diff(scores) <= 0)
    assert pdist(everything).min() >= 0.5 * DIAMETER_A / VOXEL_A
    rejected = everything[:2]
    fresh, _ = answer.proposals(heatmap, clicks, DIAMETER_A, rejected)
    known = KDTree(np.concatenate([clicks, rejected]))
    assert known.query(fresh)[0].min() > 0.5 * DIAMETER_A / VOXEL_A


def test_rejected_place_vanishes_and_accepted_ones_teach(
    sample: SimulatedTomogram, answer: InstantAnswer, clicks: np.ndarray
) -> None:
    before = answer.answer(clicks, DIAMETER_A)
    found, _ = answer.proposals(before, clicks, DIAMETER_A)
    after = answer.answer(clicks, DIAMETER_A, found[:1], found[1:5])
    z, y, x = np.rint((found[0] - 0.5) / 2).astype(int)
    assert before.scores[z, y, x] > 0.5
    assert after.scores[z, y, x] == 0
    assert not np.array_equal(before.scores[0], after.scores[0])


def test_model_of_one_tomogram_answers_in_another(
    sample: SimulatedTomogram, answer: InstantAnswer, clicks: np.ndarray
) -> None:
    other = simulate_tomogram(sample.scene, seed=9)
    model = answer.fit(clicks, DIAMETER_A)
    heatmap = InstantAnswer(Volume("other.mrc", other.volume, VOXEL_A)).apply(model)
    truth = other.truth["globule"]
    assert best_f1(heatmap.peaks_zyx, heatmap.peak_scores, truth, TOLERANCE).f1 > 0.7


def test_lower_threshold_proposes_more(answer: InstantAnswer, clicks: np.ndarray) -> None:
    heatmap = answer.answer(clicks, DIAMETER_A)
    few, _ = answer.proposals(heatmap, clicks, DIAMETER_A, min_score=0.9)
    many, _ = answer.proposals(heatmap, clicks, DIAMETER_A, min_score=0.3)
    assert len(few) < len(many)


def test_same_clicks_same_answer(sample: SimulatedTomogram, clicks: np.ndarray) -> None:
    volume = Volume("sample.mrc", sample.volume, VOXEL_A)
    first, again = (InstantAnswer(volume).answer(clicks, DIAMETER_A).scores for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_grey_values_units_do_not_matter(sample: SimulatedTomogram, clicks: np.ndarray) -> None:
    scaled = Volume("scaled.mrc", sample.volume * 250 - 3000, VOXEL_A)
    plain = Volume("plain.mrc", sample.volume, VOXEL_A)
    first, again = (InstantAnswer(v).answer(clicks, DIAMETER_A).scores for v in (scaled, plain))
    np.testing.assert_allclose(first, again, atol=0.02)


def test_clicks_beyond_the_tomogram_do_not_count(answer: InstantAnswer, clicks: np.ndarray) -> None:
    with pytest.raises(TomoscribeError, match=r"needs 3 clicks in sample\.mrc, there are 2"):
        answer.answer([*clicks[:2], (500.0, 10.0, 10.0)], DIAMETER_A)


def test_unknown_voxel_size_and_tiny_particles_are_one_sentence(
    sample: SimulatedTomogram, clicks: np.ndarray
) -> None:
    with pytest.raises(TomoscribeError, match="voxel size"):
        InstantAnswer(Volume("v.mrc", sample.volume, None)).prepare(DIAMETER_A)
    with pytest.raises(TomoscribeError, match="smaller than three voxels"):
        InstantAnswer(Volume("v.mrc", sample.volume, VOXEL_A)).answer(clicks, 20)


def test_constant_tomogram_is_one_sentence(clicks: np.ndarray) -> None:
    flat = Volume("flat.mrc", np.zeros((48, 128, 128), np.float32), VOXEL_A)
    with pytest.raises(TomoscribeError, match="same value"):
        InstantAnswer(flat).answer(clicks, DIAMETER_A)


@pytest.mark.parametrize(
    ("shape", "diameter", "factor"),
    [
        ((200, 464, 464), 25, 2),
        ((200, 464, 464), 9, 2),
        ((64, 128, 128), 9, 1),
        ((128, 384, 384), 33, 2),
        ((500, 1000, 1000), 62, 4),
    ],
)
def test_grid_follows_the_particle(
    shape: tuple[int, int, int], diameter: float, factor: int
) -> None:
    assert choose_bin(shape, diameter) == factor


def test_features_do_not_change_when_the_tomogram_is_turned() -> None:
    values = np.random.default_rng(0).standard_normal((24, 24, 24), dtype=np.float32)
    upright = compute_features(values.copy(), 8, 1).raw
    turned = compute_features(np.rot90(values, axes=(0, 2)).copy(), 8, 1).raw
    np.testing.assert_allclose(np.rot90(upright, axes=(1, 3)), turned, atol=0.05)


def test_viewer_gets_the_answer_without_torch() -> None:
    code = "import sys, tomoscribe.prediction.instant; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
