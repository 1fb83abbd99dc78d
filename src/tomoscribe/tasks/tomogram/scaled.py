"""The particle-scaled volume: a tomogram averaged over small cubes and normalised, read box by box.

Nothing here holds a whole tomogram unless it is asked for one, so memory is bounded by the box.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import require_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.volumes import Volume

Triple = tuple[int, int, int]

_SLABS = 16
"""Slabs from which the intensity statistics are taken; enough for a per cent of accuracy."""
_MAD_TO_SIGMA = 1.4826
_CLIP = 6.0
"""Normalised values beyond this many sigma are cut, so that gold does not blind the network."""


@dataclass(frozen=True)
class ScaledVolume:
    """A lazy tomogram as the network sees it.

    Parameters
    ----------
    volume : Volume
        The tomogram.
    bin : int or (int, int, int)
        Voxels averaged along each axis, or along z, y and x.
    center, spread : float
        Median and robust standard deviation of the averaged values, in the file's units.
    values : (z, y, x) array or None
        The whole of it where it is in memory; otherwise boxes are read from the file.
    """

    volume: Volume
    bin: int | Triple
    center: float
    spread: float
    values: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)

    @property
    def shape_zyx(self) -> tuple[int, int, int]:
        """Return the shape after averaging; what fills no cube at the far faces is left out."""
        return binned_shape(self.volume, self.bin)

    def read(self, lo: tuple[int, ...], hi: tuple[int, ...]) -> NDArray[np.float32]:
        """Return the box `lo` <= index < `hi` of averaged voxels, normalised; the edge repeats.

        Raises
        ------
        TomoscribeError
            If voxels are not finite.
        """
        shape = self.shape_zyx
        inner, pads = zip(
            *(inside(a, b, s) for a, b, s in zip(lo, hi, shape, strict=True)), strict=True
        )
        box = self._inner(list(inner))
        return np.pad(box, pads, mode="edge") if np.any(pads) else box

    def _inner(self, box: list[tuple[int, int]]) -> NDArray[np.float32]:
        if self.values is not None:
            return self.values[tuple(slice(*span) for span in box)].copy()
        values = read_binned(self.volume, self.bin, box)
        values -= self.center
        values *= 1 / self.spread
        return np.clip(values, -_CLIP, _CLIP, out=values)

    def resident(self) -> ScaledVolume:
        """Return it with all values in memory, so that the file is not read again."""
        return replace(self, values=self.read_all())

    def read_all(self) -> NDArray[np.float32]:
        """Return the whole scaled volume, read slab by slab."""
        whole = np.empty(self.shape_zyx, np.float32)
        thickness = 16
        for start in range(0, whole.shape[0], thickness):
            stop = min(start + thickness, whole.shape[0])
            whole[start:stop] = self.read((start, 0, 0), (stop, *whole.shape[1:]))
        return whole


def inside(lo: int, hi: int, size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return what of `lo` <= index < `hi` an axis has, and how often its two ends repeat.

    Of a range beyond all of it, the nearest index alone.
    """
    first = min(max(lo, 0), size - 1)
    last = min(max(hi, first + 1), size)
    before = min(max(0, first - lo), hi - lo - 1)
    return (first, last), (before, hi - lo - before - (last - first))


def binned_shape(volume: Volume, factor: int | Triple) -> Triple:
    """Return the shape after averaging; what fills no cube at the far faces is left out."""
    edges = zip(volume.data.shape, _by_axis(factor), strict=True)
    z, y, x = (max(1, edge // step) for edge, step in edges)
    return z, y, x


def require_grey(volume: Volume) -> None:
    """Refuse a mask as an image.

    Raises
    ------
    TomoscribeError
        If its voxels are bits.
    """
    if np.dtype(volume.data.dtype).kind == "b":
        raise TomoscribeError(
            f"{volume.path} holds a bit for each voxel, as a mask does: it can be labels, but no "
            "image; check that it is the right file."
        )


def scale_volume(volume: Volume, factor: int | Triple) -> ScaledVolume:
    """Return `volume` averaged by `factor`, with statistics from slabs spread over its depth.

    Raises
    ------
    TomoscribeError
        If voxels are bits, not finite, or all equal.
    """
    require_grey(volume)
    depth, height, width = binned_shape(volume, factor)
    planes = np.unique(np.linspace(0, depth - 1, min(_SLABS, depth)).round().astype(int))
    values = np.concatenate(
        [
            read_binned(volume, factor, [(z, z + 1), (0, height), (0, width)]).ravel()[:: 1 + z % 2]
            for z in planes.tolist()
        ]
    )
    center = float(np.median(values))
    spread = float(np.median(np.abs(values - center))) * _MAD_TO_SIGMA
    if not spread > 0:
        raise TomoscribeError(
            f"{volume.path} has the same value nearly everywhere, so there is nothing to see; "
            "check that it is the right file."
        )
    return ScaledVolume(volume, factor, center, spread)


def read_binned(
    volume: Volume, factor: int | Triple, box: list[tuple[int, int]]
) -> NDArray[np.float32]:
    """Return the averages of cubes of `factor` voxels in `box`, a (start, stop) an axis.

    Raises
    ------
    TomoscribeError
        If voxels are not finite.
    """
    steps = _by_axis(factor)
    spans = [
        slice(start * step, min(stop * step, edge))
        for (start, stop), edge, step in zip(box, volume.data.shape, steps, strict=True)
    ]
    values = np.asarray(volume.data[tuple(spans)])
    total = values.astype(np.float32, copy=True) if max(steps) == 1 else values
    for axis, step in enumerate(steps):
        if step > 1:
            total = _sum_groups(total, axis, step)
    if not np.isfinite(total.sum(dtype=np.float64)):
        whole = values.shape == volume.shape_zyx
        require_finite(values, volume.path, "" if whole else "a part of ")
    return total


def _by_axis(factor: int | Triple) -> Triple:
    return (factor, factor, factor) if isinstance(factor, int) else factor


def _sum_groups(values: NDArray[Any], axis: int, factor: int) -> NDArray[np.float32]:
    count = max(1, values.shape[axis] // factor)
    used = min(factor, values.shape[axis])
    index: list[slice] = [slice(None)] * 3
    total: NDArray[np.float32] | None = None
    for shift in range(used):
        index[axis] = slice(shift, count * used if used == factor else shift + 1, used)
        part = values[tuple(index)]
        if total is None:
            total = part.astype(np.float32)
        else:
            total += part
    assert total is not None
    total *= 1 / used
    return total
