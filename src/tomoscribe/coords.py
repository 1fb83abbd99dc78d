"""Axis orders, units and angles: the only module where any of these change.

Inside tomoscribe positions are z y x in voxels, 0 at the centre of the first voxel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

from tomoscribe.errors import TomoscribeError


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the voxels of a tomogram are.

    Parameters
    ----------
    shape_zyx : tuple of int
        Voxels along each axis.
    voxel_size_A : float or None
        Voxel edge in Å; None where the file does not tell it.
    origin_zyx_A : tuple of float
        Position in Å of the first voxel's centre.
    """

    shape_zyx: tuple[int, int, int]
    voxel_size_A: float | None = None
    origin_zyx_A: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def require_voxel_size(self) -> float:
        """Return the voxel size in Å.

        Raises
        ------
        TomoscribeError
            If it is unknown.
        """
        if self.voxel_size_A is None:
            raise TomoscribeError(
                "These coordinates are in Å, but the voxel size of the tomogram is unknown: "
                "give it with --voxel-size-A."
            )
        return self.voxel_size_A


def _points(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64).reshape(-1, 3)


def zyx_to_xyz(values: ArrayLike) -> NDArray[np.float64]:
    """Return (N, 3) positions or vectors with the axes z y x as x y z."""
    return np.ascontiguousarray(_points(values)[:, ::-1])


def xyz_to_zyx(values: ArrayLike) -> NDArray[np.float64]:
    """Return (N, 3) positions or vectors with the axes x y z as z y x."""
    return zyx_to_xyz(values)


def binned_to_voxels(zyx: ArrayLike, bin_: int) -> NDArray[np.float64]:
    """Return positions (..., 3) in voxels that are means of `bin_`³ ones as positions in those.

    The centre of the first mean lies between the voxels that it was made of, at (bin_ - 1) / 2.
    """
    return np.asarray(zyx, dtype=np.float64) * bin_ + (bin_ - 1) / 2


def voxels_to_binned(zyx: ArrayLike, bin_: int) -> NDArray[np.float64]:
    """Return positions (..., 3) in voxels as positions in the means of `bin_`³ of them."""
    return (np.asarray(zyx, dtype=np.float64) - (bin_ - 1) / 2) / bin_


def A_to_voxels(zyx_A: ArrayLike, geometry: Geometry) -> NDArray[np.float64]:
    """Return (N, 3) positions in Å, in the frame of the file's header origin, as voxels, z y x.

    Raises
    ------
    TomoscribeError
        If the voxel size is unknown.
    """
    origin = np.asarray(geometry.origin_zyx_A, dtype=np.float64)
    return (_points(zyx_A) - origin) / geometry.require_voxel_size()


def voxels_to_A(zyx: ArrayLike, geometry: Geometry) -> NDArray[np.float64]:
    """Return (N, 3) positions in voxels as Å in the frame of the file's header origin, z y x.

    Raises
    ------
    TomoscribeError
        If the voxel size is unknown.
    """
    origin = np.asarray(geometry.origin_zyx_A, dtype=np.float64)
    return _points(zyx) * geometry.require_voxel_size() + origin


def centered_A_to_voxels(xyz_A: ArrayLike, geometry: Geometry) -> NDArray[np.float64]:
    """Return RELION 5 coordinates (N, 3), x y z in Å from the tomogram's centre, as z y x voxels.

    The centre is at half the size, not at half of size - 1, and the header origin
    plays no part (RELION 5, `ParticleSet::getParticleCoordDecenteredPixel`).

    Raises
    ------
    TomoscribeError
        If the voxel size is unknown.
    """
    center = np.asarray(geometry.shape_zyx, dtype=np.float64) / 2
    return xyz_to_zyx(xyz_A) / geometry.require_voxel_size() + center


def voxels_to_centered_A(zyx: ArrayLike, geometry: Geometry) -> NDArray[np.float64]:
    """Return z y x voxels (N, 3) as RELION 5 coordinates, x y z in Å from the tomogram's centre.

    Raises
    ------
    TomoscribeError
        If the voxel size is unknown.
    """
    center = np.asarray(geometry.shape_zyx, dtype=np.float64) / 2
    return zyx_to_xyz((_points(zyx) - center) * geometry.require_voxel_size())


