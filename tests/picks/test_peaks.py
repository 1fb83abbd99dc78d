from __future__ import annotations

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist, pdist

from tomoscribe.picks.peaks import find_peaks, suppress


def blob(
    shape: tuple[int, int, int], centre: tuple[float, float, float], sigma: float = 2.0
) -> np.ndarray:
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    return np.exp(-((grid - centre) ** 2).sum(axis=-1) / (2 * sigma**2)).astype(np.float32)


def test_a_blob_is_found_once_and_better_than_its_voxel() -> None:
    centre = (9.3, 11.7, 10.45)
    zyx, scores = find_peaks(blob((20, 24, 22), centre), 6, 0.5)
    assert zyx.shape == (1, 3)
    assert np.abs(zyx[0] - centre).max() < 0.1
    assert scores[0] == pytest.approx(1.0, abs=0.1)


def test_peaks_come_best_first() -> None:
    heatmap = 0.6 * blob((16, 16, 40), (8, 8, 8)) + 0.9 * blob((16, 16, 40), (8, 8, 30))
    zyx, scores = find_peaks(heatmap, 5, 0.1)
    assert list(np.round(zyx[:, 2])) == [30, 8]
    assert scores[0] > scores[1]


def test_of_two_peaks_within_the_radius_the_higher_stays() -> None:
    heatmap = np.zeros((9, 9, 20), np.float32)
    heatmap[4, 4, 5], heatmap[4, 4, 8], heatmap[4, 4, 12] = 0.8, 0.9, 0.7
    assert [round(x) for x in find_peaks(heatmap, 4, 0.5)[0][:, 2]] == [8, 12]
    assert len(find_peaks(heatmap, 3, 0.5)[0]) == 3


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, -1.0])
def test_a_constant_map_has_no_peak(value: float) -> None:
    assert len(find_peaks(np.full((6, 7, 8), value, np.float32), 2, 0.0)[0]) == 0


def test_an_empty_map_has_no_peak() -> None:
    assert find_peaks(np.zeros((0, 4, 4), np.float32), 2, 0.0)[0].shape == (0, 3)


def test_nan_counts_as_zero() -> None:
    heatmap = blob((12, 12, 12), (5, 5, 5))
    heatmap[9:] = np.nan
    zyx, _ = find_peaks(heatmap, 4, 0.2)
    assert np.allclose(zyx, [[5, 5, 5]], atol=0.2)
    assert len(find_peaks(np.full((5, 5, 5), np.nan, np.float32), 2, 0.0)[0]) == 0


def test_a_plateau_is_one_peak_at_its_middle() -> None:
    heatmap = np.zeros((12, 12, 12), np.float32)
    heatmap[3:8, 3:8, 3:8] = 1.0
    zyx, scores = find_peaks(heatmap, 2, 0.5)
    assert np.allclose(zyx, [[5, 5, 5]], atol=0.01)
    assert scores.tolist() == [1.0]


def test_a_shelf_beside_a_higher_voxel_is_no_peak() -> None:
    heatmap = np.zeros((9, 9, 30), np.float32)
    heatmap[4, 4, 4:20] = 0.5
    heatmap[4, 4, 20] = 0.9
    zyx, _ = find_peaks(heatmap, 2, 0.1)
    assert len(zyx) == 1
    assert round(zyx[0, 2]) == 20


def test_peaks_near_a_face_are_left_out_on_demand() -> None:
    heatmap = blob((20, 20, 40), (2, 10, 10)) + blob((20, 20, 40), (10, 10, 30))
    assert len(find_peaks(heatmap, 5, 0.5)[0]) == 2
    assert len(find_peaks(heatmap, 5, 0.5, border_voxels=3)[0]) == 1
    assert len(find_peaks(heatmap, 5, 0.5, border_voxels=(0, 3, 3))[0]) == 2


def test_only_three_axes_are_taken() -> None:
    with pytest.raises(ValueError, match="three axes"):
        find_peaks(np.zeros((4, 4), np.float32), 2, 0.0)


def brute_maxima(heatmap: np.ndarray, min_score: float) -> list[tuple[int, int, int]]:
    """Return centres of plateaus (26-connected equal voxels) that no voxel beside them tops."""
    seen = np.zeros(heatmap.shape, bool)
    found = []
    for start in np.ndindex(heatmap.shape):
        if seen[start]:
            continue
        value, plateau, stack, highest = heatmap[start], [], [start], True
        seen[start] = True
        while stack:
            at = stack.pop()
            plateau.append(at)
            for offset in np.ndindex(3, 3, 3):
                there = tuple(a + o - 1 for a, o in zip(at, offset, strict=True))
                if any(not 0 <= t < n for t, n in zip(there, heatmap.shape, strict=True)):
                    continue
                if heatmap[there] > value:
                    highest = False
                elif heatmap[there] == value and not seen[there]:
                    seen[there] = True
                    stack.append(there)
        if highest and value >= min_score and value > heatmap.min():
            found.append(tuple(np.mean(plateau, axis=0)))
    return found


small_maps = arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 6)),
    elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
)


@given(small_maps, st.sampled_from([0.0, 0.5]))
def test_with_no_radius_all_local_maxima_are_found(heatmap: np.ndarray, min_score: float) -> None:
    zyx, scores = find_peaks(heatmap, 0, min_score)
    expected = np.array(brute_maxima(heatmap, min_score)).reshape(-1, 3)
    assert len(zyx) == len(expected)
    assert (scores >= min_score).all()
    if len(zyx):
        assert (cdist(expected, zyx).min(axis=1) <= np.sqrt(3) / 2 + 1e-6).all()


@given(small_maps, st.floats(0.5, 5))
def test_peaks_are_apart_and_no_maximum_is_left_without_one(
    heatmap: np.ndarray, radius: float
) -> None:
    zyx, scores = find_peaks(heatmap, radius, 0.25)
    assert (np.diff(scores) <= 0).all()
    if len(zyx) > 1:
        assert pdist(zyx).min() >= radius - 1e-9
    maxima = np.array(brute_maxima(heatmap, 0.25)).reshape(-1, 3)
    if len(maxima):
        # Refinement moves a peak by at most half a voxel an axis.
        assert (cdist(maxima, zyx).min(axis=1) < radius + np.sqrt(3) / 2 + 1e-6).all()


@given(arrays(np.float64, st.tuples(st.integers(0, 30), st.just(3)), elements=st.floats(0, 10)))
def test_suppression_is_greedy_from_the_best_on(points: np.ndarray) -> None:
    kept = suppress(points, 2.0)
    expected: list[int] = []
    for i in range(len(points)):
        if all(np.linalg.norm(points[i] - points[j]) >= 2.0 for j in expected):
            expected.append(i)
    assert np.flatnonzero(kept).tolist() == expected


def test_the_best_peaks_alone_are_the_first_of_all() -> None:
    """Close to each other, so that more must be looked at than are wanted."""
    heatmap = scipy.ndimage.gaussian_filter(np.random.default_rng(5).random((24, 30, 28)), 0.6)
    zyx, values = find_peaks(heatmap, 6.0, 0.1)
    for most in (1, 7, len(zyx) // 2, len(zyx) + 5):
        best, scores = find_peaks(heatmap, 6.0, 0.1, most=most)
        np.testing.assert_array_equal(scores, values[:most])
        np.testing.assert_allclose(best, zyx[:most], atol=0.87)  # half a voxel an axis
