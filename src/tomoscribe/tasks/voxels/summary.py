"""What a plan needs to know of images and labels, from a few sections of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt

from tomoscribe.io.volumes import open_volume
from tomoscribe.project.model import Role
from tomoscribe.tasks.voxels.depths import depth_A

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.volumes import Volume
    from tomoscribe.project.model import TrainingData, TrainingSample

    Triple = tuple[int, int, int]
    Box = tuple[Triple, Triple]

_SECTIONS = 8
_EDGE = 1024
"""Pixels of a section that are looked at."""
_LEAST = 30


@dataclass(frozen=True)
class DataSummary:
    """What a plan needs to know of the data.

    Parameters
    ----------
    voxel_size_zyx_nm : tuple of float
        Voxel edges.
    smallest_shape_zyx : tuple of int
        Of the images that train, by axis.
    labelled_depth : int
        Most sections of a labelled box.
    labelled_shape_zyx : tuple of int
        How far the labels of an image reach along each axis, of the image where that is most.
    across : float
        Pixels across the middle of objects, of the class where that is least; 0: not known.
    exclusive : bool
        A voxel is of one class at most.
    classes : int
        Number of classes.
    depth_known : bool
        The distance of sections was told, not taken from the pixels.
    """

    voxel_size_zyx_nm: tuple[float, float, float]
    smallest_shape_zyx: Triple
    labelled_depth: int
    labelled_shape_zyx: Triple
    across: float
    exclusive: bool
    classes: int
    depth_known: bool = True


def smallest_shape(data: TrainingData) -> Triple:
    """Return the least size along z, y, x of the images that train, in voxels."""
    return _smallest([open_volume(s.volume_path, s.size) for s in _training(data)])


def summarise(data: TrainingData) -> DataSummary:
    """Look at the images that train, and at some sections of their labels."""
    train = _training(data)
    volumes = [open_volume(s.volume_path, s.size) for s in train]
    sizes = volumes[0].voxel_sizes_zyx_A or (volumes[0].require_voxel_size(),) * 3
    boxes = [(s, box) for s in train for box in (s.labels.boxes if s.labels else ())]
    parts = []
    for index in np.unique(np.linspace(0, len(boxes) - 1, _SECTIONS * 4).astype(int)).tolist():
        sample, box = boxes[index]
        assert sample.labels is not None
        many = max(1, _SECTIONS // len(boxes))
        parts += [sample.labels.reader.read(*piece) for piece in _middle_sections(box, many)]
    across = [
        width
        for k in range(len(data.label_classes))
        if (width := _across([part[k] for part in parts])) > 0
    ]
    z, y, x = (float(size) / 10 for size in sizes)
    return DataSummary(
        voxel_size_zyx_nm=(z, y, x),
        smallest_shape_zyx=_smallest(volumes),
        labelled_depth=max(hi[0] - lo[0] for _, (lo, hi) in boxes),
        labelled_shape_zyx=_labelled_shape(train),
        across=min(across, default=0.0),
        exclusive=data.exclusive,
        classes=len(data.label_classes),
        depth_known=depth_A(volumes[0]) is not None,
    )


def _training(data: TrainingData) -> list[TrainingSample]:
    return [s for s in data.with_role(Role.TRAIN) if s.labels and s.labels.boxes]


def _smallest(volumes: list[Volume]) -> Triple:
    z, y, x = (min(sides) for sides in zip(*(v.shape_zyx for v in volumes), strict=True))
    return z, y, x


def _labelled_shape(train: list[TrainingSample]) -> Triple:
    boxes = [np.array(s.labels.boxes) for s in train if s.labels]
    z, y, x = np.max([each[:, 1].max(0) - each[:, 0].min(0) for each in boxes], axis=0).tolist()
    return z, y, x


def _middle_sections(box: Box, count: int) -> list[Box]:
    """Return a few sections of a box, as much of their middle as is looked at."""
    (z0, *lo), (z1, *hi) = box
    spans = []
    for a, b in zip(lo, hi, strict=True):
        first = a + max(0, (b - a - _EDGE) // 2)
        spans.append((first, min(first + _EDGE, b)))
    (y0, y1), (x0, x1) = spans
    chosen = np.unique(np.linspace(z0, z1 - 1, count + 2).round().astype(int)[1:-1])
    return [((z, y0, x0), (z + 1, y1, x1)) for z in chosen.tolist()]


def _across(parts: list[NDArray[np.int32]]) -> float:
    """Return about the width in pixels of a class's objects, 0 where too few are seen.

    Four times the mean distance from the border: the width of a band, and two thirds of the
    diameter of a disc.
    """
    depths = []
    for labels in parts:
        for section in labels:
            inside = section > 0
            if inside.sum() < _LEAST:
                continue
            depth = distance_transform_edt(inside & ~_touching(section))
            depths.append(depth[inside])
    if not depths:
        return 0.0
    return 4 * float(np.concatenate(depths).mean())


def _touching(section: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return the pixels of objects whose next one is another object's."""
    edge = np.zeros(section.shape, bool)
    for axis in (0, 1):
        a, b = np.moveaxis(section, axis, 0)[:-1], np.moveaxis(section, axis, 0)[1:]
        np.moveaxis(edge, axis, 0)[:-1] |= (a != b) & (a > 0) & (b > 0)
    return edge
