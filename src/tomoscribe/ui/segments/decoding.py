"""Maps in view to objects: one section at once, the volume in its time. Arrays only, no Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from tomoscribe.segmentation.decoder_settings import SEMANTIC_KINDS, classes_in_sections
from tomoscribe.segmentation.decoders import Segmentation, decode, decode_section
from tomoscribe.segmentation.overlaps import overlaps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tomoscribe.ui.segments.maps_in_view import MapsInView, Settings


@dataclass(frozen=True, eq=False)
class Section:
    """Objects of one section.

    Parameters
    ----------
    axis, index : int
        Across which axis of the volume it lies, and where.
    labels : (a, b) array of unsigned int
        Along the other two axes in their order; 0 is background.
    class_of : (N + 1,) array of int64
        Index of the class of each number, -1 for none.
    """

    axis: int
    index: int
    labels: NDArray[Any]
    class_of: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Objects:
    """Objects of a volume.

    Parameters
    ----------
    labels : (z, y, x) array of unsigned int
        All of them as they are shown: where classes overlap, the last one is on top.
    class_names : tuple of str
    class_of : (N + 1,) array of int64
        Index of the class of each number, -1 for none.
    parts : tuple of Segmentation
        As they were decoded, one a class where classes may overlap.
    boxes : sequence
        Slices around each number in `labels`, from 1 on; None where it is covered.
    voxels : (N + 1,) array of int64
        Voxels of each number.
    in_sections : tuple of str
        Classes whose objects are of one section each.
    """

    labels: NDArray[Any]
    class_names: tuple[str, ...]
    class_of: NDArray[np.int64]
    parts: tuple[Segmentation, ...]
    boxes: Sequence[tuple[slice, ...] | None]
    voxels: NDArray[np.int64]
    in_sections: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Number of objects."""
        return len(self.class_of) - 1

    def name_of(self, number: int) -> str:
        """Return the class of an object."""
        return self.class_names[int(self.class_of[number])]

    def section(self, axis: int, index: int) -> Section:
        """Return the objects of a section as they are in the volume."""
        return Section(axis, index, self.labels.take(index, axis=axis), self.class_of)

    def mask(self, number: int) -> tuple[NDArray[np.bool_], tuple[int, int, int]] | None:
        """Return an object's voxels in the box around it, and the box's first voxel."""
        box = self.boxes[number - 1] if 0 < number <= len(self.boxes) else None
        if box is None:
            return None
        z, y, x = (part.start for part in box)
        return self.labels[box] == number, (z, y, x)


def tells_apart(settings: Settings) -> bool:
    """Tell whether objects of a class have numbers of their own."""
    return any(each.kind not in SEMANTIC_KINDS for each in settings.values())


def section_of(
    maps: MapsInView, settings: Settings, axis: int, index: int, before: Section | None = None
) -> Section:
    """Return the objects of a section; those that were seen `before` keep their numbers.

    Stored values are one step of 255 above the scores, which no threshold is as fine as.
    """
    values = np.ascontiguousarray(maps.values.take(index, axis=axis + 1))
    voxel = list(maps.voxel_size_zyx_nm)
    across = voxel.pop(axis)
    found = decode_section(
        values,
        maps.grid.class_names,
        maps.classes,
        settings,
        (across, *voxel),  # type: ignore[arg-type]
        exclusive=maps.segmented.exclusive,
        axis=axis,
    )
    labels, class_of = _joined(found, maps.classes)
    section = Section(axis, index, labels[0], class_of)
    same = before is not None and before.axis == axis and before.labels.shape == labels[0].shape
    near = before is not None and abs(before.index - index) <= 1
    if before is None or not same or not near or not tells_apart(settings):
        return section
    return _kept(section, before)


