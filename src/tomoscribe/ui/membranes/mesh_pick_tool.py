"""What the mouse points at on membranes: rays in 3D, the nearest surface from a slice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tomoscribe.ui.annotate.pick_style import diameter_voxels
from tomoscribe.ui.view import Triple, triple, world_to_voxels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.membranes.locate import SurfacePoint
    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
    from tomoscribe.ui.session import Session

LEAST_REACH = 2.0
"""Voxels from the surface within which a click in a slice means the surface, however small the
particles are: the outline is a line that must be hit."""


class Spot(NamedTuple):
    """A place for a pick: where, and on what it sits.

    `zyx` in voxels; `normal_zyx` is the outward unit normal of the membrane, None and "" off it.
    """

    zyx: Triple
    normal_zyx: Triple | None = None
    membrane: str = ""
    triangle: int = -1


class Ray(NamedTuple):
    """A line through the canvas, in voxels z y x."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]

    @property
    def direction(self) -> NDArray[np.float64]:
        """Unit vector away from the viewer."""
        way = self.end - self.start
        return np.asarray(way / np.linalg.norm(way))

    def depth_of(self, zyx: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return how far along the ray points (..., 3) are, in voxels from its start."""
        return np.asarray((zyx - self.start) @ self.direction)

    def distance_to(self, zyx: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return how far points (..., 3) are from the ray, in voxels."""
        along = self.depth_of(zyx)[..., None] * self.direction
        return np.asarray(np.linalg.norm(zyx - self.start - along, axis=-1))


class MeshPointer:
    """Finds what a mouse position means on the membranes of the current tomogram."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ray(self, world: Sequence[float], direction: Sequence[float] | None) -> Ray | None:
        """Return the line of sight through a world position, long enough for every membrane.

        Parameters
        ----------
        world : sequence of float
            Any point of it in Å: napari's `event.position`.
        direction : sequence of float or None
            napari's `event.view_direction`, which differs over the canvas in perspective.
        """
        layer, membrane = self._session.layer, self._session.membrane
        if layer is None or membrane is None or direction is None:
            return None
        point = world_to_voxels(layer, world)
        ahead = world_to_voxels(layer, np.asarray(world)[-3:] + np.asarray(direction)[-3:])
        unit = (ahead - point) / np.linalg.norm(ahead - point)
        corners = [c for s in self._session.surfaces.loaded() for c in s.bounds]
        reach = 1 + 2 * max(float(np.linalg.norm(corner - point)) for corner in corners)
        return Ray(point - reach * unit, point + reach * unit)

    def first_hit(self, ray: Ray) -> Spot | None:
        """Return where a ray first meets the current membrane, else another that is shown.

        As it is drawn: the current membrane is never hidden by the others.
        """
        session, current = self._session, self._session.surfaces.shelved
        spot = None if current is None else _spot(current, current.locator.intersect(*ray))
        if spot is not None or not session.membranes.context:
            return spot
        others = [s for s in session.surfaces.loaded() if s is not current]
        spots = [spot for s in others if (spot := _spot(s, s.locator.intersect(*ray)))]
        return min(spots, key=lambda spot: float(ray.depth_of(np.array(spot.zyx))), default=None)

    def snap(self, zyx: Sequence[float] | NDArray[np.floating], reach: float) -> Spot:
        """Return the nearest place on a membrane within `reach` voxels, else the place itself."""
        point, best, nearest = np.asarray(zyx, dtype=float), None, reach
        for shelved in self._session.surfaces.loaded():
            if not _may_reach(shelved, point, nearest):
                continue
            found = shelved.locator.closest(point)
            distance = float(np.linalg.norm(found.zyx - point))
            if distance <= nearest:
                best, nearest = _spot(shelved, found), distance
        return best or Spot(triple(point))

    def reach(self, class_name: str | None) -> float:
        """Return how far from the outline a click in a slice snaps: the class's radius, voxels."""
        entry = self._session.entry
        if entry is None or class_name is None:
            return LEAST_REACH
        diameter = diameter_voxels(self._session.classes, class_name, entry.voxel_size_A)
        return max(diameter / 2, LEAST_REACH)


def placed(pick: Pick, spot: Spot) -> Pick:
    """Return a pick as it is at another place."""
    return replace(pick, zyx=spot.zyx, normal_zyx=spot.normal_zyx, membrane=spot.membrane)


def _spot(shelved: ShelvedMembrane, found: SurfacePoint | None) -> Spot | None:
    if found is None:
        return None
    return Spot(triple(found.zyx), triple(found.normal_zyx), shelved.name, found.triangle)


def _may_reach(shelved: ShelvedMembrane, point: NDArray[np.float64], reach: float) -> bool:
    low, high = shelved.bounds
    return bool(np.all(point >= low - reach) and np.all(point <= high + reach))
