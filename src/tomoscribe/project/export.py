"""Picks out of a project: pick files of other programs, each read back after it was written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.coords import centered_A_to_voxels, voxels_to_centered_A
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.numbered import numbers_of_classes, oriented
from tomoscribe.io.pick_files import PickColumns, read_picks, write_picks
from tomoscribe.io.pick_formats import WRITABLE
from tomoscribe.picks.table import JUNK, PickState, positions_zyx
from tomoscribe.project.export_rows import first_rows
from tomoscribe.project.names import free_name, safe_name
from tomoscribe.project.raw_samples import volume_geometry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tomoscribe.coords import Geometry
    from tomoscribe.io.pick_files import Flavour
    from tomoscribe.picks.table import Pick
    from tomoscribe.project.model import TomogramEntry
    from tomoscribe.project.store import Project

SUFFIXES: dict[str, str] = {name: row.suffix for name, row in WRITABLE.items()}
"""File suffix of each format that can be written."""

COMBINED = "particles"
"""Name of the file with the picks of all tomograms."""

_LARGEST_DIFFERENCE = 1e-2
"""Voxels by which a position may change on its way through a file; the formats keep 1e-3."""
_SAME_SIZE = 1e-3


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


def export_picks(
    project: Project,
    out: str | Path,
    flavour: Flavour = "relion5",
    *,
    states: Collection[PickState] = (PickState.ACCEPTED,),
    class_names: Collection[str] | None = None,
    tomograms: Iterable[str] | None = None,
    min_score: float = 0.0,
    combined: bool = True,
    tilt_series_pixel_size_A: float | None = None,
) -> ExportReport:
    """Write the picks of a project: a file for each tomogram, and one with all of them.

    Parameters
    ----------
    project : Project
        The project.
    out : str or Path
        Folder of the files, made if absent; files of the same names are replaced.
    flavour : str
        One of `SUFFIXES`.
    states : collection of PickState
        Review states that are written.
    class_names : collection of str or None
        Classes that are written; all by default.
    tomograms : iterable of str or None
        Names of the tomograms; all by default.
    min_score : float
        Picks of a model with a lower score, 0..1, are left out; human picks have none and stay.
    combined : bool
        Write `particles.*` too, where picks come from more than one tomogram.
    tilt_series_pixel_size_A : float or None
        Pixel in Å in which `relion4` counts; by default the tomogram's voxel.

    Raises
    ------
    TomoscribeError
        If there is nothing to export, or a file cannot be written; new files of a failed
        export are removed.
    """
    folder = Path(out).expanduser()
    if flavour not in SUFFIXES:
        raise TomoscribeError(
            f"There is no format '{flavour}'; formats are: {', '.join(SUFFIXES)}."
        )
    _check_pixel_size(tilt_series_pixel_size_A, flavour)
    chosen = chosen_picks(project, states, class_names, tomograms, min_score)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TomoscribeError(f"Cannot make {folder} ({error.strerror or error}).") from error
    suffix = SUFFIXES[flavour]
    files = _files(chosen, folder, flavour)
    all_in_one = folder / f"{free_name(COMBINED, {path.stem for path in files})}{suffix}"
    geometries = {name: _geometry(project.tomograms[name]) for name in chosen}
    sizes_A = {c.name: c.diameter_A for c in project.classes}
    notes = []
    new = [p for p in (*files, all_in_one) if not p.exists()]
    try:
        reports = [
            export_columns(
                columns_of(picks, name, sizes_A),
                path,
                flavour,
                geometry=geometries[name],
                tomogram_name=name,
                tilt_series_pixel_size_A=tilt_series_pixel_size_A,
            )
            for path, (name, picks) in files.items()
        ]
        together = None
        if combined and len(chosen) > 1:
            why_not = _why_not_combined(geometries, flavour)
            if why_not:
                notes.append(why_not)
            else:
                together = _export_combined(
                    chosen, geometries, sizes_A, all_in_one, flavour, tilt_series_pixel_size_A
                )
    except TomoscribeError:
        for path in new:
            path.unlink(missing_ok=True)
        raise
    if WRITABLE[flavour].numbers_classes and len(sizes_A) > 1:
        numbers = numbers_of_classes(PickColumns(np.zeros((len(sizes_A), 3)), [*sizes_A]))
        said = ", ".join(f"{number} {name}" for number, name in zip(numbers, sizes_A, strict=True))
        notes.append(f"Classes are numbers in {flavour}: {said}.")
    return _merged(reports, together, notes)


def _files(
    chosen: dict[str, list[Pick]], folder: Path, flavour: Flavour
) -> dict[Path, tuple[str, list[Pick]]]:
    """Return the files with the tomogram and the picks of each: one a class, where one must be."""
    suffix = SUFFIXES[flavour]
    if not WRITABLE[flavour].one_class:
        return {folder / f"{name}{suffix}": (name, picks) for name, picks in chosen.items()}
    files: dict[Path, tuple[str, list[Pick]]] = {}
    for name, picks in chosen.items():
        for kind in dict.fromkeys(pick.class_name for pick in picks):
            own = [pick for pick in picks if pick.class_name == kind]
            stem = free_name(f"{name}_{safe_name(kind)}", {path.stem for path in files})
            files[folder / f"{stem}{suffix}"] = (name, own)
    return files


def chosen_picks(
    project: Project,
    states: Collection[PickState],
    class_names: Collection[str] | None,
    tomograms: Iterable[str] | None,
    min_score: float = 0.0,
) -> dict[str, list[Pick]]:
    """Return the picks by tomogram that `export_picks` would write with the same choice.

    Junk is no particle and is never written, whatever the states.

    Raises
    ------
    TomoscribeError
        If there are none, or the project has no tomogram of that name.
    """
    names = list(project.tomograms) if tomograms is None else list(tomograms)
    unknown = [n for n in names if n not in project.tomograms]
    if unknown:
        raise TomoscribeError(f"The project {project.path} has no tomogram '{unknown[0]}'.")
    chosen = {}
    for name in names:
        picks = [
            p
            for p in project.tomograms[name].picks
            if p.state in states
            and p.class_name != JUNK
            and (class_names is None or p.class_name in class_names)
            and not p.score < min_score
        ]
        if picks:
            chosen[name] = picks
    if not chosen:
        what = " or ".join(str(s) for s in states) or "chosen"
        of = f" of class {', '.join(class_names)}" if class_names is not None else ""
        raise TomoscribeError(
            f"There are no {what} picks{of} in {project.path}: nothing to export."
        )
    return chosen


def _check_pixel_size(size_A: float | None, flavour: Flavour) -> None:
    if size_A is None:
        return
    if flavour != "relion4":
        raise TomoscribeError(
            f"Only relion4 counts in pixels of the tilt series, {flavour} does not: leave the "
            "pixel size of the tilt series out."
        )
    if not 0 < size_A < float("inf"):
        raise TomoscribeError(f"A pixel size of {size_A:g} Å is not possible.")


def _geometry(entry: TomogramEntry) -> Geometry:
    return volume_geometry(entry.address, entry.voxel_size_A)


def _export_combined(
    chosen: dict[str, list[Pick]],
    geometries: dict[str, Geometry],
    sizes_A: dict[str, float],
    path: Path,
    flavour: Flavour,
    tilt_series_pixel_size_A: float | None,
) -> ExportReport:
    first = next(iter(chosen))
    everything = [pick for picks in chosen.values() for pick in picks]
    columns = columns_of(everything, diameters_A=sizes_A)
    names = [name for name, picks in chosen.items() for _ in picks]
    zyx = columns.zyx
    if flavour == "relion5":
        # Counted from each tomogram's own centre, but written with one geometry.
        rows = np.array(names)
        for name, geometry in geometries.items():
            own = rows == name
            zyx[own] = centered_A_to_voxels(
                voxels_to_centered_A(zyx[own], geometry), geometries[first]
            )
    columns = replace(columns, zyx=zyx, tomogram=names)
    return export_columns(
        columns,
        path,
        flavour,
        geometry=geometries[first],
        tomogram_name=first,
        tilt_series_pixel_size_A=tilt_series_pixel_size_A,
    )


def _why_not_combined(geometries: dict[str, Geometry], flavour: Flavour) -> str | None:
    """Return the sentence for tomograms that cannot share a file of this format."""
    if WRITABLE[flavour].one_tomogram:
        return f"No combined file: {flavour} does not name the tomogram of a pick."
    sizes = [g.require_voxel_size() for g in geometries.values()]
    one_size = max(sizes) <= min(sizes) * (1 + _SAME_SIZE)
    if flavour in ("csv", "relion5") or one_size:
        return None
    return (
        f"No combined file: the voxel sizes differ ({min(sizes):g} to {max(sizes):g} Å), "
        f"and {flavour} has one for all; relion5 can hold them."
    )


def _merged(
    reports: list[ExportReport], together: ExportReport | None, notes: list[str]
) -> ExportReport:
    everything = [*reports, *([together] if together else [])]
    return ExportReport(
        paths=tuple(path for r in everything for path in r.paths),
        written=sum(r.written for r in reports),
        read_back=sum(r.read_back for r in reports),
        max_difference_voxels=max(r.max_difference_voxels for r in everything),
        first_rows=everything[-1].first_rows,
        notes=(*notes, *(note for r in everything for note in r.notes)),
    )