def objects_of(
    maps: MapsInView,
    settings: Settings,
    between: Callable[[], None] = lambda: None,
    advance: Callable[[float], None] = lambda _: None,
) -> Objects:
    """Return the objects of the volume; what `between` raises ends the work.

    `advance` is told the share 0..1 of the decoding that is done.
    """
    found = decode(
        maps.values,
        maps.grid.class_names,
        maps.classes,
        settings,
        maps.voxel_size_zyx_nm,
        exclusive=maps.segmented.exclusive,
        between=between,
        advance=advance,
    )
    between()
    parts = tuple(replace(part, labels=_smallest(part.labels, part.count)) for part in found)
    labels, class_of = _joined(parts, maps.classes)
    between()
    boxes = scipy.ndimage.find_objects(labels, max_label=len(class_of) - 1)
    between()
    voxels = np.zeros(len(class_of), np.int64)
    for section in labels:  # whole it would need eight bytes a voxel
        voxels += np.bincount(section.ravel(), minlength=len(class_of))
    flat = classes_in_sections(len(labels), maps.classes, settings)
    return Objects(labels, tuple(maps.classes), class_of, parts, boxes, voxels, flat)


def mask_of(
    maps: MapsInView | None, objects: Objects | None, section: Section | None, number: int
) -> tuple[NDArray[np.bool_], tuple[int, int, int], str] | None:
    """Return an object's voxels in a box, the box's first voxel, its class; None where none is.

    Where the volume is not known they are those of the section.
    """
    if maps is None or number < 1:
        return None
    if objects is not None:
        found = objects.mask(number)
        return None if found is None else (*found, objects.name_of(number))
    if section is None or number >= len(section.class_of) or section.class_of[number] < 0:
        return None
    mask = np.expand_dims(section.labels == number, section.axis)
    lo = [0, 0, 0]
    lo[section.axis] = section.index
    return mask, (lo[0], lo[1], lo[2]), maps.classes[int(section.class_of[number])]


def _joined(
    parts: Sequence[Segmentation], classes: Sequence[str]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return segmentations in one label volume, numbered on from one to the next."""
    if len(parts) == 1:
        one = parts[0]
        return _smallest(one.labels, one.count), _owners(one, classes)
    count = sum(part.count for part in parts)
    labels = np.zeros(parts[0].labels.shape, _type_for(count))
    owners, first = [np.array([-1])], 0
    for part in parts:
        np.add(part.labels, first, out=labels, where=part.labels > 0, casting="unsafe")
        owners.append(_owners(part, classes)[1:])
        first += part.count
    return labels, np.concatenate(owners)


def _owners(part: Segmentation, classes: Sequence[str]) -> NDArray[np.int64]:
    index = np.array([*(list(classes).index(name) for name in part.class_names), -1])
    return np.asarray(index[part.class_of], np.int64)


def _type_for(count: int) -> np.dtype[Any]:
    return np.dtype(np.uint8 if count < 256 else np.uint16 if count < 65536 else np.uint32)


def _smallest(labels: NDArray[Any], count: int) -> NDArray[Any]:
    """Return labels in the smallest type: napari draws these fastest."""
    return labels.astype(_type_for(count), copy=False)


def _kept(section: Section, before: Section) -> Section:
    """Return a section whose objects have the numbers of those that they cover most.

    So an object has one colour while a slider moves, whatever comes and goes around it.
    """
    common = overlaps(section.labels, before.labels)
    order = np.argsort(-common.voxels, kind="stable")
    number = np.zeros(len(section.class_of), np.int64)
    taken = set()
    for new, old in zip(common.first[order].tolist(), common.second[order].tolist(), strict=True):
        same_class = section.class_of[new] == before.class_of[old]
        if not number[new] and old not in taken and same_class:
            number[new] = old
            taken.add(old)
    fresh = np.flatnonzero(number[1:] == 0) + 1
    free = [n for n in range(1, len(section.class_of) + len(taken) + 1) if n not in taken]
    number[fresh] = free[: len(fresh)]
    class_of = np.full(int(number.max(initial=0)) + 1, -1, np.int64)
    class_of[number[1:]] = section.class_of[1:]
    labels = number.astype(_type_for(len(class_of)))[section.labels]
    return Section(section.axis, section.index, labels, class_of)
