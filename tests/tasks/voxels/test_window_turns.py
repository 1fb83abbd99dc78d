"""Turned windows: what they show stays true, and labels stay on the image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from tomoscribe.errors import TomoscribeError
from tomoscribe.nets.voxel_rotate import rotated_image, rotated_labels, rotation
from tomoscribe.tasks.voxels.plan import VoxelPlan
from tomoscribe.tasks.voxels.settings import VoxelSettings
from tomoscribe.tasks.voxels.window_turns import WindowTurns

EDGES = (8.0, 8.0, 8.0)


def reader(values):
    """Read boxes (..., z, y, x) of values whose edge repeats."""

    def read(lo, hi):
        index = [
            torch.arange(a, b).clamp(0, n - 1)
            for a, b, n in zip(lo, hi, values.shape[-3:], strict=True)
        ]
        z, y, x = torch.meshgrid(*index, indexing="ij")
        return values[..., z, y, x]

    return read


def plan(dimension="2d", window=(1, 16, 16), edges=EDGES):
    return VoxelPlan.model_construct(
        dimension=dimension,
        window_zyx=window,
        voxel_size_zyx_nm=edges,
        reduction_zyx=(1, 1, 1),
    )


def test_quarter_of_a_turn_by_angle_is_the_quarter_turn():
    image = torch.randn(1, 9, 9)
    turned = rotated_image(reader(image), (0, 0, 0), (1, 9, 9), rotation((90, 0, 0), EDGES))
    options = (torch.rot90(image, 1, (1, 2)), torch.rot90(image, -1, (1, 2)))
    assert any(torch.allclose(turned, option, atol=1e-4) for option in options)


@pytest.mark.parametrize("degrees", [(33, 0, 0), (-170, 0, 0), (10, 40, -25)])
def test_labels_lie_on_the_image_whatever_the_angle(degrees):
    z, y, x = torch.meshgrid(*(torch.arange(n).float() for n in (40, 50, 60)), indexing="ij")
    image = (20 * torch.sin(x / 9) + y - z).contiguous()
    labels = (image > 15).int()[None]
    matrix = rotation(degrees, EDGES, 1.2)
    where = ((14, 17, 21), (9, 12, 13), matrix)
    turned = rotated_image(reader(image), *where) > 15
    found = rotated_labels(reader(labels), *where)[0] > 0
    assert 0.1 < found.float().mean() < 0.9
    assert (turned == found).float().mean() > 0.9


def test_corners_of_a_turned_window_show_the_image_and_not_its_edge():
    y, x = torch.meshgrid(torch.arange(60.0), torch.arange(60.0), indexing="ij")
    image = (100 * y + x)[None]
    turned = rotated_image(reader(image), (0, 20, 20), (1, 20, 20), rotation((45, 0, 0), EDGES))
    # A ramp stays one: each step along x is the same, corners included.
    steps = turned[0].diff(dim=1)
    assert torch.allclose(steps, steps[0, 0].expand_as(steps), atol=1e-2)
    assert abs(float(turned.mean()) - (100 * 29.5 + 29.5)) < 1


def test_angles_are_those_of_what_is_imaged_where_voxels_are_no_cubes():
    # A plane at 45 degrees in nm; turned by as much it lies along the sections.
    edges = (20.0, 10.0, 10.0)
    z, x = torch.arange(41.0)[:, None, None] * 20, torch.arange(81.0)[None, None] * 10
    image = (z + x).expand(41, 81, 81)
    lo, size = (16, 30, 30), (9, 21, 21)
    flat = [
        rotated_image(reader(image), lo, size, rotation((0, sign * 45, 0), edges))
        for sign in (1, -1)
    ]
    spread = [float(t.diff(dim=2).abs().max()) for t in flat]
    assert min(spread) < 1e-2 < max(spread)


def test_axes_change_places_where_they_are_as_long_and_only_those_named():
    own = VoxelSettings(flips_zyx=(0, 0, 0), quarter_turns=False, transpose=["y", "x"])
    turns = WindowTurns(own, plan("3d", (4, 4, 4)))
    values = torch.arange(64).reshape(4, 4, 4)
    rng = np.random.default_rng(0)
    seen = {tuple(turns.apply(values, values[None], rng)[0].flatten().tolist()) for _ in range(30)}
    assert seen == {
        tuple(values.flatten().tolist()),
        tuple(values.transpose(1, 2).flatten().tolist()),
    }
    long = torch.zeros(4, 4, 6)
    thin = WindowTurns(own, plan("3d", (4, 4, 6)))
    assert {tuple(thin.apply(long, long[None], rng)[0].shape) for _ in range(9)} == {(4, 4, 6)}


def test_sections_are_not_tilted():
    own = VoxelSettings(rotate_x=(-10, 10))
    with pytest.raises(TomoscribeError, match=r"rotate_x turn sections out of their plane"):
        WindowTurns(own, plan("2d"))


def test_no_angle_is_beyond_the_range_that_is_set():
    turns = WindowTurns(VoxelSettings(rotate_z=(-30, 10)), plan())
    rng = np.random.default_rng(1)
    angles = []
    for _ in range(200):
        matrix = turns.rotation(rng, 1.0)
        angles.append(np.degrees(np.arctan2(matrix[1, 2], matrix[1, 1])))
    assert -30 <= min(angles) < -25
    assert 5 < max(angles) <= 10
    assert WindowTurns(VoxelSettings(), plan()).rotation(rng, 1.0) is None


def test_blurring_by_interpolation_is_little():
    image = functional.avg_pool2d(torch.randn(1, 1, 64, 64), 3, 1, 1)[0]
    lo, size = (0, 16, 16), (1, 32, 32)
    turned = rotated_image(reader(image), lo, size, rotation((30, 0, 0), EDGES))
    assert float(turned.std()) > 0.75 * float(image.std())
