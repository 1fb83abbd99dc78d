"""Labels, targets and patches: what the clicks say, and where."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tomoscribe.picks.table import JUNK, Pick, PickState
from tomoscribe.project.model import ParticleClass, Region, Role, TrainingSample
from tomoscribe.tasks.tomogram.labels import FRESH_WEIGHT, can_judge, make_labels, pick_keys
from tomoscribe.tasks.tomogram.sampler import PatchSampler, cut
from tomoscribe.tasks.tomogram.targets import Window, make_targets

CLASSES = (ParticleClass("a", 80.0), ParticleClass("b", 80.0))
CPU = torch.device("cpu")


def _sample(*picks: Pick, regions: tuple[Region, ...] = ()) -> TrainingSample:
    return TrainingSample("s", "s.mrc", 10.0, Role.TRAIN, picks, regions)


def _clicks(count: int, first: int = 1) -> list[Pick]:
    rng = np.random.default_rng(first)
    return [
        Pick(first + i, tuple(rng.uniform(0, 60, 3).tolist()), "a")  # type: ignore[arg-type]
        for i in range(count)
    ]


def _labels(sample: TrainingSample, hold_out: float = 0.0, known=None):
    return make_labels(sample, CLASSES, hold_out=hold_out, known=known)


def test_a_held_out_click_stays_held_out_when_others_come() -> None:
    before = _labels(_sample(*_clicks(20)), 0.2).points[0].held_out
    after = _labels(_sample(*_clicks(20), *_clicks(10, first=21)), 0.2).points[0].held_out
    assert len(before) == 4
    assert len(after) == 6
    kept = [any(np.allclose(p, q) for q in after) for p in before]
    assert sum(kept) >= 2


def test_few_clicks_all_train() -> None:
    points = _labels(_sample(*_clicks(8)), 0.2).points[0]
    assert len(points.clicked) == 8
    assert len(points.held_out) == 0


def test_of_a_tomogram_for_validation_all_clicks_are_held_out() -> None:
    points = _labels(_sample(*_clicks(3)), 1.0).points[0]
    assert len(points.clicked) == 0
    assert len(points.held_out) == 3


def test_only_clicks_make_a_tomogram_one_to_validate_on() -> None:
    region = Region((0, 0, 0), (9, 9, 9))
    proposed = Pick(1, (1, 1, 1), "a", state=PickState.PROPOSED)
    assert not can_judge([_sample(proposed, regions=(region,))], CLASSES)
    assert can_judge([_sample(proposed), _sample(Pick(2, (2, 2, 2), "b"))], CLASSES)


def test_junk_is_a_counter_example_of_every_class_and_drawn_once() -> None:
    junk = Pick(1, (2, 2, 2), JUNK, state=PickState.REJECTED)
    sample = _sample(junk, Pick(2, (9, 9, 9), "a"), Pick(3, (5, 5, 5), JUNK))
    labels = _labels(sample, known=frozenset({("a", 2)}))
    np.testing.assert_array_equal(labels.negatives_of(0), [[2, 2, 2]])
    np.testing.assert_array_equal(labels.negatives_of(1), [[2, 2, 2], [9, 9, 9]])
    clicked, wrong = labels.drawn
    np.testing.assert_array_equal(clicked[0], [[9, 9, 9]])
    np.testing.assert_array_equal(wrong[0], [[2, 2, 2]])
    np.testing.assert_array_equal(wrong[1], [FRESH_WEIGHT])
    window = [Window(0, (0, 0, 0))]
    made = make_targets(window, 16, [labels], np.array([8.0, 8.0]), 1, 4.0, CPU)
    assert made.negative[0, :, 2, 2, 2].tolist() == [4.0, 4.0]
    assert made.target[0, :, 2, 2, 2].max() < 0.01


def test_proposals_are_no_labels_and_rejected_ones_are_negatives() -> None:
    sample = _sample(
        Pick(1, (1, 1, 1), "a", state=PickState.PROPOSED),
        Pick(2, (2, 2, 2), "a", state=PickState.REJECTED),
        Pick(3, (3, 3, 3), "b"),
    )
    labels = _labels(sample)
    assert len(labels.points[0].clicked) == 0
    np.testing.assert_array_equal(labels.negatives_of(0), [[2, 2, 2], [3, 3, 3]])
    assert len(labels.negatives_of(1)) == 0


def test_corrections_during_the_run_are_drawn_more_often() -> None:
    old = _sample(*_clicks(3))
    new = _sample(*_clicks(3), Pick(99, (5, 5, 5), "a"))
    weights = _labels(new, known=pick_keys(old)).points[0].weights
    np.testing.assert_array_equal(weights, [1, 1, 1, FRESH_WEIGHT])


def _targets(sample: TrainingSample, hold_out: float = 0.0, grid_bin: int = 2, lo=(0, 0, 0)):
    labels = [_labels(sample, hold_out)]
    return make_targets([Window(0, lo)], 16, labels, np.array([8.0, 8.0]), grid_bin, 4.0, CPU)


def test_target_peaks_at_the_click_in_the_heatmaps_frame() -> None:
    labels = _targets(_sample(Pick(1, (12.5, 20.5, 8.5), "a")), lo=(2, 4, 0))
    peak = np.unravel_index(int(labels.target[0, 0].argmax()), (16, 16, 16))
    assert peak == (4, 6, 4)
    assert labels.target[0, 0].max().item() == pytest.approx(1.0)
    assert labels.target[0, 1].max().item() == 0.0


def test_other_classes_and_rejected_picks_are_known_negatives() -> None:
    labels = _targets(
        _sample(
            Pick(1, (8.5, 8.5, 8.5), "b"), Pick(2, (20.5, 8.5, 8.5), "a", state=PickState.REJECTED)
        )
    )
    assert labels.negative[0, 0, 4, 4, 4] == 4.0
    assert labels.negative[0, 0, 10, 4, 4] == 4.0
    assert labels.negative[0, 1, 4, 4, 4] == 0.0
    assert labels.negative[0, 0, 0, 14, 14] == 0.0


class _Largest(TorchDispatchMode):
    """Notes the largest tensor that is made."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        made = func(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor):
            self.numel = max(self.numel, made.numel())
        return made


