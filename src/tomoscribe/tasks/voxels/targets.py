"""What a network is to predict at each voxel, from labels: the table of targets.

Every target is a map in 0..1 with a mask of where it is known. Nothing follows from a voxel that
nobody has labelled: a contour is known only where all neighbours are, or where two of them differ,
or at a whole object.
Labels are tensors (B, z, y, x), on whatever device: a training makes targets where its network is.
Sources: targets 0, 2, 4-w-b and 5 of PyTorch Connectomics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from tomoscribe.segmentation.maps import offset_of, steps_of
from tomoscribe.segmentation.whole import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from tomoscribe.segmentation.maps import MapKind
    from tomoscribe.tasks.voxels.maps import MapSpec

    Target = tuple[Tensor, Tensor]
    """In 0..1, and where it is known."""


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
        -1 unknown, 0 not of the class, else an object, whole from `WHOLE` on.
    specs : sequence of MapSpec
        The maps.
    options : TargetOptions
    """
    boxes = torch.from_numpy(labels.copy())[None]
    maps, known = targets_of(boxes, specs, options)
    return maps[0].numpy(), known[0].numpy()


def targets_of(
    labels: Tensor, specs: Sequence[MapSpec], options: TargetOptions
) -> tuple[Tensor, Tensor]:
    """Return maps and where they are known, (B, map, z, y, x), of labels (B, class, z, y, x)."""
    shape = (len(labels), len(specs), *labels.shape[2:])
    maps = torch.empty(shape, device=labels.device)
    known = torch.empty(shape, dtype=torch.bool, device=labels.device)
    for index, spec in enumerate(specs):
        mine, offset = labels[:, spec.class_index], offset_of(spec.kind)
        if offset is not None:
            steps = steps_of(offset, options.voxel_size_zyx_nm)
            maps[:, index], known[:, index] = _affinity(mine, steps)
        else:
            maps[:, index], known[:, index] = TARGETS[spec.kind](mine, options)
    return maps, known


def _foreground(labels: Tensor, options: TargetOptions) -> Target:
    return (labels > 0).float(), labels >= 0


def _contour(labels: Tensor, options: TargetOptions) -> Target:
    edge, near_unknown = _borders(labels, options)
    more = options.contour_width - 1
    if more:
        edge = _within(edge, more + 0.5, options) & (labels >= 0)
        near_unknown = _within(near_unknown, more + 0.5, options)
    return edge.float(), (labels >= 0) & (edge | ~near_unknown)


def _distance(labels: Tensor, options: TargetOptions) -> Target:
    """Return how deep a voxel lies in its object, 1 from `distance_scale` on."""
    whole = TargetOptions(contour_background=True, contour_3d=options.volume)
    edge, _ = _borders(labels, whole)
    reached = _depth((labels > 0) & ~edge, options)
    # An unseen border may be no nearer than the nearest unknown voxel.
    sure = _depth(labels >= 0, options)
    known = (labels == 0) | ((labels > 0) & (reached <= sure))
    return reached / options.distance_scale, known


def _affinity(labels: Tensor, steps: tuple[int, int, int]) -> Target:
    """Return whether a voxel and the one `steps` away are of one object, where both are known."""
    one = torch.zeros_like(labels, dtype=torch.bool)
    known = torch.zeros_like(one)
    if all(abs(s) < n for s, n in zip(steps, labels.shape[1:], strict=True)):
        sides = list(zip(steps, labels.shape[1:], strict=True))
        here = (slice(None), *(slice(max(0, -s), n - max(0, s)) for s, n in sides))
        there = (slice(None), *(slice(max(0, s), n - max(0, -s)) for s, n in sides))
        a, b = labels[here], labels[there]
        one[here] = (a == b) & (a > 0)
        known[here] = _told_apart(a, b)
    return one.float(), known


TARGETS: dict[MapKind, Callable[[Tensor, TargetOptions], Target]] = {
    "foreground": _foreground,
    "contour": _contour,
    "distance": _distance,
}
"""Each kind of map but affinities: labels (B, z, y, x) of a class to its target and where that is
known."""


def _borders(labels: Tensor, options: TargetOptions) -> tuple[Tensor, Tensor]:
    """Return voxels that touch another object or class, and those that touch unknown ones."""
    edge = torch.zeros_like(labels, dtype=torch.bool)
    unknown = torch.zeros_like(edge)
    for axis in (1, 2, 3) if options.contour_3d else (2, 3):
        count = labels.shape[axis] - 1
        a, b = labels.narrow(axis, 0, count), labels.narrow(axis, 1, count)
        differ = (a != b) & _told_apart(a, b)
        if not options.contour_background:
            differ &= (a > 0) & (b > 0)
        for first, here, beside in ((0, a, b), (1, b, a)):
            edge.narrow(axis, first, count).logical_or_(differ)
            unknown.narrow(axis, first, count).logical_or_((beside < 0) & (here < WHOLE))
    return edge, unknown


def _told_apart(a: Tensor, b: Tensor) -> Tensor:
    """Return where it is known whether two labels are of one object."""
    return ((a >= 0) & (b >= 0)) | (a >= WHOLE) | (b >= WHOLE)


def _within(marked: Tensor, radius: float, options: TargetOptions) -> Tensor:
    """Return which voxels lie at most `radius` voxels from a marked one."""
    edges = (1.0 if options.contour_3d else math.inf, 1.0, 1.0)
    return _squared_distance(marked, edges, radius) <= radius**2


def _depth(inside: Tensor, options: TargetOptions) -> Tensor:
    """Return the distance of voxels from outside, `distance_scale` at most."""
    z, y, x = options.edges_zyx
    edges = (z if options.volume else math.inf, y, x)
    outside = _squared_distance(~inside, edges, options.distance_scale)
    return outside.sqrt_().clamp_max_(options.distance_scale)


def _squared_distance(marked: Tensor, edges: tuple[float, float, float], reach: float) -> Tensor:
    """Return the squared distance of voxels from the nearest marked one, exact up to `reach`.

    Axis by axis the least of the neighbours' (Felzenszwalb and Huttenlocher 2012), each compared,
    because `reach` is short: that runs alike on every device. An edge may be infinite: then voxels
    along that axis do not count.
    """
    squared = torch.zeros(marked.shape, device=marked.device).masked_fill_(~marked, math.inf)
    for axis, edge in zip((1, 2, 3), edges, strict=True):
        size = marked.shape[axis]
        nearest = squared.clone()
        for step in range(1, min(int(reach / edge), size - 1) + 1):
            further = squared + (step * edge) ** 2
            for here, there in ((0, step), (step, 0)):
                mine = nearest.narrow(axis, here, size - step)
                torch.minimum(mine, further.narrow(axis, there, size - step), out=mine)
        squared = nearest
    return squared
