"""Maps of a segmentation and labels of the same image, as the one is judged by the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.segmentation.decoder_settings import SEMANTIC_KINDS
from tomoscribe.segmentation.decoders import decode
from tomoscribe.segmentation.labels import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tomoscribe.segmentation.decoder_settings import DecoderSettings
    from tomoscribe.segmentation.labels import SampleLabels, Triple

    Box = tuple[Triple, Triple]
    Unseen = Callable[[Triple, Triple], NDArray[np.bool_]]
    """Which voxels (z, y, x) of a box lo <= voxel < hi a training did not learn from."""

_PIECE = 16_000_000
"""Voxels that are looked at once: maps of some classes of them are some 100 MB."""


@dataclass(frozen=True, eq=False)
class SegmentMaps:
    """The maps of a checkpoint on an image.

    Parameters
    ----------
    values : (map, Z, Y, X) array of uint8
        As `score_bytes` makes them, on the image's grid; 0 where nothing is computed.
    names : tuple of str
        Of the maps, see `segmentation.maps.map_name`.
    classes : tuple of str
    exclusive : bool
        A voxel has one class at most.
    instances : bool
        Objects of a class are told apart.
    settings : mapping of str to DecoderSettings
        By class.
    voxel_size_zyx_nm : tuple of float
    """

    values: NDArray[np.uint8]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    exclusive: bool
    instances: bool
    settings: Mapping[str, DecoderSettings]
    voxel_size_zyx_nm: tuple[float, float, float]

    @property
    def shape_zyx(self) -> Triple:
        """Voxels of the image."""
        z, y, x = self.values.shape[1:]
        return z, y, x

    def of_class(self, name: str) -> NDArray[np.uint8]:
        """Return the stored scores (z, y, x) of a class."""
        found: NDArray[np.uint8] = self.values[self.names.index(name)]
        return found

    def masks(self, lo: Triple, hi: Triple) -> dict[str, NDArray[np.bool_]]:
        """Return where in a box each class is, before objects are told apart or small ones dropped.

        Raises
        ------
        TomoscribeError
            If a class has no map.
        """
        plain = {
            name: each.model_copy(
                update={
                    "kind": "argmax" if each.kind == "argmax" else "threshold",
                    "min_area_nm2": 0.0,
                    "min_volume_nm3": 0.0,
                }
            )
            for name, each in self.settings.items()
        }
        part = self.values[(slice(None), *_slices(lo, hi))]
        size = self.voxel_size_zyx_nm
        found = decode(part, self.names, self.classes, plain, size, exclusive=self.exclusive)
        return {name: one.of_class(name) > 0 for one in found for name in one.class_names}

    def objects(
        self, name: str, lo: Triple, hi: Triple, between: Callable[[], None] = lambda: None
    ) -> NDArray[np.int32]:
        """Return the numbered objects (z, y, x) of a class in a box, decoded by its settings."""
        part = self.values[(slice(None), *_slices(lo, hi))]
        found = decode(
            part, self.names, self.classes, self.settings, self.voxel_size_zyx_nm,
            exclusive=self.exclusive, between=between,
        )  # fmt: skip
        return next(one.of_class(name) for one in found if name in one.class_names)

    def tells_apart(self, name: str) -> bool:
        """Tell whether objects of a class have numbers of their own."""
        return self.instances and self.settings[name].kind not in SEMANTIC_KINDS

    def in_sections(self, name: str) -> bool:
        """Tell whether each section numbers its objects of a class anew."""
        return self.tells_apart(name) and self.settings[name].dimension == "2d"


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """An image with what people say of its voxels.

    Parameters
    ----------
    name : str
        Of the sample.
    class_names : tuple of str
        Of the labels, in their order.
    labels : SampleLabels or None
        None where nothing is labelled.
    shape_zyx : tuple of int
    voxel_size_zyx_nm : tuple of float
    """

    name: str
    class_names: tuple[str, ...]
    labels: SampleLabels | None
    shape_zyx: Triple
    voxel_size_zyx_nm: tuple[float, float, float]

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Where labels are."""
        return () if self.labels is None else self.labels.boxes

    def read(self, lo: Triple, hi: Triple) -> NDArray[np.int32]:
        """Return the labels (class, z, y, x) of a box; see `segmentation.labels`."""
        if self.labels is None:
            sizes = (b - a for a, b in zip(lo, hi, strict=True))
            return np.full((len(self.class_names), *sizes), UNKNOWN, np.int32)
        return self.labels.reader.read(lo, hi)

    def bounds(self) -> Box | None:
        """Return the smallest box that holds all that is labelled."""
        return bounds_of(self.boxes) if self.boxes else None


def check_fit(image: LabelledImage, maps: SegmentMaps, source: str) -> None:
    """Check that maps are of an image's grid.

    Raises
    ------
    TomoscribeError
        If their shapes differ.
    """
    if maps.shape_zyx != tuple(image.shape_zyx):
        theirs, mine = (" × ".join(map(str, s)) for s in (maps.shape_zyx, image.shape_zyx))
        raise TomoscribeError(
            f"The maps of {source} have {theirs} voxels (z y x), but {image.name} has {mine}: "
            "predict it anew."
        )


def in_pieces(boxes: Sequence[Box]) -> Iterator[Box]:
    """Yield boxes, large ones some sections at a time.

    Paintings have a box a section or chunk; such as lie close together are looked at as one, so
    that what goes through several is one piece.
    """
    if len(boxes) > 1 and _size(bounds_of(boxes)) <= min(_PIECE, 2 * sum(map(_size, boxes))):
        boxes = [bounds_of(boxes)]
    for (z0, y0, x0), (z1, y1, x1) in boxes:
        depth = max(1, _PIECE // max(1, (y1 - y0) * (x1 - x0)))
        for z in range(z0, z1, depth):
            yield (z, y0, x0), (min(z + depth, z1), y1, x1)


def bounds_of(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds all of some."""
    z0, y0, x0 = (min(lo[axis] for lo, _ in boxes) for axis in range(3))
    z1, y1, x1 = (max(hi[axis] for _, hi in boxes) for axis in range(3))
    return (z0, y0, x0), (z1, y1, x1)


def _size(box: Box) -> int:
    z, y, x = (b - a for a, b in zip(*box, strict=True))
    return z * y * x


def clipped(one: Box, other: Box) -> Box | None:
    """Return what two boxes have in common; None where that is nothing."""
    z0, y0, x0 = (max(a, b) for a, b in zip(one[0], other[0], strict=True))
    z1, y1, x1 = (min(a, b) for a, b in zip(one[1], other[1], strict=True))
    return ((z0, y0, x0), (z1, y1, x1)) if z0 < z1 and y0 < y1 and x0 < x1 else None


def _slices(lo: Triple, hi: Triple) -> tuple[slice, ...]:
    return tuple(slice(a, b) for a, b in zip(lo, hi, strict=True))
