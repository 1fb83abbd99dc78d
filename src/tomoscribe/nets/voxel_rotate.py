"""Rotations by any angle, zooms and exchanges of axes of training windows, where they are held."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    Triple = tuple[int, int, int]
    Read = Callable[[Triple, Triple], Tensor]
    Matrix = NDArray[np.float64]


def rotation(
    degrees_zyx: Sequence[float], edges_zyx: Sequence[float], zoom_yx: float = 1.0
) -> Matrix:
    """Return what maps a turned window's voxels to those of the image, axes z y x.

    Parameters
    ----------
    degrees_zyx : sequence of float
        About z, then y, then x.
    edges_zyx : sequence of float
        Voxel edges, of any unit: angles are of what the image shows, not of voxels.
    zoom_yx : float
        How many voxels of a section a voxel of the window steps over.
    """
    turned = np.eye(3)
    for axis, degrees in enumerate(degrees_zyx):
        a, b = ((1, 2), (0, 2), (0, 1))[axis]
        one = np.eye(3)
        one[a, a] = one[b, b] = math.cos(math.radians(degrees))
        one[a, b] = math.sin(math.radians(degrees))
        one[b, a] = -one[a, b]
        turned = one @ turned
    edges = np.asarray(edges_zyx, float)
    matrix: Matrix = (turned * edges / edges[:, None]) @ np.diag([1.0, zoom_yx, zoom_yx])
    return matrix


def rotated_image(read: Read, lo: Triple, size: Triple, matrix: Matrix) -> Tensor:
    """Return a window (z, y, x) turned about its middle, interpolated linearly.

    Parameters
    ----------
    read : callable
        Returns the values (z, y, x) of a box; it may reach beyond the image.
    lo, size : tuple of int
        First voxel and shape of the window that is turned.
    matrix : (3, 3) array
        Of `rotation`.
    """
    reach = _reach(size, matrix)
    box = read(*_box(lo, size, reach))
    grid = _positions(size, matrix, reach, box.device)
    shape = torch.tensor(box.shape, dtype=grid.dtype, device=grid.device)
    # -1 and 1 are the middles of the first and the last voxel; of a single one, any number is.
    grid = 2 * grid / (shape - 1).clamp_min(1) - 1
    grid = torch.where(shape > 1, grid, torch.zeros_like(grid))
    return functional.grid_sample(
        box[None, None], grid.flip(-1)[None], padding_mode="border", align_corners=True
    )[0, 0]


def rotated_labels(read: Read, lo: Triple, size: Triple, matrix: Matrix) -> Tensor:
    """Return labels (class, z, y, x) turned as `rotated_image` does, by the nearest voxel."""
    reach = _reach(size, matrix)
    labels = read(*_box(lo, size, reach))
    nearest = _positions(size, matrix, reach, labels.device).round().long()
    z, y, x = (nearest[..., axis].clamp(0, n - 1) for axis, n in enumerate(labels.shape[1:]))
    return labels[:, z, y, x]


def _reach(size: Triple, matrix: Matrix) -> Triple:
    """Return how many voxels beyond a window, before and after, its turned corners reach."""
    half = (np.array(size) - 1) / 2
    beyond = np.abs(matrix) @ half - half
    z, y, x = (max(0, math.ceil(round(float(b), 6))) for b in beyond)
    return z, y, x


def _box(lo: Triple, size: Triple, reach: Triple) -> tuple[Triple, Triple]:
    z, y, x = (a - r for a, r in zip(lo, reach, strict=True))
    c, b, a = (first + n + r for first, n, r in zip(lo, size, reach, strict=True))
    return (z, y, x), (c, b, a)


def _positions(size: Triple, matrix: Matrix, reach: Triple, device: torch.device) -> Tensor:
    """Return where in the box each voxel (z, y, x, 3) of the window comes from."""
    middle = torch.tensor([(n - 1) / 2 for n in size], device=device)
    axes = [torch.arange(n, device=device) - m for n, m in zip(size, middle, strict=True)]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    turned = offsets @ torch.as_tensor(matrix.T, dtype=offsets.dtype, device=device)
    return turned + middle + torch.tensor(reach, dtype=offsets.dtype, device=device)


def exchanged(values: Tensor, order_zyx: Sequence[int]) -> Tensor:
    """Return (..., z, y, x) values with the axes of space in another order."""
    first = values.ndim - 3
    return values.permute(*range(first), *(first + axis for axis in order_zyx))