def relion_rotation(rot_tilt_psi_deg: ArrayLike) -> scipy.spatial.transform.Rotation:
    """Return the rotation from particle to tomogram axes (x y z) of RELION angles (N, 3).

    It is the inverse of intrinsic Z Y' Z'' (RELION, `Euler_angles2matrix`).
    """
    return scipy.spatial.transform.Rotation.from_euler(
        "ZYZ", _points(rot_tilt_psi_deg), degrees=True
    ).inv()


def rotation_to_relion(rotation: scipy.spatial.transform.Rotation) -> NDArray[np.float64]:
    """Return the RELION angles rot, tilt, psi in degrees (N, 3) of rotations to the tomogram."""
    matrix = rotation.as_matrix().reshape(-1, 3, 3)
    sine = np.hypot(matrix[:, 0, 2], matrix[:, 1, 2])
    tilt = np.arctan2(sine, matrix[:, 2, 2])
    rot = np.arctan2(matrix[:, 2, 1], matrix[:, 2, 0])
    psi = np.arctan2(matrix[:, 1, 2], -matrix[:, 0, 2])
    # At the poles only one angle is left. It goes into rot, and psi is 0.
    pole = sine < 1e-9
    up = np.where(matrix[:, 2, 2] > 0, 1.0, -1.0)
    rot = np.where(pole, np.arctan2(up * matrix[:, 0, 1], up * matrix[:, 0, 0]), rot)
    psi = np.where(pole, 0.0, psi)
    angles: NDArray[np.float64] = np.degrees(np.stack([rot, tilt, psi], axis=1))
    return angles


def relion_to_normals(rot_tilt_psi_deg: ArrayLike) -> NDArray[np.float64]:
    """Return the particles' z axes in the tomogram, unit vectors (N, 3) z y x.

    They depend on tilt and psi alone: rot turns the particle about this axis.
    """
    angles = np.radians(_points(rot_tilt_psi_deg))
    tilt, psi = angles[:, 1], angles[:, 2]
    side = np.sin(tilt)
    zyx = (np.cos(tilt), side * np.sin(psi), -side * np.cos(psi))
    normals: NDArray[np.float64] = np.stack(zyx, axis=1)
    return normals


