"""The U-Net: shapes, first scores, and arithmetic."""

import math

import pytest
import torch

from tomoscribe.nets.precision import PrecisionTest, measure_precision
from tomoscribe.nets.unet import UNet3d


@pytest.mark.parametrize("stem", [1, 2])
def test_one_map_a_class_at_the_stems_resolution(stem: int) -> None:
    net = UNet3d(3, 4, stem=stem)
    edge = net.multiple * 3
    assert net(torch.zeros(2, 1, edge, edge, edge)).shape == (2, 3, *(edge // stem,) * 3)


def test_first_scores_are_near_the_prior() -> None:
    net = UNet3d(1, 4, prior=0.01).eval()
    scores = torch.sigmoid(net(torch.randn(1, 1, 16, 16, 16)))
    assert scores.mean().item() == pytest.approx(0.01, rel=0.3)


@pytest.mark.parametrize("stem", [1, 2])
def test_reach_is_how_far_an_output_sees(stem: int) -> None:
    net = UNet3d(1, 4, stem=stem).eval()
    edge = 2 * (net.reach + 8)
    volume = torch.zeros(1, 1, 8 * stem, 8 * stem, edge * stem)
    changed = volume.clone()
    changed[..., 0] = 100.0
    difference = (net(volume) - net(changed)).abs().amax(dim=(0, 1, 2, 3))
    seen = int(torch.nonzero(difference > 0).max())
    assert 8 < seen <= net.reach


def test_bfloat16_network_keeps_its_head_in_float32() -> None:
    net = UNet3d(1, 4).eval().to_bfloat16()
    logits = net(torch.zeros(1, 1, 8, 8, 8, dtype=torch.bfloat16))
    assert logits.dtype == torch.float32


def test_self_test_of_precision_leaves_the_network_as_it_was() -> None:
    net = UNet3d(1, 4)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    result = measure_precision(net, (1, 1, 16, 16, 16), torch.device("cpu"))
    assert result.difference < 0.1
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(value.grad is None for value in net.parameters())


def test_bfloat16_pays_only_where_faster_and_in_agreement() -> None:
    assert PrecisionTest(1.0, 0.5, 0.02).bfloat16_pays
    assert not PrecisionTest(1.0, 0.95, 0.02).bfloat16_pays
    assert not PrecisionTest(1.0, 0.5, 0.5).bfloat16_pays
    assert not PrecisionTest(1.0, 0.5, math.nan).bfloat16_pays
    assert "2.0 times" in PrecisionTest(1.0, 0.5, 0.02).reason
