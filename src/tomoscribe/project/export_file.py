"""Picks in one file of another program, read back after it was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.numbered import oriented
from tomoscribe.io.pick_files import PickColumns, read_picks, write_picks
from tomoscribe.io.pick_formats import WRITABLE
from tomoscribe.picks.table import positions_zyx
from tomoscribe.project.export_rows import first_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomoscribe.coords import Geometry
    from tomoscribe.io.pick_files import Flavour
    from tomoscribe.picks.table import Pick

_LARGEST_DIFFERENCE = 1e-2
"""Voxels by which a position may change on its way through a file; the formats keep 1e-3."""


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote, and what came back when it was read again.

    Parameters
    ----------
    paths : tuple of Path
        The files, the combined one last.
    written, read_back : int
        Picks in all files together, those of the combined file not counted twice.
    max_difference_voxels : float
        Largest change of a coordinate between project and file.
    first_rows : tuple of str
        The first picks as they stand in the last file, the combined one where it is written.
    notes : tuple of str
        Sentences for the user.
    """

    paths: tuple[Path, ...]
    written: int
    read_back: int
    max_difference_voxels: float
    first_rows: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The report in one line."""
        return (
            f"{self.written} written, {self.read_back} read back, "
            f"largest difference {self.max_difference_voxels:.1e} voxels."
        )


def columns_of(
    picks: Sequence[Pick],
    tomogram: str | None = None,
    diameters_A: Mapping[str, float] | None = None,
) -> PickColumns:
    """Return picks as columns for a file; what no pick knows is left out.

    Parameters
    ----------
    picks : sequence of Pick
        Picks of one tomogram.
    tomogram : str or None
        Name that each row carries.
    diameters_A : mapping or None
        Diameters of all classes of the project, in the order that numbers them.
    """
    scores = np.array([p.score for p in picks], dtype=np.float64)
    angles = np.array([p.angle_deg for p in picks], dtype=np.float64)
    unknown = (float("nan"),) * 3
    normals = np.array([unknown if p.normal_zyx is None else p.normal_zyx for p in picks])
    sizes = [(diameters_A or {}).get(p.class_name, float("nan")) for p in picks]
    return PickColumns(
        zyx=positions_zyx(picks),
        class_names=[p.class_name for p in picks],
        scores=None if np.isnan(scores).all() else scores,
        normals_zyx=None if np.isnan(normals).all() else normals.reshape(-1, 3),
        angles_deg=None if np.isnan(angles).all() else angles,
        tomogram=None if tomogram is None else [tomogram] * len(picks),
        diameters_A=None if diameters_A is None else np.array(sizes, dtype=np.float64),
        class_order=None if diameters_A is None else tuple(diameters_A),
    )


def export_columns(
    columns: PickColumns,
    path: str | Path,
    flavour: Flavour,
    *,
    geometry: Geometry,
    tomogram_name: str,
    tilt_series_pixel_size_A: float | None = None,
) -> ExportReport:
    """Write picks to one file and read it back.

    Parameters
    ----------
    columns : PickColumns
        Picks in voxels of the tomogram.
    path : str or Path
        The file; an older one is replaced.
    flavour : str
        One of `SUFFIXES`.
    geometry : Geometry
        Of the tomogram.
    tomogram_name : str
        Its name, where the columns have none.
    tilt_series_pixel_size_A : float or None
        For `relion4`, as in `export_picks`.

    Raises
    ------
    TomoscribeError
        If there is nothing to write, it cannot be written, or what was written reads differently.
    """
    if not len(columns):
        raise TomoscribeError(f"There are no picks to write to {path}.")
    write_picks(
        path,
        columns,
        geometry=geometry,
        tomogram_name=tomogram_name,
        flavour=flavour,
        tilt_series_pixel_size_A=tilt_series_pixel_size_A,
    )
    back = read_picks(path, geometry=geometry)
    same_count = len(back) == len(columns)
    difference = _largest_difference(back, columns) if same_count else float("inf")
    if not difference <= _LARGEST_DIFFERENCE:
        raise TomoscribeError(
            f"{path} reads back differently from what was written ({len(back)} of {len(columns)} "
            f"picks, largest difference {difference:.3g} voxels): do not use it."
        )
    rows = first_rows(Path(path), flavour, back)
    without = len(columns) - int(oriented(columns).sum())
    notes: tuple[str, ...] = ()
    if columns.normals_zyx is not None and back.normals_zyx is None:
        notes = (f"{path} does not hold the normals: {WRITABLE[flavour].title} has no place.",)
    elif columns.normals_zyx is not None and without:
        notes = (f"{without} of {len(columns)} picks in {path} have no normal.",)
    return ExportReport((Path(path),), len(columns), len(back), difference, rows, notes)


def _largest_difference(back: PickColumns, written: PickColumns) -> float:
    """Return the largest change of a coordinate; formats may order picks by class."""
    order = [np.arange(len(written))]
    if written.class_names is not None:
        rank = {name: i for i, name in enumerate(dict.fromkeys(written.class_names))}
        order.append(np.argsort([rank[n] for n in written.class_names], kind="stable"))
    return min(float(np.abs(back.zyx - written.zyx[rows]).max()) for rows in order)
