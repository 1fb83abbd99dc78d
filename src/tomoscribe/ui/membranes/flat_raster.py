"""Pictures of a flat patch: which triangle each pixel is in, worked out once, then colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.membranes.flatten import FlatPatch

BATCH = 2_000_000
"""Pairs of pixel and triangle that are looked at together, to bound the memory."""


@dataclass(frozen=True)
class Raster:
    """Pixels of a square from -reach to reach in both directions of the map, up being up.

    `corners` (P, 3) are vertices of the whole mesh, `shares` (P, 3) their weights, for the P
    pixels at `rows`, `columns` that the patch covers; the picture is `size` pixels wide.
    """

    size: int
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    corners: NDArray[np.int64]
    shares: NDArray[np.float32]

    def values(self, per_vertex: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the picture (size, size) of values (V,) of the mesh; NaN beside the patch."""
        picture = np.full((self.size, self.size), np.nan, dtype=np.float32)
        seen = np.asarray(per_vertex, np.float32)[self.corners]
        picture[self.rows, self.columns] = np.einsum("pk,pk->p", seen, self.shares)
        return picture


def make_raster(patch: FlatPatch, reach: float, size: int) -> Raster:
    """Return which pixels a patch covers in a picture of `size` pixels, `reach` voxels each way."""
    pixel = 2 * reach / size
    # Column and row of each corner; pixel centres are at whole numbers.
    place = np.stack([patch.uv[:, 0] + reach, reach - patch.uv[:, 1]], axis=1) / pixel - 0.5
    corners = place[patch.faces]
    low = np.clip(np.ceil(corners.min(axis=1)), 0, size).astype(int)
    high = np.clip(np.floor(corners.max(axis=1)), -1, size - 1).astype(int)
    wide = np.maximum(high - low + 1, 0)
    found: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]] = []
    counts = wide.prod(axis=1)
    for part in _batches(counts):
        triangle = np.repeat(part, counts[part])
        start = np.repeat(np.cumsum(counts[part]) - counts[part], counts[part])
        step = np.arange(len(triangle)) - start
        column = low[triangle, 0] + step % wide[triangle, 0]
        row = low[triangle, 1] + step // wide[triangle, 0]
        shares = _shares(corners[triangle], np.stack([column, row], axis=1))
        inside = shares.min(axis=1) >= -1e-9
        found.append((triangle[inside], row[inside] * size + column[inside], shares[inside]))
    triangles, pixels, weights = (np.concatenate(column) for column in zip(*found, strict=True))
    pixels, first = np.unique(pixels, return_index=True)
    rows, columns = np.divmod(pixels, size)
    vertices = patch.vertices[patch.faces[triangles[first]]]
    return Raster(size, rows, columns, vertices, weights[first].astype(np.float32))


def _batches(counts: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    total = np.cumsum(counts)
    cuts = np.searchsorted(total, np.arange(BATCH, total[-1] + BATCH, BATCH))
    return [part for part in np.split(np.arange(len(counts)), cuts) if len(part)]


def _shares(corners: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shares (N, 3) of the corners (N, 3, 2) in points (N, 2)."""
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    to = points - corners[:, 0]
    area = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    safe = np.where(np.abs(area) < 1e-12, np.inf, area)
    second = (to[:, 0] * other[:, 1] - to[:, 1] * other[:, 0]) / safe
    third = (one[:, 0] * to[:, 1] - one[:, 1] * to[:, 0]) / safe
    return np.stack([1 - second - third, second, third], axis=1)


def colored(
    picture: NDArray[np.floating], limits: tuple[float, float], table: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return a picture (H, W) as red, green, blue, alpha (H, W, 4) by a table (256, 4).

    NaN becomes transparent.
    """
    low, high = limits
    scaled = np.nan_to_num((picture - low) / (high - low)) * 255
    rgba = table[np.clip(scaled, 0, 255).astype(np.uint8)]
    rgba[..., 3] = np.where(np.isnan(picture), 0, 255)
    return np.ascontiguousarray(rgba)


def from_colors(picture: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) of 0..1 as (H, W, 4); NaN becomes transparent."""
    seen = np.isfinite(picture).all(axis=2)
    rgb = np.round(255 * np.clip(np.nan_to_num(picture), 0, 1)).astype(np.uint8)
    alpha = np.where(seen, 255, 0).astype(np.uint8)
    return np.ascontiguousarray(np.dstack([rgb, alpha]))
