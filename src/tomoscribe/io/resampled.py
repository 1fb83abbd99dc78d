"""A lazy array on another voxel size: linear for images, nearest for labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tomoscribe.io.arrays import LazyVolume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray

Kind = Literal["linear", "nearest"]

_SECTIONS = 16
"""Sections that are resampled at a time: memory stays flat for whole volumes."""


def resampled_length(length: int, factor: float) -> int:
    """Return how many voxels of `factor` source voxels cover `length` source voxels, at least 1."""
    return max(1, round(length / factor))


class ResampledArray(LazyVolume):
    """A 3D array on another grid; its outer edges stay where they are.

    An image is interpolated linearly, and averaged with a triangle of the coarser voxel where it
    gets coarser, so that fine detail does not alias. Of labels the nearest voxel is taken.

    Parameters
    ----------
    source : LazyArray
        Axes z y x.
    factors_zyx : tuple of float
        Edge of a voxel in voxels of the source, by axis: 2 halves the resolution.
    kind : {"linear", "nearest"}
        How values between voxels are found.
    """

    def __init__(
        self, source: LazyArray, factors_zyx: tuple[float, float, float], kind: Kind = "linear"
    ) -> None:
        self._source, self._factors, self._kind = source, factors_zyx, kind
        lengths = [
            resampled_length(int(n), f) for n, f in zip(source.shape, factors_zyx, strict=True)
        ]
        self.shape = tuple(lengths)
        self.dtype = np.dtype(source.dtype)

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        lo, hi, inner = self._box(key)
        block = np.empty([b - a for a, b in zip(lo, hi, strict=True)], self.dtype)
        for z in range(lo[0], hi[0], _SECTIONS):
            until = min(z + _SECTIONS, hi[0])
            block[z - lo[0] : until - lo[0]] = self._read((z, *lo[1:]), (until, *hi[1:]))
        return np.asarray(block[inner])

    def _read(self, lo: tuple[int, ...], hi: tuple[int, ...]) -> NDArray[Any]:
        if any(b <= a for a, b in zip(lo, hi, strict=True)):
            return np.empty([max(0, b - a) for a, b in zip(lo, hi, strict=True)], self.dtype)
        if self._kind == "nearest":
            return self._nearest(lo, hi)
        weights, box = [], []
        for a, b, f, n in zip(lo, hi, self._factors, self._source.shape, strict=True):
            first, matrix = _weights(a, b, f, int(n))
            weights.append(matrix)
            box.append(slice(first, first + matrix.shape[1]))
        block = np.asarray(self._source[tuple(box)], np.float32)
        for axis, matrix in enumerate(weights):
            block = np.moveaxis(np.tensordot(matrix, block, (1, axis)), 0, axis)
        return np.rint(block) if self.dtype.kind in "iub" else block

    def _nearest(self, lo: tuple[int, ...], hi: tuple[int, ...]) -> NDArray[Any]:
        at = []
        for a, b, f, n in zip(lo, hi, self._factors, self._source.shape, strict=True):
            # Of two that are equally near the first, whatever rounding does to the half.
            index = np.ceil((np.arange(a, b) + 0.5) * f - 1.0 - 1e-6).astype(int)
            at.append(np.clip(index, 0, int(n) - 1))
        box = tuple(slice(int(i.min()), int(i.max()) + 1) for i in at)
        block = np.asarray(self._source[box])
        return block[np.ix_(*(i - i.min() for i in at))]


def _weights(lo: int, hi: int, factor: float, length: int) -> tuple[int, NDArray[np.float32]]:
    """Return the first source voxel that an output range needs, and (output, source) weights."""
    reach = max(1.0, factor)
    centers = (np.arange(lo, hi) + 0.5) * factor - 0.5
    first = int(np.clip(np.floor(centers[0] - reach), 0, length - 1))
    last = int(np.clip(np.ceil(centers[-1] + reach), 0, length - 1))
    away = np.abs(np.arange(first, last + 1)[None] - np.clip(centers, 0, length - 1)[:, None])
    matrix = np.maximum(0.0, 1.0 - away / reach)
    matrix /= matrix.sum(axis=1, keepdims=True)
    return first, matrix.astype(np.float32)