def normals_to_relion(
    normals_zyx: ArrayLike, angles_deg: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return RELION angles rot, tilt, psi in degrees (N, 3) that point z along the normals.

    Parameters
    ----------
    normals_zyx : array_like
        (N, 3) vectors z y x of any length; NaN or zero vectors give the angles 0, 0, 0.
    angles_deg : array_like or None
        (N,) rotations about the normals, which become rot; NaN and None become 0.
    """
    normals = np.nan_to_num(_points(normals_zyx))
    z, y, x = normals.T
    tilt = np.degrees(np.arctan2(np.hypot(x, y), z))
    psi = np.where(np.hypot(x, y) > 0, np.degrees(np.arctan2(y, -x)), 0.0)
    rot = (
        np.zeros(len(normals))
        if angles_deg is None
        else np.nan_to_num(np.asarray(angles_deg, dtype=np.float64).reshape(-1))
    )
    return np.stack([rot, tilt, psi], axis=1)


def relion_to_orientation(
    rot_tilt_psi_deg: ArrayLike,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return normals (N, 3) z y x, and rotations about them (N,) in degrees, of RELION angles.

    `normals_to_relion` is the inverse. Tilts below 0 or above 180 degrees are folded; at the
    poles, where rot and psi turn about the same axis, both go into the rotation.
    """
    rot, tilt, psi = _points(rot_tilt_psi_deg).T
    tilt = wrap_deg(tilt)
    folded = tilt < 0
    rot, tilt, psi = rot + 180.0 * folded, np.abs(tilt), psi + 180.0 * folded
    normals = relion_to_normals(np.stack([rot, tilt, psi], axis=1))
    up, down = tilt < _POLE_DEG, tilt > 180.0 - _POLE_DEG
    normals[up | down] = 0.0
    normals[up | down, 0] = np.where(up, 1.0, -1.0)[up | down]
    return normals, wrap_deg(rot + np.where(up, psi, 0.0) - np.where(down, psi, 0.0))


def rotation_to_orientation(
    rotation: scipy.spatial.transform.Rotation,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return normals (N, 3) z y x, and rotations about them (N,) in degrees, of rotations."""
    return relion_to_orientation(rotation_to_relion(rotation))


def orientation_to_rotation(
    normals_zyx: ArrayLike, angles_deg: ArrayLike | None = None
) -> scipy.spatial.transform.Rotation:
    """Return rotations from particle to tomogram axes (x y z) that point z along the normals."""
    return relion_rotation(normals_to_relion(normals_zyx, angles_deg))


def tom_to_relion(phi_psi_the_deg: ArrayLike) -> NDArray[np.float64]:
    """Return TOM angles phi, psi, theta (N, 3), as STOPGAP's too, as RELION's rot, tilt, psi.

    Particle axes are turned to the tomogram's by Rz(psi) Rx(theta) Rz(phi)
    (TOMOMAN, `tm_angles_sg2relion`).
    """
    phi, psi, the = _points(phi_psi_the_deg).T
    return wrap_deg(np.stack([90.0 - phi, the, -90.0 - psi], axis=1))


def relion_to_tom(rot_tilt_psi_deg: ArrayLike) -> NDArray[np.float64]:
    """Return RELION angles (N, 3) as phi, psi, theta of TOM and STOPGAP, in degrees."""
    rot, tilt, psi = _points(rot_tilt_psi_deg).T
    return wrap_deg(np.stack([90.0 - rot, -90.0 - psi, tilt], axis=1))


def dynamo_to_relion(tdrot_tilt_narot_deg: ArrayLike) -> NDArray[np.float64]:
    """Return Dynamo angles tdrot, tilt, narot (N, 3) as RELION's rot, tilt, psi.

    Tomogram axes are turned to the particle's by Rz(narot) Rx(tilt) Rz(tdrot), about axes
    that stay (Dynamo wiki, Euler angles convention).
    """
    tdrot, tilt, narot = _points(tdrot_tilt_narot_deg).T
    return wrap_deg(np.stack([narot - 90.0, tilt, tdrot + 90.0], axis=1))


def relion_to_dynamo(rot_tilt_psi_deg: ArrayLike) -> NDArray[np.float64]:
    """Return RELION angles (N, 3) as Dynamo's tdrot, tilt, narot, in degrees."""
    rot, tilt, psi = _points(rot_tilt_psi_deg).T
    return wrap_deg(np.stack([psi - 90.0, tilt, rot + 90.0], axis=1))


def slicer_to_rotation(xyz_deg: ArrayLike) -> scipy.spatial.transform.Rotation:
    """Return the rotations from slice to tomogram axes of IMOD slicer angles x, y, z (N, 3).

    The slicer turns the volume about z, then y, then x, anticlockwise (3dmod, slicer help).
    """
    return scipy.spatial.transform.Rotation.from_euler(
        "zyx", _points(xyz_deg)[:, ::-1], degrees=True
    ).inv()


def rotation_to_slicer(rotation: scipy.spatial.transform.Rotation) -> NDArray[np.float64]:
    """Return IMOD slicer angles x, y, z (N, 3) in degrees, x within 90 as the slicer's slider."""
    matrix = rotation.inv().as_matrix().reshape(-1, 3, 3)
    side = np.hypot(matrix[:, 0, 0], matrix[:, 0, 1])
    pole = side < 1e-9
    x = np.where(pole, 0.0, np.arctan2(-matrix[:, 1, 2], matrix[:, 2, 2]))
    y = np.arctan2(matrix[:, 0, 2], side)
    z = np.where(
        pole,
        np.arctan2(matrix[:, 1, 0], matrix[:, 1, 1]),
        np.arctan2(-matrix[:, 0, 1], matrix[:, 0, 0]),
    )
    angles = np.degrees(np.stack([x, y, z], axis=1))
    over = np.abs(angles[:, 0]) > 90.0
    angles[over] = angles[over] * (1.0, -1.0, 1.0) + 180.0
    return wrap_deg(angles)


def wrap_deg(angles_deg: ArrayLike) -> NDArray[np.float64]:
    """Return angles in degrees in [-180, 180); 180 itself stays."""
    angles = np.asarray(angles_deg, dtype=np.float64)
    # Angles in range must not lose digits in the remainder.
    inside = (angles >= -180.0) & (angles <= 180.0)
    wrapped: NDArray[np.float64] = np.where(inside, angles, (angles + 180.0) % 360.0 - 180.0)
    return wrapped


_POLE_DEG = 1e-7
"""Tilts closer to a pole than this leave rot and psi without a meaning of their own."""