def test_many_clicks_in_view_take_no_more_memory_and_the_nearest_counts() -> None:
    picks = _clicks(200)
    picks = [replace(p, zyx=tuple(0.5 * v for v in p.zyx)) for p in picks]
    with _Largest() as largest:
        labels = _targets(_sample(*picks), grid_bin=1)
    assert largest.numel <= 8 * 16**3
    grid = np.stack(np.meshgrid(*3 * [np.arange(16)], indexing="ij"), -1)
    away = np.linalg.norm(grid[..., None, :] - np.array([p.zyx for p in picks]), axis=-1).min(-1)
    expected = np.exp(-(away**2) / (2 * (0.16 * 8) ** 2))
    np.testing.assert_allclose(labels.target[0, 0].numpy(), expected, atol=1e-3)


def test_declared_regions_are_certain_for_their_classes_only() -> None:
    labels = _targets(_sample(regions=(Region((0, 0, 0), (10, 32, 32), ("a",)),)))
    assert labels.negative[0, 0, :5].min() == 1.0
    assert labels.negative[0, 0, 5:].max() == 0.0
    assert labels.negative[0, 1].max() == 0.0


def test_held_out_clicks_are_neither_target_nor_negative() -> None:
    sample = _sample(*_clicks(20), regions=(Region((0, 0, 0), (64, 64, 64)),))
    held = _labels(sample, 0.2).points[0].held_out[0]
    lo = tuple(np.clip(held // 2 - 8, 0, 16).astype(int).tolist())
    labels = _targets(sample, 0.2, lo=lo)
    z, y, x = np.rint((held - 0.5) / 2 - lo).astype(int)
    assert labels.ignored[0, 0, z, y, x]
    assert labels.negative[0, 0, z, y, x] == 0


def _sampler(sample: TrainingSample, shape: tuple[int, int, int] = (40, 40, 40)) -> PatchSampler:
    sampler = PatchSampler([shape], 16, 2, np.random.default_rng(0))
    sampler.set_labels([_labels(sample)])
    return sampler


def test_half_of_the_patches_hold_a_click() -> None:
    sampler = _sampler(_sample(Pick(1, (40.5, 40.5, 40.5), "a")))
    windows = sampler.draw(40)
    held = [all(lo <= 20 < lo + 16 for lo in w.lo_zyx) for w in windows]
    assert all(held[:20])
    assert 0 < sum(held[20:]) < 12


def test_hard_negatives_are_looked_for() -> None:
    sample = _sample(Pick(1, (4, 4, 4), "a"), Pick(2, (70, 70, 70), "a", state=PickState.REJECTED))
    windows = _sampler(sample).draw(100)
    assert sum(min(w.lo_zyx) >= 17 for w in windows) >= 15


@pytest.mark.parametrize("shape", [(40, 40, 40), (9, 40, 40), (3, 5, 7)])
def test_patches_lie_in_the_volume_or_cover_it(shape: tuple[int, int, int]) -> None:
    sampler = _sampler(_sample(Pick(1, (1, 1, 1), "a")), shape)
    for window in sampler.draw(50):
        for lo, edge in zip(window.lo_zyx, shape, strict=True):
            assert min(0, edge - 16) <= lo <= max(0, edge - 16)


def test_patches_beyond_the_edge_repeat_it() -> None:
    volume = torch.arange(5 * 6 * 7.0).reshape(5, 6, 7)
    patch = cut([volume], [Window(0, (-1, 0, 1))], 4, 2)[0, 0]
    assert patch.shape == (8, 8, 8)
    assert torch.equal(patch[0], patch[2])
    assert patch[2, 0, 0] == volume[0, 0, 2]
    assert patch[2, 7, 7] == volume[0, 5, 6]
