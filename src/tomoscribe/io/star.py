"""RELION's STAR files: particle positions, angles, scores and classes of versions 3.0 to 5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import starfile

from tomoscribe.coords import (
    centered_A_to_voxels,
    relion_rotation,
    relion_to_orientation,
    rotation_to_relion,
    xyz_to_zyx,
)
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_columns import NeedsTomogramError, PickColumns
from tomoscribe.io.star_write import write_star

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.coords import Geometry

__all__ = ["StarTable", "read_star", "read_star_table", "write_star"]

_PIXELS = tuple(f"rlnCoordinate{a}" for a in "XYZ")
_CENTERED = tuple(f"rlnCenteredCoordinate{a}Angst" for a in "XYZ")
_ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
_BOX_ANGLES = ("rlnTomoSubtomogramRot", "rlnTomoSubtomogramTilt", "rlnTomoSubtomogramPsi")
_SHIFTS_A = tuple(f"rlnOrigin{a}Angst" for a in "XYZ")
_SHIFTS_PIXELS = tuple(f"rlnOrigin{a}" for a in "XYZ")
_SCORES = ("rlnAutopickFigureOfMerit", "rlnLCCmax", "ptmLCCmax")
_NAMES = ("rlnTomoName", "rlnMicrographName")
_TEXTS = [*_NAMES, "tsClassName", "rlnParticleName", "rlnTomoParticleName", "rlnImageName"]
_SAME = 0.01
"""Pixel sizes that differ by a smaller share are the same, rounded differently."""


@dataclass(frozen=True)
class StarTable:
    """The particle block of a STAR file as it is in the file.

    Parameters
    ----------
    particles : DataFrame
        One row a particle.
    xyz : ndarray
        (N, 3) positions x y z, in pixels, or in Å from the tomogram's centre if `centered`.
    centered : bool
        Whether positions are RELION 5's.
    pixel_A : ndarray or None
        (N,) size in Å of the pixels that positions count in, where the file tells it.
    notes : tuple of str
        How it was read.
    """

    particles: pd.DataFrame
    xyz: NDArray[np.float64]
    centered: bool
    pixel_A: NDArray[np.float64] | None
    notes: tuple[str, ...] = ()

    def text(self, *names: str) -> list[str] | None:
        """Return the first of these columns that is there, as text."""
        for name in names:
            if name in self.particles:
                return [str(v) for v in self.particles[name]]
        return None

    def class_names(self) -> list[str] | None:
        """Return class names: `tsClassName`, a repeated `rlnParticleName`, or class numbers.

        Class numbers count only where there are several, since refinement writes 1 everywhere.
        """
        own = self.text("tsClassName")
        if own is not None:
            return own
        kinds = self.text("rlnParticleName")
        if kinds is not None and len(set(kinds)) <= max(1, len(kinds) // 2):
            return kinds
        numbers = self.text("rlnClassNumber")
        if numbers is not None and len(set(numbers)) > 1:
            return [f"class_{n}" for n in numbers]
        return None


def read_star(path: Path, geometry: Geometry | None) -> PickColumns:
    """Read particles, with refined shifts applied, in voxels of the tomogram.

    Raises
    ------
    TomoscribeError
        If the file is broken, has no particles, or needs a voxel size that is unknown.
    """
    table = read_star_table(path)
    boxes = numbers(path, table.particles, _BOX_ANGLES)
    angles = numbers(path, table.particles, _ANGLES)
    zyx, notes = _to_voxels(path, table, boxes, geometry)
    normals = turns = None
    if angles is not None and len(zyx):
        # Three zeros are what programs write that know of no orientation.
        unknown = ~angles.any(axis=1)
        if boxes is not None:
            unknown &= ~boxes.any(axis=1)
            # RELION 4 and 5: box to tomogram after particle to box.
            rotation = relion_rotation(boxes) * relion_rotation(angles)
            angles = rotation_to_relion(rotation)
        if not unknown.all():
            normals, turns = relion_to_orientation(angles)
            normals[unknown], turns[unknown] = np.nan, np.nan
    score = next((c for c in _SCORES if c in table.particles), None)
    scores = None if score is None else numbers(path, table.particles, (score,), finite=False)
    return PickColumns(
        zyx=zyx,
        class_names=table.class_names(),
        scores=None if scores is None else scores[:, 0],
        normals_zyx=normals,
        angles_deg=turns,
        tomogram=table.text(*_NAMES),
        notes=(*table.notes, *notes),
        pixel_size_A=_common_pixel(table, geometry),
    )


def _common_pixel(table: StarTable, geometry: Geometry | None) -> float | None:
    """Return the voxel size that the returned positions count in, where it is known."""
    if geometry is not None and geometry.voxel_size_A is not None:
        return geometry.voxel_size_A
    if table.centered or table.pixel_A is None or not len(table.pixel_A):
        return None
    first = float(table.pixel_A[0])
    return first if np.allclose(table.pixel_A, first) else None


def read_star_table(path: Path) -> StarTable:
    """Read the particle block of a STAR file.

    Raises
    ------
    TomoscribeError
        If the file is no STAR file or holds no particle positions.
    """
    blocks = _blocks(path)
    chosen = [
        name for name, block in blocks.items() if any(c in block for c in (*_PIXELS, *_CENTERED))
    ]
    if not chosen:
        raise TomoscribeError(_why_no_particles(path, blocks))
    name = "particles" if "particles" in chosen else chosen[0]
    particles = blocks[name]
    notes: tuple[str, ...] = ()
    if len(chosen) > 1:
        notes = (f"{path.name} has {len(chosen)} blocks with positions; '{name}' is read.",)
    wanted = _CENTERED if any(c in particles for c in _CENTERED) else _PIXELS
    missing = [c for c in wanted if c not in particles]
    if missing:
        raise TomoscribeError(f"{path} lacks the column {' and '.join(missing)}.")
    xyz = numbers(path, particles, wanted)
    assert xyz is not None
    pixel = _pixel_sizes(path, particles, blocks.get("optics"))
    return StarTable(particles, xyz, wanted is _CENTERED, pixel, notes)


def _blocks(path: Path) -> dict[str, pd.DataFrame]:
    try:
        found = starfile.read(path, always_dict=True, parse_as_string=_TEXTS)
    except OSError:
        raise
    except Exception as error:  # starfile lets pass whatever its parsers meet
        raise TomoscribeError(f"{path} is not a STAR file that can be parsed.") from error
    blocks = {
        name: block if isinstance(block, pd.DataFrame) else pd.DataFrame([block])
        for name, block in found.items()
    }
    if not blocks:
        raise TomoscribeError(f"{path} is not a STAR file: it has no data block.")
    return blocks


def _why_no_particles(path: Path, blocks: dict[str, pd.DataFrame]) -> str:
    names = list(blocks)
    if any(n.startswith("stopgap") for n in names):
        return f"{path} is a STOPGAP list without particles: give its motive list."
    if any(n.startswith("tomoman") for n in names):
        return f"{path} is a TOMOMAN list of tomograms and holds no particles."
    first = blocks[names[0]]
    if "rlnTomoParticlesFile" in first:
        inside = first["rlnTomoParticlesFile"].iloc[0]
        return f"{path} is an optimisation set: give its particle file, {inside}."
    if "rlnTomoTiltSeriesStarFile" in first or "rlnTomoNominalStageTiltAngle" in first:
        return f"{path} describes tilt series or tomograms and holds no particles."
    return (
        f"{path} holds no particle positions: it has neither rlnCoordinateX, Y, Z nor "
        "rlnCenteredCoordinateXAngst, YAngst, ZAngst."
    )


def numbers(
    path: Path, table: pd.DataFrame, names: tuple[str, ...], *, finite: bool = True
) -> NDArray[np.float64] | None:
    """Return columns as (N, len(names)) float64, or None if one is absent.

    Raises
    ------
    TomoscribeError
        If a value is no number, or, with `finite`, NaN or infinite.
    """
    if any(n not in table for n in names):
        return None
    columns = []
    for name in names:
        values = np.asarray(pd.to_numeric(table[name], errors="coerce"), dtype=np.float64)
        bad = np.flatnonzero(~np.isfinite(values))
        if finite and len(bad):
            said = table[name].iloc[bad[0]]
            raise TomoscribeError(
                f"Particle {bad[0] + 1} of {path} has '{said}' in {name} where a number must be."
            )
        columns.append(values)
    return np.stack(columns, axis=1)


def _pixel_sizes(
    path: Path, particles: pd.DataFrame, optics: pd.DataFrame | None
) -> NDArray[np.float64] | None:
    """Return the pixel size of the positions, (N,) in Å; the most specific label wins."""
    for label, by_optics in (
        ("rlnTomoTiltSeriesPixelSize", True),
        ("rlnTomoTiltSeriesPixelSize", False),
        ("rlnPixelSize", False),
        ("rlnImagePixelSize", True),
    ):
        if not by_optics:
            sizes = numbers(path, particles, (label,))
        elif optics is None or label not in optics or "rlnOpticsGroup" not in particles:
            continue
        else:
            by_group = dict(zip(optics["rlnOpticsGroup"], optics[label], strict=True))
            groups = pd.DataFrame({label: particles["rlnOpticsGroup"].map(by_group)})
            sizes = numbers(path, groups, (label,))
        if sizes is not None and np.all(sizes > 0):
            return sizes[:, 0]
    # RELION 3.0: detector pixel in µm over magnification.
    detector = numbers(path, particles, ("rlnDetectorPixelSize", "rlnMagnification"))
    if detector is not None and np.all(detector > 0):
        sizes_A: NDArray[np.float64] = detector[:, 0] * 1e4 / detector[:, 1]
        return sizes_A
    return None


def _to_voxels(
    path: Path,
    table: StarTable,
    boxes: NDArray[np.float64] | None,
    geometry: Geometry | None,
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return positions as z y x voxels with shifts applied, and notes."""
    voxel = None if geometry is None else geometry.voxel_size_A
    if table.centered:
        if geometry is None:
            raise NeedsTomogramError(path, "Å from the tomogram's centre")
        shifts, notes = _shifts(path, table, np.ones(len(table.xyz)))
        return centered_A_to_voxels(table.xyz - _in_tomogram(shifts, boxes), geometry), notes
    pixel = table.pixel_A
    if pixel is None and voxel is not None:
        pixel = np.full(len(table.xyz), voxel)
    shifts, notes = _shifts(path, table, pixel)
    zyx = xyz_to_zyx(table.xyz - _in_tomogram(shifts, boxes))
    if table.pixel_A is None or voxel is None or not len(zyx):
        return zyx, notes
    scale = table.pixel_A / voxel
    if np.all(np.abs(scale - 1) < _SAME):
        return zyx, notes
    said = ", ".join(f"{s:g}" for s in np.unique(table.pixel_A))
    note = (
        f"{path.name} counts in pixels of {said} Å; positions are scaled to the tomogram's "
        f"voxels of {voxel:g} Å."
    )
    return zyx * scale[:, None], (*notes, note)


def _shifts(
    path: Path, table: StarTable, pixel_A: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """Return the refined shifts in units of the positions, and a note if they cannot be used."""
    in_A = numbers(path, table.particles, _SHIFTS_A)
    if in_A is not None:
        if pixel_A is not None:
            return in_A / pixel_A[:, None], ()
        if np.any(in_A):
            return None, (f"The shifts of {path.name} are left out: its pixel size is unknown.",)
        return None, ()
    in_pixels = numbers(path, table.particles, _SHIFTS_PIXELS)
    if in_pixels is not None and table.centered:
        return None, (f"The shifts in pixels of {path.name} are left out.",)
    return in_pixels, ()


def _in_tomogram(shifts: NDArray[np.float64] | None, boxes: NDArray[np.float64] | None) -> Any:
    """Return shifts x y z along the tomogram's axes: they are kept along those of the box."""
    if shifts is None:
        return 0.0
    if boxes is None or not len(shifts):
        return shifts
    return relion_rotation(boxes).apply(shifts)
