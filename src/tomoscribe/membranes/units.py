"""Which unit picks count in: the one in which they lie on their membrane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.coords import A_to_voxels, voxels_to_A

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tomoscribe.coords import Geometry

_FAR_A, _FAR_VOXELS = 50.0, 3.0


@dataclass(frozen=True)
class Reading:
    """Positions of picks, read in one unit.

    Parameters
    ----------
    zyx : (N, 3) array
        Voxels.
    unit : str
        What the file's numbers are taken for; empty where that is what the file says.
    """

    zyx: NDArray[np.float64]
    unit: str = ""


@dataclass(frozen=True)
class Judged:
    """What the distances to a membrane tell of the unit.

    Parameters
    ----------
    reading : Reading or None
        In which at least half of the picks are near; None where there is no such one.
    said : str
        How many are far off as the file says.
    nearest_A : float
        Least distance of a pick in any of the readings that were tried.
    """

    reading: Reading | None
    said: str
    nearest_A: float

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence where the unit is another one than the file says."""
        if self.reading is None or not self.reading.unit:
            return ()
        return (f"{self.said}; they look like {self.reading.unit}, and are read so.",)


def far_A(voxel_size_A: float) -> float:
    """Return the distance in Å beyond which a particle's centre is not on a membrane.

    50 Å, or three voxels: a segmentation is not finer than that.
    """
    return max(_FAR_A, _FAR_VOXELS * voxel_size_A)


def pick_readings(
    zyx: NDArray[np.float64], geometry: Geometry, in_A: bool = False
) -> list[Reading]:
    """Return positions (N, 3), likeliest first: as the file says, then in other units.

    Parameters
    ----------
    zyx : (N, 3) array
        Voxels, as the file says.
    geometry : Geometry
        With a known voxel size.
    in_A : bool
        Whether the file says that it counts in Å, from the header's origin.
    """
    size = geometry.require_voxel_size()
    shifted = any(geometry.origin_zyx_A)
    readings = [Reading(zyx)]
    if in_A:
        in_file = voxels_to_A(zyx, geometry)
        if shifted:
            corner = "Å from the tomogram's corner, not from the header's origin"
            readings.append(Reading(in_file / size, corner))
        readings.append(Reading(in_file, "voxels"))
        return readings
    if shifted:
        readings.append(Reading(A_to_voxels(zyx, geometry), "Å from the header's origin"))
    readings.append(Reading(zyx / size, "Å from the tomogram's corner" if shifted else "Å"))
    return readings


def judge_readings(
    readings: Sequence[Reading],
    distances_A: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    voxel_size_A: float,
) -> Judged:
    """Return the first reading in which at least half of the picks are near the membrane.

    The first, not the best: fewer voxels for the same numbers bring everything nearer.

    Parameters
    ----------
    readings : sequence of Reading
        Likeliest first.
    distances_A : callable
        From positions (N, 3) in voxels to distances (N,) to the membrane.
    voxel_size_A : float
    """
    reach = far_A(voxel_size_A)
    said, nearest = "", np.inf
    for reading in readings:
        away = distances_A(reading.zyx)
        far = int((away > reach).sum())
        said = said or f"{far} of {len(away)} points are > {reach:g} Å from the mesh"
        nearest = min(nearest, float(away.min()))
        if 2 * far <= len(away):
            return Judged(reading, said, nearest)
    return Judged(None, said, nearest)
