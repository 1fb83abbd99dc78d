"""Labels of a crop as the CellMap toolbox has them: one multiscale group a class, placed in nm.

What was not annotated is unknown, never background: a class that the crop lacks, what lies
outside of the crop, NaN, and the value that the metadata call unknown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from tomoscribe.errors import TomoscribeError
from tomoscribe.io import remote
from tomoscribe.io.multiscale import level_for, multiscale_of
from tomoscribe.io.opened import usable
from tomoscribe.io.zarr_store import open_node
from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.renumber import object_numbers

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray
    from tomoscribe.io.multiscale import Multiscale
    from tomoscribe.io.volumes import Volume
    from tomoscribe.segmentation.labels import Triple


@dataclass(frozen=True)
class Frame:
    """The voxel grid of an image in the world: its edges, first centre, and size; Å, z y x."""

    shape_zyx: Triple
    sizes_zyx_A: tuple[float, float, float]
    origin_zyx_A: tuple[float, float, float]

    @classmethod
    def of(cls, image: Volume) -> Frame:
        """Return the grid of an image.

        Raises
        ------
        TomoscribeError
            If its voxel size is unknown.
        """
        image.require_voxel_size()
        sizes = image.voxel_sizes_zyx_A
        if sizes is None:
            raise TomoscribeError(f"The voxel size of {image.path} is unknown.")
        return cls(image.shape_zyx, sizes, image.origin_zyx_A)

    def centers_A(self, axis: int, lo: int, hi: int) -> NDArray[np.float64]:
        """Return the centres in Å of voxels lo <= i < hi along an axis."""
        steps = np.arange(lo, hi, dtype=np.float64)
        return steps * self.sizes_zyx_A[axis] + self.origin_zyx_A[axis]


@dataclass(frozen=True)
class _Source:
    """The labels of one class at one level."""

    data: LazyArray
    frame: Frame
    unknown: float | None

    def read(self, image: Frame, lo: Triple, hi: Triple) -> NDArray[np.int32]:
        """Return the nearest label of each voxel of a box of the image."""
        found = np.full([b - a for a, b in zip(lo, hi, strict=True)], UNKNOWN, np.int32)
        at, inside = [], []
        for axis in range(3):
            centers = image.centers_A(axis, lo[axis], hi[axis])
            place = (centers - self.frame.origin_zyx_A[axis]) / self.frame.sizes_zyx_A[axis]
            # Of two that are equally near the lower one, whatever rounding does to the half.
            index = np.ceil(place - 0.5 - 1e-6).astype(int)
            within = (index >= 0) & (index < self.frame.shape_zyx[axis])
            if not within.any():
                return found
            inside.append(within)
            at.append(index[within])
        box = tuple(slice(int(i[0]), int(i[-1]) + 1) for i in at)
        block = np.asarray(self.data[box])[np.ix_(*(i - i[0] for i in at))]
        found[np.ix_(*inside)] = _numbered(block, self.unknown)
        return found

    def box(self, image: Frame) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        """Return the box lo, hi of the image's voxels whose centres lie in these labels."""
        sizes, first = np.array(self.frame.sizes_zyx_A), np.array(self.frame.origin_zyx_A)
        edges = np.stack(
            [first - sizes / 2, first + (np.array(self.frame.shape_zyx) - 0.5) * sizes]
        )
        places = (edges - image.origin_zyx_A) / np.array(image.sizes_zyx_A)
        lo, hi = np.ceil(places - 1e-6).astype(int)
        return np.maximum(lo, 0), np.minimum(hi, image.shape_zyx)


