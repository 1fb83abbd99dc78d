"""The losses: what is not clicked is not background."""

import pytest
import torch

from tomoscribe.nets.losses import Labels, hot_exclusion, non_negative_pu


def _labels(shape: tuple[int, ...] = (1, 1, 8, 8, 8)) -> Labels:
    target = torch.zeros(shape)
    target[..., 2, 2, 2] = 1.0
    return Labels(target, torch.zeros(shape), torch.zeros(shape, dtype=torch.bool))


def _logits() -> torch.Tensor:
    logits = torch.full((1, 1, 8, 8, 8), -4.0)
    logits[..., 2, 2, 2] = 2.0
    logits[..., 6, 6, 6] = 3.0
    return logits.requires_grad_()


def _gradient(loss: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    (gradient,) = torch.autograd.grad(loss, logits)
    return gradient[0, 0]


def test_hottest_unlabelled_voxels_are_left_alone() -> None:
    logits = _logits()
    gradient = _gradient(hot_exclusion(logits, _labels(), hot_share=0.002), logits)
    assert gradient[6, 6, 6] == 0
    assert gradient[2, 2, 2] < 0
    assert gradient[4, 4, 4] > 0


def test_plain_negatives_push_them_down() -> None:
    logits = _logits()
    gradient = _gradient(hot_exclusion(logits, _labels(), hot_share=0.0), logits)
    assert gradient[6, 6, 6] > 0


@pytest.mark.parametrize("loss", ["hot", "nnpu"])
def test_rejected_picks_are_pushed_down_however_hot(loss: str) -> None:
    logits, labels = _logits(), _labels()
    labels.negative[..., 6, 6, 6] = 4.0
    value = (
        hot_exclusion(logits, labels, 0.01)
        if loss == "hot"
        else non_negative_pu(logits, labels, 0.01)
    )
    gradient = _gradient(value, logits)
    assert gradient[6, 6, 6] > 0
    assert gradient[2, 2, 2] < 0


def test_held_out_clicks_are_ignored() -> None:
    logits, labels = _logits(), _labels()
    labels.ignored[..., 6, 6, 6] = True
    assert _gradient(hot_exclusion(logits, labels, 0.0), logits)[6, 6, 6] == 0


def test_classes_are_excluded_each_by_its_own_heat() -> None:
    shape = (1, 2, 8, 8, 8)
    logits = torch.full(shape, -4.0)
    logits[0, 0, 6, 6, 6], logits[0, 1, 5, 5, 5] = 3.0, 1.0
    logits.requires_grad_()
    loss = hot_exclusion(logits, _labels(shape), hot_share=0.002)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient[0, 0, 6, 6, 6] == 0
    assert gradient[0, 1, 5, 5, 5] == 0
    assert gradient[0, 1, 6, 6, 6] > 0
