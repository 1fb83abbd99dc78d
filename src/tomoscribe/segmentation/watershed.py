"""Objects that grow from seeds: connected components and the seeded watershed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from tomoscribe.segmentation.levels import as_floats
from tomoscribe.segmentation.renumber import without_small

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SLAB_VOXELS = 1 << 22
"""The flood needs about 50 bytes a voxel at once; larger boxes are flooded slab by slab. Seeds are
numbered in the whole volume before, so an object goes on from slab to slab."""


def components(mask: NDArray[np.bool_], least_voxels: float = 1) -> NDArray[np.int32]:
    """Return what hangs together by faces, numbered from 1, without parts of fewer voxels."""
    labels = np.empty(mask.shape, dtype=np.int32)
    scipy.ndimage.label(mask, output=labels)
    return without_small(labels, least_voxels)


def grow_seeds(
    mask: NDArray[np.bool_],
    seeds: NDArray[np.int32],
    height: NDArray[Any],
    between: Callable[[], None] = lambda: None,
) -> NDArray[np.int32]:
    """Flood a mask from seeds, from the highest scores down (Meyer 1991, by scikit-image).

    A component with one seed is that object, so only those with several are flooded, each in
    its box. What no seed reaches is background.

    Parameters
    ----------
    mask : (...) array of bool
        Where objects may be.
    seeds : (...) array of int32
        Numbered seeds inside the mask; 0 elsewhere. It is filled and returned.
    height : (...) array
        Scores, high inside of objects; float or uint8.
    between : callable
        Called between the steps; what it raises ends the work.
    """
    parts = np.empty(mask.shape, dtype=np.int32)
    scipy.ndimage.label(mask, output=parts)
    many, single = _seeds_of_parts(parts, seeds)
    for seeds_there, parts_there in zip(seeds, parts, strict=True):
        alone = single[parts_there]
        np.copyto(seeds_there, alone, where=alone > 0)
    boxes = scipy.ndimage.find_objects(parts)
    for part in many:
        box = boxes[part - 1]
        _flood(part, parts[box], seeds[box], height[box], between)
    return seeds


def _seeds_of_parts(
    parts: NDArray[np.int32], seeds: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the parts with several seeds, and of each part the seed where it has one alone."""
    at = np.flatnonzero(seeds)
    pairs = np.unique(np.stack([parts.ravel()[at], seeds.ravel()[at]]), axis=1)
    owners, counts = np.unique(pairs[0], return_counts=True)
    single = np.zeros(int(parts.max(initial=0)) + 1, dtype=np.int32)
    lone = np.isin(pairs[0], owners[counts == 1])
    single[pairs[0][lone]] = pairs[1][lone]
    return owners[counts > 1].astype(np.int64), single


def _flood(
    part: int,
    parts: NDArray[np.int32],
    seeds: NDArray[np.int32],
    height: NDArray[Any],
    between: Callable[[], None],
) -> None:
    """Fill `seeds` where `parts` is `part`."""
    depth = len(parts)
    thick = max(2, SLAB_VOXELS // (parts.size // depth)) if parts.ndim == 3 else depth
    # Each slab takes a section of its neighbours along, so that what was flooded there goes on in
    # it. Down and up in turns, until nothing grows: an object may wind through the slabs.
    order, grows = range(0, depth, thick), True
    while grows:
        grows = False
        for start in order:
            between()
            slab = slice(max(start - 1, 0), min(start + thick + 1, depth))
            grows |= _watershed(parts[slab] == part, seeds[slab], height[slab])
        order, grows = order[::-1], grows and len(order) > 1


def _watershed(inside: NDArray[np.bool_], seeds: NDArray[np.int32], height: NDArray[Any]) -> bool:
    """Fill `seeds` where `inside`, and return whether that changed anything."""
    from skimage.segmentation import watershed

    dry = inside & (seeds == 0)
    if not dry.any():
        return False
    # Only the rims of seeds can flood anything: the queue need not hold what is deep in them.
    rim = scipy.ndimage.binary_dilation(dry, mask=inside) & ~dry
    markers = np.where(rim, seeds, 0)
    if not markers.any():
        return False
    flooded = watershed(-as_floats(height), markers, mask=dry | rim)  # type: ignore[no-untyped-call]
    np.copyto(seeds, flooded, where=dry)
    return True
