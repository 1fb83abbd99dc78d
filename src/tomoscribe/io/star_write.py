"""Writing picks as RELION's STAR files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import starfile

from tomoscribe.coords import Geometry, voxels_to_centered_A, zyx_to_xyz
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path
from tomoscribe.io.numbered import angles_to_write, numbers_of_classes, oriented

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.io.pick_columns import PickColumns

_MAGNIFICATION = 10000.0
"""With it the detector pixel in µm of RELION 3.0 has the number of the pixel size in Å."""


def write_star(
    path: Path,
    columns: PickColumns,
    geometry: Geometry,
    tomogram_name: str,
    flavour: str,
    tilt_series_pixel_size_A: float | None = None,
) -> None:
    """Write a particle STAR file atomically.

    Scores become `rlnAutopickFigureOfMerit`, classes `tsClassName` (a column of ours, which
    RELION keeps and ignores) beside `rlnClassNumber`. `relion4` counts in pixels of the tilt
    series, `relion5` in Å from the tomogram's centre, the others in voxels of the tomogram.
    `warp` is `relion3.0` with the names of Warp's tilt series.

    Raises
    ------
    TomoscribeError
        If the voxel size is unknown, or the disk refuses.
    """
    if geometry.voxel_size_A is None:
        raise TomoscribeError(
            f"{path} needs the voxel size, which is unknown: give it with --voxel-size-A."
        )
    voxel = geometry.voxel_size_A
    pixel = voxel
    if flavour == "relion4" and tilt_series_pixel_size_A is not None:
        pixel = tilt_series_pixel_size_A
    names = columns.tomogram or [tomogram_name] * len(columns)
    if flavour == "warp":
        # Warp looks its tilt series up by the name of this file.
        names = [name if name.endswith(".tomostar") else f"{name}.tomostar" for name in names]
    particles: dict[str, object] = {
        "rlnTomoName" if flavour in ("relion4", "relion5") else "rlnMicrographName": names
    }
    if flavour == "relion5":
        xyz = voxels_to_centered_A(columns.zyx, geometry)
        labels = [f"rlnCenteredCoordinate{a}Angst" for a in "XYZ"]
    else:
        xyz = zyx_to_xyz(columns.zyx) * (voxel / pixel)
        labels = [f"rlnCoordinate{a}" for a in "XYZ"]
    particles.update(zip(labels, xyz.T, strict=True))
    particles.update(_extras(columns))
    blocks: dict[str, pd.DataFrame] = {"particles": pd.DataFrame(particles)}
    if flavour in ("relion3.0", "warp"):
        blocks = {
            "": blocks["particles"].assign(
                rlnMagnification=_MAGNIFICATION, rlnDetectorPixelSize=pixel
            )
        }
    elif flavour in ("relion3.1", "relion4"):
        size = "rlnImagePixelSize" if flavour == "relion3.1" else "rlnTomoTiltSeriesPixelSize"
        optics = {"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["opticsGroup1"], size: [pixel]}
        blocks = {
            "optics": pd.DataFrame(optics),
            "particles": blocks["particles"].assign(rlnOpticsGroup=1),
        }
    with atomic_path(path) as temporary:
        starfile.write(blocks, temporary, float_format="%.6f")


def _extras(columns: PickColumns) -> dict[str, object]:
    """Return angles, scores and classes, as far as they are known."""
    extras: dict[str, object] = {}
    if columns.normals_zyx is not None:
        angles = angles_to_write(columns, np.asarray)
        # Three zeros mean that nothing is known; a known orientation must not look so.
        angles[oriented(columns) & ~angles.any(axis=1), 0] = 360.0
        extras.update(zip(("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"), angles.T, strict=True))
    if columns.scores is not None and not np.isnan(columns.scores).all():
        extras["rlnAutopickFigureOfMerit"] = columns.scores
    if columns.class_names is not None:
        extras["rlnClassNumber"] = numbers_of_classes(columns)
        extras["tsClassName"] = columns.class_names
    return extras
