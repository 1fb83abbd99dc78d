"""The parts of a segmentation: connected components of a mask, or the values of a label volume."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from tomoscribe.errors import TomoscribeError
from tomoscribe.membranes.topology import many

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Labels = NDArray[Any]

_NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)
"""Thin membranes are often connected over corners only."""
_TOLD = 5
"""More skipped parts than this are told in one sentence."""
_FILLS = 0.4
"""No membrane fills so much of the box."""
_LARGEST_LABEL = 1 << 20
"""Higher values are numbered anew, since `find_objects` keeps a list as long as the highest."""


@dataclass(frozen=True)
class Part:
    """What becomes one mesh.

    Parameters
    ----------
    name : str
        For sentences: "Component 2", "Label 7".
    label : int
        The component's number, largest first, from 1; or its value.
    voxels : int
    mask : (Z, Y, X) array of bool
        Cropped to the part.
    corner_zyx : tuple of int
        Of the crop in the segmentation.
    """

    name: str
    label: int
    voxels: int
    mask: NDArray[np.bool_]
    corner_zyx: tuple[int, ...]


def find_parts(
    labels: NDArray[Any], only: Sequence[int] | None, smallest_voxels: int
) -> tuple[list[Part], list[str]]:
    """Return the parts of a segmentation, largest first, and a sentence on each left out.

    Raises
    ------
    TomoscribeError
        If it is empty, full, or no segmentation.
    """
    found, below, zero = _values_of(labels)
    skipped = [] if not below else ["Values below 0 are taken as background."]
    if not len(found):
        raise TomoscribeError("The segmentation is empty: all voxels are 0.")
    if not zero and len(found) == 1:
        raise TomoscribeError("The segmentation is full: no voxel is 0, so there is no surface.")
    if only is not None:
        missing = sorted(set(only) - set(found.tolist()))
        if missing:
            raise TomoscribeError(
                f"The segmentation has no label {', '.join(map(str, missing))}; "
                f"it has {', '.join(map(str, found[:20]))}."
            )
        found = np.unique(np.asarray(only, dtype=np.int64))
    single = len(found) == 1
    parts = list(_components(labels, found[0]) if single else _labels(labels, found))
    parts.sort(key=lambda part: -part.voxels)
    kept = [part for part in parts if part.voxels >= smallest_voxels]
    skipped += _left_out(parts[len(kept) :], smallest_voxels)
    if single:
        kept = [replace(p, name=f"Component {i}", label=i) for i, p in enumerate(kept, 1)]
    if only is None:
        skipped += _like_the_outside(kept, labels.shape, several=not single)
    return kept, skipped


def _like_the_outside(parts: list[Part], shape: tuple[int, ...], *, several: bool) -> Iterator[str]:
    """Yield a sentence on each part that may be what is around the membranes, not one of them."""
    size = int(np.prod(shape))
    for part in parts:
        share = part.voxels / size
        # A mask's membrane may well cross the whole box; of several labels, one fills the rest.
        if several and part.mask.shape == shape:
            what = "touches all sides"
        elif share > _FILLS:
            what = f"fills {share:.0%} of the box"
        else:
            continue
        chooses = "; --label chooses what is meshed" if several else ", not a membrane"
        yield f"{part.name} {what}: it looks like the outside{chooses}."


def _left_out(small: list[Part], smallest: int) -> list[str]:
    if len(small) > _TOLD:
        return [
            f"{len(small)} parts were skipped: {small[-1].voxels} to {small[0].voxels} voxels, "
            f"fewer than {smallest}."
        ]
    return [
        f"{part.name} was skipped: {many(part.voxels, 'voxel')}, fewer than {smallest}."
        for part in small
    ]


def _values_of(labels: Labels) -> tuple[NDArray[np.int64], bool, bool]:
    """Return the values above 0, and whether there are values below 0, and 0 itself.

    Plane by plane: sorting a whole volume, or copying it, takes gigabytes.
    """
    if labels.ndim != 3:
        raise TomoscribeError(f"A segmentation has three axes, not {labels.ndim}.")
    if labels.dtype.kind not in "iubf":
        raise TomoscribeError(f"A segmentation holds whole numbers, not {labels.dtype}.")
    values: set[int] = set()
    for plane in labels:
        if labels.dtype.kind == "f" and not np.isfinite(plane).all():
            raise TomoscribeError("The segmentation holds NaN or infinite values.")
        unique = _unique(plane)
        if labels.dtype.kind == "f" and not np.array_equal(unique, np.rint(unique)):
            raise TomoscribeError(
                "The segmentation holds fractions, so it is a density or a probability: cut it "
                "at a threshold first."
            )
        values.update(int(v) for v in unique)
    positive = np.array(sorted(v for v in values if v > 0), dtype=np.int64)
    return positive, any(v < 0 for v in values), 0 in values or any(v < 0 for v in values)


def _unique(plane: Labels) -> Labels:
    """Return the sorted values of a plane; bytes, in which large masks come, without sorting."""
    if plane.dtype.itemsize > 1:
        return np.unique(plane)
    held = np.flatnonzero(np.bincount(np.ravel(plane).view(np.uint8))).astype(np.uint8)
    return np.sort(held.view(plane.dtype))


def _components(labels: Labels, value: int) -> Iterator[Part]:
    mask = labels == value
    box = tuple(_extent(mask, axis) for axis in range(3))
    numbered, _ = scipy.ndimage.label(mask[box], structure=_NEIGHBOURS)
    for i, inner in enumerate(scipy.ndimage.find_objects(numbered), 1):
        part = numbered[inner] == i
        corner = tuple(a.start + b.start for a, b in zip(box, inner, strict=True))
        yield Part("A component", i, int(part.sum()), part, corner)


def _extent(mask: NDArray[np.bool_], axis: int) -> slice:
    others = tuple(a for a in range(3) if a != axis)
    held = np.flatnonzero(mask.any(axis=others))
    return slice(int(held[0]), int(held[-1]) + 1)


def _labels(labels: Labels, found: NDArray[np.int64]) -> Iterator[Part]:
    dense, numbers = labels, found
    if labels.dtype.kind == "f" or found[-1] > _LARGEST_LABEL:
        dense = np.zeros(labels.shape, dtype=np.int32)
        for plane, values in zip(dense, labels, strict=True):
            place = np.minimum(np.searchsorted(found, values), len(found) - 1)
            plane[:] = np.where(found[place] == values, place + 1, 0)
        numbers = np.arange(1, len(found) + 1)
    boxes = scipy.ndimage.find_objects(dense)
    for value, number in zip(found, numbers, strict=True):
        box = boxes[number - 1]
        part = dense[box] == number
        corner = tuple(s.start for s in box)
        yield Part(f"Label {value}", int(value), int(part.sum()), part, corner)
