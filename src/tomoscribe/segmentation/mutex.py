"""Objects from affinities: the mutex watershed of Wolf et al. 2018 (ECCV), by `mwatershed`.

Neighbours that are of one object attract each other, voxels farther apart that are not repel each
other; the strongest word counts first. It needs no seeds and no number of objects.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.segmentation.levels import as_floats
from tomoscribe.segmentation.maps import steps_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.segmentation.maps import Offset, Triple

_FAR_STRIDE = 2
"""Of voxels that repel each other from afar every second one along each axis is asked: a quarter
of the time in a section, and neighbours say nearly the same."""


@dataclass(frozen=True)
class Affinity:
    """A map of affinities, (Z, Y, X), and where the other voxel lies, in nm."""

    offset_zyx_nm: Offset
    scores: NDArray[Any]

    @property
    def near(self) -> bool:
        """Whether it lies along one axis."""
        return sum(n != 0 for n in self.offset_zyx_nm) == 1


def nearest_along(affinities: Sequence[Affinity]) -> dict[int, Affinity]:
    """Return the affinity with the next voxel along each axis that has one."""
    nearest: dict[int, Affinity] = {}
    for each in affinities:
        if each.near:
            axis = int(np.argmax(np.abs(each.offset_zyx_nm)))
            known = nearest.get(axis)
            if known is None or _length(each) < _length(known):
                nearest[axis] = each
    return nearest


def fragments(
    mask: NDArray[np.bool_],
    affinities: Sequence[Affinity],
    joined_from: float,
    parted_below: float,
    voxel_size_zyx_nm: Triple,
) -> NDArray[np.int32]:
    """Return the parts of a mask that affinities tell, numbered from 1; 0: voxels left alone.

    Where the network worked at a lower resolution, which its shortest offsets show, so does this;
    parts are enlarged again and cut to the mask.

    Parameters
    ----------
    mask : (Z, Y, X) array of bool
        Where objects may be.
    affinities : sequence of Affinity
        The shortest along an axis attract (and repel where they are low), longer ones only repel.
        Those that reach across the box are left alone.
    joined_from, parted_below : float
        Affinities 0..1 from which neighbours are joined, and below which others are parted.
    voxel_size_zyx_nm : tuple of float
    """
    near = nearest_along(affinities)
    steps = [1, 1, 1]
    for axis, each in near.items():
        steps[axis] = abs(steps_of(each.offset_zyx_nm, voxel_size_zyx_nm)[axis])
    places = [_sampled(n, s) for n, s in zip(mask.shape, steps, strict=True)]
    coarse = np.ix_(*places)
    small = mask[coarse]
    size = [n * s for n, s in zip(voxel_size_zyx_nm, steps, strict=True)]
    kept = [
        (each, steps_of(each.offset_zyx_nm, (size[0], size[1], size[2]))) for each in affinities
    ]
    edges = [
        (offset, *_edge(each.scores[coarse], small, offset, each in near.values(),
                        joined_from, parted_below))
        for each, offset in kept
        if all(abs(o) < n for o, n in zip(offset, small.shape, strict=True))
    ]  # fmt: skip
    labels = _agglomerated(small, edges)
    if steps == [1, 1, 1]:
        return labels
    back = np.ix_(
        *[
            np.minimum(np.arange(n) // s, len(p) - 1)
            for n, s, p in zip(mask.shape, steps, places, strict=True)
        ]
    )
    large = labels[back]
    large[~mask] = 0
    return large


def attraction(affinities: Sequence[Affinity]) -> NDArray[np.float32]:
    """Return the mean affinity with the next voxels, high inside of objects: (Z, Y, X)."""
    near = list(nearest_along(affinities).values())
    total = np.zeros(near[0].scores.shape, np.float32)
    for each in near:
        total += as_floats(each.scores)
    total /= len(near)
    return total


def _length(affinity: Affinity) -> float:
    return math.hypot(*affinity.offset_zyx_nm)


def _sampled(size: int, step: int) -> NDArray[np.intp]:
    """Return the middles of steps along an axis."""
    return np.minimum(np.arange(0, size, step) + step // 2, size - 1)


def _edge(
    scores: NDArray[Any],
    mask: NDArray[np.bool_],
    offset: tuple[int, int, int],
    near: bool,
    joined_from: float,
    parted_below: float,
) -> tuple[NDArray[np.float64], int]:
    """Return the weights of edges, above 0 joining and below 0 parting, and their stride."""
    weight = as_floats(scores).astype(np.float64)
    weight -= joined_from if near else parted_below
    if not near:
        np.minimum(weight, 0, out=weight)
    weight[~(mask & _moved(mask, offset))] = 0
    np.nan_to_num(weight, copy=False)
    return weight, 1 if near else _FAR_STRIDE


def _moved(mask: NDArray[np.bool_], offset: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Return what a mask is at an offset from each voxel; False beyond its faces."""
    moved = np.zeros_like(mask)
    here = tuple(slice(max(0, -o), n - max(0, o)) for o, n in zip(offset, mask.shape, strict=True))
    there = tuple(slice(max(0, o), n - max(0, -o)) for o, n in zip(offset, mask.shape, strict=True))
    moved[here] = mask[there]
    return moved


def _agglomerated(
    mask: NDArray[np.bool_],
    edges: Sequence[tuple[tuple[int, int, int], NDArray[np.float64], int]],
) -> NDArray[np.int32]:
    try:
        import mwatershed
    except ImportError as error:
        raise TomoscribeError(
            "Objects by affinities need the package mwatershed, which does not load here "
            f"({error}): install it with 'pip install mwatershed', or choose another decoder."
        ) from error
    if not mask.any() or not edges:
        return mask.astype(np.int32)
    found = mwatershed.agglom(
        np.stack([weight for _, weight, _ in edges]),
        [list(offset) for offset, _, _ in edges],
        strides=[[min(stride, n) for n in mask.shape] for _, _, stride in edges],
    )
    # Voxels that nothing joined have number 0.
    numbers, places = np.unique(np.where(mask, found, 0), return_inverse=True)
    return (places.reshape(mask.shape) + int(numbers[0] != 0)).astype(np.int32)
