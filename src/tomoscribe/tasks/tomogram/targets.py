"""Target maps of patches, made from the points at every step, since labels may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from tomoscribe.coords import voxels_to_binned
from tomoscribe.nets.losses import Labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.tasks.tomogram.labels import SampleLabels

TARGET_SIGMA = 0.16
"""Width of the target's Gaussian in diameters; wider merges neighbours."""
_IGNORED_RADIUS = 0.4
_NEGATIVE_RADIUS = 0.35
_FAR = 1e6
_POINTS_AT_ONCE = 8
"""Points whose distances are held at a time: all of 200 in view would take gigabytes."""


@dataclass(frozen=True)
class Window:
    """A patch on the heatmap's grid: first voxel, edge, of which tomogram."""

    sample: int
    lo_zyx: tuple[int, int, int]


def make_targets(
    windows: list[Window],
    edge: int,
    labels: list[SampleLabels],
    diameters: NDArray[np.float64],
    grid_bin: int,
    rejected_weight: float,
    device: torch.device,
) -> Labels:
    """Return the labels of a batch, each (B, class, edge, edge, edge).

    Parameters
    ----------
    windows : list of Window
        Where the patches lie, in heatmap voxels.
    edge : int
        Patch edge, heatmap voxels.
    labels : list of SampleLabels
        Of each tomogram, tomogram voxels.
    diameters : (class,) array
        Particle diameters, tomogram voxels.
    grid_bin : int
        Tomogram voxels to a heatmap voxel.
    rejected_weight : float
        Loss weight around rejected picks and clicks of other classes.
    device : torch.device
        Where to make them.
    """
    target, negative, ignored = [], [], []
    for index, diameter in enumerate(diameters.tolist()):
        size = diameter / grid_bin

        def near(groups: list[NDArray[np.float64]], reach: float, size: float = size) -> Tensor:
            return (
                _squared_distance(windows, edge, groups, grid_bin, reach * size, device) / size**2
            )

        clicked = [sample.points[index].clicked for sample in labels]
        held = [sample.points[index].held_out for sample in labels]
        known = [sample.negatives_of(index) for sample in labels]
        gauss = torch.exp(near(clicked, 4 * TARGET_SIGMA) / (-2 * TARGET_SIGMA**2))
        wrong = near(known, 1.0) < _NEGATIVE_RADIUS**2
        certain = _region_mask(windows, edge, labels, index, grid_bin, device)
        target.append(gauss)
        negative.append(torch.where(wrong & (gauss < 0.3), rejected_weight, certain))
        ignored.append(near(held, 1.0) < _IGNORED_RADIUS**2)
    ignore = torch.stack(ignored, 1)
    return Labels(torch.stack(target, 1), torch.stack(negative, 1).masked_fill(ignore, 0.0), ignore)


def _squared_distance(
    windows: list[Window],
    edge: int,
    groups: list[NDArray[np.float64]],
    grid_bin: int,
    reach: float,
    device: torch.device,
) -> Tensor:
    """Return the squared distance (B, edge, edge, edge) to the nearest point around."""
    nearby = []
    for window in windows:
        points = voxels_to_binned(groups[window.sample], grid_bin) - np.array(window.lo_zyx)
        inside = np.all((points > -reach) & (points < edge - 1 + reach), axis=1)
        nearby.append(points[inside])
    most = max(map(len, nearby))
    padded = np.full((len(windows), most, 3), _FAR, np.float32)
    for row, points in zip(padded, nearby, strict=True):
        row[: len(points)] = points
    axis = torch.arange(edge, device=device, dtype=torch.float32)
    offset = (torch.from_numpy(padded).to(device)[..., None] - axis).square_()
    nearest = torch.full((len(windows), edge, edge, edge), _FAR, device=device)
    for start in range(0, most, _POINTS_AT_ONCE):
        z, y, x = offset[:, start : start + _POINTS_AT_ONCE].unbind(2)
        squared = z[..., None, None] + y[:, :, None, :, None] + x[:, :, None, None, :]
        torch.minimum(nearest, squared.amin(1), out=nearest)
    return nearest


def _region_mask(
    windows: list[Window],
    edge: int,
    labels: list[SampleLabels],
    index: int,
    grid_bin: int,
    device: torch.device,
) -> Tensor:
    """Return 1 where a region that is complete for class `index` covers a voxel's centre."""
    mask = torch.zeros((len(windows), edge, edge, edge), device=device)
    for row, window in zip(mask, windows, strict=True):
        for box in labels[window.sample].boxes_of(index):
            lo, hi = np.ceil(voxels_to_binned(box, grid_bin)) - window.lo_zyx
            (z0, y0, x0), (z1, y1, x1) = (
                np.clip(v, 0, edge).astype(int).tolist() for v in (lo, hi)
            )
            row[z0:z1, y0:y1, x0:x1] = 1.0
    return mask
