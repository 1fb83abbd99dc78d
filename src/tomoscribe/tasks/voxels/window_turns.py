"""How a training window is turned: by any angle, by quarters, mirrored, its axes exchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.nets.voxel_augment import turn
from tomoscribe.nets.voxel_rotate import exchanged, rotation

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from tomoscribe.nets.voxel_rotate import Matrix
    from tomoscribe.tasks.voxels.plan import VoxelPlan
    from tomoscribe.tasks.voxels.settings import VoxelSettings

_ALIKE = 1.1
"""Axes whose voxel edges differ by more than this factor do not change places."""


class WindowTurns:
    """Draws how windows are turned, and turns them.

    Parameters
    ----------
    settings : VoxelSettings
        What is wanted.
    plan : VoxelPlan
        Size of the windows, and their voxels.

    Raises
    ------
    TomoscribeError
        If sections were to be turned out of their plane for a network that sees sections.
    """

    def __init__(self, settings: VoxelSettings, plan: VoxelPlan) -> None:
        self._settings, self._size = settings, plan.window_zyx
        self._edges = plan.working_voxel_zyx_nm
        self._degrees = (settings.rotate_z, settings.rotate_y, settings.rotate_x)
        self._rotates = settings.turns and any(any(each) for each in self._degrees)
        if plan.dimension != "3d" and any(map(any, self._degrees[1:])):
            raise TomoscribeError(
                "voxels.rotate_y and voxels.rotate_x turn sections out of their plane, but a "
                f"{plan.dimension} network sees sections: give voxels.rotate_z alone."
            )

    def rotation(self, rng: np.random.Generator, zoom_yx: float) -> Matrix | None:
        """Return a rotation by angles of the ranges; None: nothing turns by any angle."""
        if not self._rotates:
            return None
        return rotation([rng.uniform(*each) for each in self._degrees], self._edges, zoom_yx)

    def apply(
        self, image: Tensor, labels: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return an image and its labels turned by quarters, mirrored, with axes exchanged."""
        own = self._settings
        if not own.turns:
            return image, labels
        square = self._size[1] == self._size[2]
        quarters = int(rng.integers(4)) if square and own.quarter_turns else 0
        z, y, x = (bool(n) for n in rng.random(3) < own.flips_zyx)
        image, labels = turn(image, quarters, (z, y, x)), turn(labels, quarters, (z, y, x))
        if len(own.transpose) > 1:
            order = self._order(labels, rng)
            image, labels = exchanged(image, order), exchanged(labels, order)
        return image, labels

    def _order(self, labels: Tensor, rng: np.random.Generator) -> list[int]:
        """Return an order of the axes; those change places that are as long, with like voxels."""
        order, left = [0, 1, 2], ["zyx".index(axis) for axis in self._settings.transpose]
        while left:
            first = left[0]
            alike = [axis for axis in left if self._alike(labels, first, axis)]
            for axis, taken in zip(alike, rng.permutation(alike), strict=True):
                order[axis] = int(taken)
            left = [axis for axis in left if axis not in alike]
        return order

    def _alike(self, labels: Tensor, a: int, b: int) -> bool:
        edges, shape = self._edges, labels.shape[-3:]
        ratio = max(edges[a], edges[b]) / min(edges[a], edges[b])
        return shape[a] == shape[b] and self._size[a] == self._size[b] and ratio <= _ALIKE
