"""What a network is to predict at each voxel, from labels: the table of targets.

Every target is a map in 0..1 with a mask of where it is known. Nothing follows from a voxel that
nobody has labelled: a contour is known only where all neighbours are, or where two of them differ.
Sources: targets 0, 2, 4-w-b and 5 of PyTorch Connectomics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_dilation, distance_transform_edt

from tomoscribe.segmentation.maps import offset_of, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from tomoscribe.segmentation.maps import MapKind
    from tomoscribe.tasks.voxels.maps import MapSpec

    Target = tuple[NDArray[np.float32], NDArray[np.bool_]]


@dataclass(frozen=True)
class TargetOptions:
    """How targets are made, in working voxels; see `VoxelSettings` and `VoxelPlan`."""

    contour_width: int = 1
    contour_background: bool = True
    contour_3d: bool = False
    distance_scale: float = 6.0
    """Distance at which its map is 1, in edges of a working voxel along x."""
    volume: bool = False
    """Whether distances go through sections."""
    voxel_size_zyx_nm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Edges of a working voxel: sections may be thick, and affinities are told in nm."""

    @property
    def edges_zyx(self) -> tuple[float, float, float]:
        """Edges of a working voxel, in its edge along x."""
        z, y, x = self.voxel_size_zyx_nm
        return z / x, y / x, 1.0

    def margin(self, kinds: Iterable[MapKind]) -> tuple[int, int, int]:
        """Return the voxels around a box that its targets of some kinds depend on."""
        z, y, x = (
            max(self.contour_width + 1, int(np.ceil(self.distance_scale / edge)) + 1)
            for edge in self.edges_zyx
        )
        reach = [z if self.contour_3d or self.volume else 0, y, x]
        for offset in filter(None, map(offset_of, kinds)):
            steps = steps_of(offset, self.voxel_size_zyx_nm)
            reach = [max(a, abs(b)) for a, b in zip(reach, steps, strict=True)]
        return reach[0], reach[1], reach[2]


def make_targets(
    labels: NDArray[np.int32], specs: Sequence[MapSpec], options: TargetOptions
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the maps (map, z, y, x), in 0..1, and where they are known, of a box of labels.

    Parameters
    ----------
    labels : (class, z, y, x) array of int32
        -1 unknown, 0 not of the class, else an object.
    specs : sequence of MapSpec
        The maps.
    options : TargetOptions
    """
    shape = (len(specs), *labels.shape[1:])
    maps, known = np.zeros(shape, np.float32), np.zeros(shape, bool)
    for index, spec in enumerate(specs):
        mine, offset = labels[spec.class_index], offset_of(spec.kind)
        if offset is not None:
            steps = steps_of(offset, options.voxel_size_zyx_nm)
            maps[index], known[index] = _affinity(mine, steps)
        else:
            maps[index], known[index] = TARGETS[spec.kind](mine, options)
    return maps, known


def _foreground(labels: NDArray[np.int32], options: TargetOptions) -> Target:
    return (labels > 0).astype(np.float32), labels >= 0


def _contour(labels: NDArray[np.int32], options: TargetOptions) -> Target:
    edge, near_unknown = _borders(labels, options)
    more = options.contour_width - 1
    if more:
        around = _ball(more, options.contour_3d)
        edge = binary_dilation(edge, around) & (labels >= 0)
        near_unknown = binary_dilation(near_unknown, around)
    return edge.astype(np.float32), (labels >= 0) & (edge | ~near_unknown)


def _distance(labels: NDArray[np.int32], options: TargetOptions) -> Target:
    """Return how deep a voxel lies in its object, 1 from `distance_scale` on."""
    whole = TargetOptions(contour_background=True, contour_3d=options.volume)
    edge, _ = _borders(labels, whole)
    depth = _depth((labels > 0) & ~edge, options)
    # An unseen border may be no nearer than the nearest unknown voxel.
    sure = _depth(labels >= 0, options)
    reached = np.minimum(depth, options.distance_scale)
    known = (labels == 0) | ((labels > 0) & (reached <= sure))
    return (reached / options.distance_scale).astype(np.float32), known


def _affinity(labels: NDArray[np.int32], steps: tuple[int, int, int]) -> Target:
    """Return whether a voxel and the one `steps` away are of one object, where both are known."""
    one, known = np.zeros(labels.shape, bool), np.zeros(labels.shape, bool)
    if all(abs(s) < n for s, n in zip(steps, labels.shape, strict=True)):
        sides = list(zip(steps, labels.shape, strict=True))
        here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in sides)
        there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in sides)
        a, b = labels[here], labels[there]
        one[here] = (a == b) & (a > 0)
        known[here] = (a >= 0) & (b >= 0)
    return one.astype(np.float32), known


TARGETS: dict[MapKind, Callable[[NDArray[np.int32], TargetOptions], Target]] = {
    "foreground": _foreground,
    "contour": _contour,
    "distance": _distance,
}
"""Each kind of map but affinities: labels (z, y, x) of a class to its target and where that is
known."""


def _borders(
    labels: NDArray[np.int32], options: TargetOptions
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return voxels that touch another object or class, and those that touch unknown ones."""
    edge = np.zeros(labels.shape, bool)
    unknown = np.zeros(labels.shape, bool)
    for axis in (0, 1, 2) if options.contour_3d else (1, 2):
        lower, upper = [slice(None)] * 3, [slice(None)] * 3
        lower[axis], upper[axis] = slice(None, -1), slice(1, None)
        low, high = tuple(lower), tuple(upper)
        a, b = labels[low], labels[high]
        differ = (a != b) & (a >= 0) & (b >= 0)
        if not options.contour_background:
            differ &= (a > 0) & (b > 0)
        edge[low] |= differ
        edge[high] |= differ
        unknown[low] |= b < 0
        unknown[high] |= a < 0
    return edge, unknown


def _ball(radius: int, volume: bool) -> NDArray[np.bool_]:
    z, y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1, -radius : radius + 1]
    ball: NDArray[np.bool_] = (z**2 + y**2 + x**2 <= (radius + 0.5) ** 2) & (volume | (z == 0))
    return ball


def _depth(inside: NDArray[np.bool_], options: TargetOptions) -> NDArray[np.float64]:
    """Return the distance of voxels from outside, through the volume or section by section."""
    if options.volume:
        return _from_outside(inside, options.edges_zyx)
    return np.stack([_from_outside(section, options.edges_zyx[1:]) for section in inside])


def _from_outside(inside: NDArray[np.bool_], edges: tuple[float, ...]) -> NDArray[np.float64]:
    if inside.all():
        return np.full(inside.shape, np.inf)
    depth: NDArray[np.float64] = distance_transform_edt(inside, sampling=edges)
    return depth
