"""What held-out labels say of maps."""

from __future__ import annotations

import numpy as np
import pytest

from tomoscribe.tasks.voxels.judge import MapCounts


def scores(share: float, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits of voxels, and which are of the class: those score higher by two."""
    rng = np.random.default_rng(seed)
    of_class = rng.random(count) < share
    return (rng.normal(0, 1, count) + np.where(of_class, 1, -1)).astype(np.float32), of_class


def test_a_class_that_strokes_show_too_often_is_not_found_too_often() -> None:
    everything, truth = scores(0.05, 40_000, 0)
    shown, stroke = scores(0.45, 4_000, 1)
    logits = np.concatenate([everything, shown])
    target = np.concatenate([truth, stroke])
    known = np.arange(len(logits)) >= len(everything)
    counts = MapCounts(dense=False)
    counts.add(logits, target, known, known)
    verdict = counts.verdict()
    assert verdict is not None
    assert verdict.prior == pytest.approx(0.05, abs=0.04)

    def iou(found: np.ndarray) -> float:
        return float((found & truth).sum() / (found | truth).sum())

    assert iou(everything + verdict.offset >= 0) > 1.3 * iou(everything >= 0)


def test_a_map_is_left_alone_where_a_correction_gains_nothing() -> None:
    logits, truth = scores(0.5, 20_000, 2)
    counts = MapCounts(dense=True)
    every = np.ones(len(logits), bool)
    counts.add(logits, truth, every, every)
    verdict = counts.verdict()
    assert verdict is not None
    assert abs(verdict.offset) < 0.4
    assert verdict.held_out


def test_a_map_whose_class_is_nowhere_has_no_verdict() -> None:
    counts = MapCounts(dense=True)
    logits, every = np.zeros(100, np.float32), np.ones(100, bool)
    counts.add(logits, ~every, every, every)
    assert counts.verdict() is None


@pytest.mark.parametrize("seed", range(5))
def test_few_strokes_that_show_a_class_about_as_often_as_it_occurs_change_little(
    seed: int,
) -> None:
    everything, truth = scores(0.15, 40_000, 2 * seed)
    shown, stroke = scores(0.17, 600, 2 * seed + 1)
    counts = MapCounts(dense=False)
    known = np.arange(40_600) >= 40_000
    counts.add(np.concatenate([everything, shown]), np.concatenate([truth, stroke]), known, known)
    verdict = counts.verdict()
    assert verdict is not None

    def iou(found: np.ndarray) -> float:
        return float((found & truth).sum() / (found | truth).sum())

    assert iou(everything + verdict.offset >= 0) > iou(everything >= 0) - 0.02
