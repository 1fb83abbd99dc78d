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

SLAB_VOXELS = 1 << 24
"""The flood needs about 35 bytes a voxel at once; larger boxes are flooded slab by slab."""


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
    alone = single[parts]
    np.copyto(seeds, alone, where=alone > 0)
    del alone
    boxes = scipy.ndimage.find_objects(parts)
    for part in many:
        between()
        box = boxes[part - 1]
        inside = parts[box] == part
        flooded = _flood(inside, np.where(inside, seeds[box], 0), height[box], between)
        np.copyto(seeds[box], flooded, where=inside)
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
    mask: NDArray[np.bool_],
    seeds: NDArray[np.int32],
    height: NDArray[Any],
    between: Callable[[], None],
) -> NDArray[np.int32]:
    if mask.size <= SLAB_VOXELS or mask.ndim < 3:
        return _watershed(mask, seeds, height)
    depth = len(mask)
    thick = max(2, SLAB_VOXELS // (mask.size // depth))
    starts = range(0, depth, thick)
    # Down and up again: an object may be reached from a seed in a later slab only. Each slab
    # takes a section of its neighbours along, so that what was flooded there goes on in it.
    for start in (*starts, *reversed(starts)):
        between()
        slab = slice(max(start - 1, 0), min(start + thick + 1, depth))
        if np.any(mask[slab] & (seeds[slab] == 0)):
            seeds[slab] = _watershed(mask[slab], seeds[slab], height[slab])
    return seeds


def _watershed(
    mask: NDArray[np.bool_], seeds: NDArray[np.int32], height: NDArray[Any]
) -> NDArray[np.int32]:
    from skimage.segmentation import watershed

    flooded: NDArray[np.int32] = watershed(  # type: ignore[no-untyped-call]
        -as_floats(height), seeds, mask=mask
    )
    return flooded