class MultiscaleLabels:
    """The labels of a crop on the voxel grid of its image; a `LabelReader`.

    Parameters
    ----------
    place : str
        The crop, for sentences.
    classes : sequence of str
    sources : sequence of _Source or None
        One for each class; None where the crop lacks it.
    image : Frame
        The image's grid.

    Raises
    ------
    TomoscribeError
        If the crop has none of the classes, or lies outside of its image.
    """

    def __init__(
        self, place: str, classes: Sequence[str], sources: Sequence[_Source | None], image: Frame
    ) -> None:
        self._sources, self._image = tuple(sources), image
        boxes = [s.box(image) for s in sources if s is not None]
        if not boxes:
            raise TomoscribeError(f"The crop {place} has none of the classes {', '.join(classes)}.")
        lo = np.min([b[0] for b in boxes], axis=0)
        hi = np.max([b[1] for b in boxes], axis=0)
        if (hi <= lo).any():
            raise TomoscribeError(
                f"The crop {place} lies outside of its image: look at the translations of both."
            )
        self.box: tuple[Triple, Triple] = (_triple(lo), _triple(hi))

    @classmethod
    def of_crop(
        cls,
        place: str,
        classes: Sequence[str],
        image: Frame,
        held: Container[str] | None = None,
    ) -> MultiscaleLabels:
        """Open the labels of a crop.

        Parameters
        ----------
        place : str
            Folder or address that holds one group a class.
        classes : sequence of str
        image : Frame
            Grid on which they are read.
        held : container of str, optional
            Which of them are there and count; looked up by default.

        Raises
        ------
        TomoscribeError
            If none can be read, or the crop lies outside of its image.
        """
        there = [f"{place}/{c}" for c in classes]
        sources = [
            _source(p, image) if (has_class(p) if held is None else c in held) else None
            for c, p in zip(classes, there, strict=True)
        ]
        return cls(place, classes, sources, image)

    def read(self, lo_zyx: Triple, hi_zyx: Triple) -> NDArray[np.int32]:
        """Return the labels of a box of the image as (class, z, y, x) int32."""
        nothing = np.full([b - a for a, b in zip(lo_zyx, hi_zyx, strict=True)], UNKNOWN, np.int32)
        return np.stack(
            [nothing if s is None else s.read(self._image, lo_zyx, hi_zyx) for s in self._sources]
        )


def has_class(place: str) -> bool:
    """Return whether a group of labels is there."""
    if remote.is_address(place):
        return any(remote.exists(f"{place}/{mark}") for mark in (".zattrs", "zarr.json"))
    return any((Path(place) / mark).is_file() for mark in (".zattrs", "zarr.json", ".zgroup"))


def finest_sizes_A(place: str) -> tuple[float, float, float]:
    """Return the voxel edges of the finest level of a multiscale group, Å.

    Raises
    ------
    TomoscribeError
        If it cannot be read, or tells none.
    """
    multiscale = _multiscale(place)
    known = [s for s in (lv.sizes_zyx_A for lv in multiscale.levels) if all(map(usable, s))]
    if not known:
        raise TomoscribeError(f"{place} does not tell its voxel sizes.")
    return min(known, key=math.prod)


def _source(place: str, image: Frame) -> _Source:
    multiscale = _multiscale(place)
    level = level_for(multiscale, image.sizes_zyx_A)
    data, _ = multiscale.volume(level)
    z, y, x = (int(n) for n in data.shape)
    frame = Frame((z, y, x), level.sizes_zyx_A, level.origin_zyx_A)
    return _Source(data, frame, _unknown_value(dict(multiscale.group.attrs)))


def _multiscale(place: str) -> Multiscale:
    node = open_node(place)
    multiscale = multiscale_of(place, node) if isinstance(node, zarr.Group) else None
    if multiscale is None:
        raise TomoscribeError(
            f"{place} has no multiscale metadata (OME-NGFF), so that it cannot be placed in its "
            "image: write it as OME-Zarr, with the edges of its voxels and where it begins."
        )
    return multiscale


def _unknown_value(attributes: dict[str, Any]) -> float | None:
    """Return the value of voxels that nobody judged, as CellMap's metadata tell it."""
    part: Any = attributes
    for key in ("cellmap", "annotation", "annotation_type", "encoding", "unknown"):
        part = part.get(key) if isinstance(part, dict) else None
    return float(part) if isinstance(part, (int, float)) else None


def _numbered(block: NDArray[Any], unknown: float | None) -> NDArray[np.int32]:
    """Return labels as int32: `UNKNOWN`, 0, or a number of an object."""
    nobody = np.zeros(block.shape, bool) if unknown is None else block == unknown
    if block.dtype.kind == "f":
        nobody |= ~np.isfinite(block)
        block = np.rint(np.where(nobody, 0, block)).astype(np.int64)
    if block.dtype.kind in "iu" and block.dtype.itemsize > 2:
        block = np.where(block > 0, object_numbers(block), np.minimum(block, 0))
    if block.dtype.kind == "i":
        nobody |= block < 0
    return np.where(nobody, UNKNOWN, block.astype(np.int32)).astype(np.int32)


def _triple(values: NDArray[np.int_]) -> Triple:
    z, y, x = (int(v) for v in values)
    return z, y, x
