"""Picks out of a project: pick files of other programs, each read back after it was written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.coords import centered_A_to_voxels, voxels_to_centered_A
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.numbered import numbers_of_classes
from tomoscribe.io.pick_files import PickColumns
from tomoscribe.io.pick_formats import WRITABLE
from tomoscribe.picks.table import JUNK, PickState
from tomoscribe.project.export_file import ExportReport, columns_of, export_columns
from tomoscribe.project.names import free_name, safe_name
from tomoscribe.project.raw_samples import volume_geometry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from tomoscribe.coords import Geometry
    from tomoscribe.io.pick_files import Flavour
    from tomoscribe.picks.table import Pick
    from tomoscribe.project.model import TomogramEntry
    from tomoscribe.project.store import Project

SUFFIXES: dict[str, str] = {name: row.suffix for name, row in WRITABLE.items()}
"""File suffix of each format that can be written."""

COMBINED = "particles"
"""Name of the file with the picks of all tomograms."""

_SAME_SIZE = 1e-3


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
    return prepare_export(
        project, out, flavour, chosen_picks(project, states, class_names, tomograms, min_score),
        combined=combined, tilt_series_pixel_size_A=tilt_series_pixel_size_A,
    )()  # fmt: skip


def prepare_export(
    project: Project,
    out: str | Path,
    flavour: Flavour,
    chosen: dict[str, list[Pick]],
    *,
    combined: bool = True,
    tilt_series_pixel_size_A: float | None = None,
) -> Callable[[], ExportReport]:
    """Return the job that writes chosen picks; a thread may do it while the project goes on.

    See `export_picks` for the parameters.

    Raises
    ------
    TomoscribeError
        If the format is none, or takes no pixel size; the job if a file cannot be written.
    """
    folder = Path(out).expanduser()
    if flavour not in SUFFIXES:
        raise TomoscribeError(
            f"There is no format '{flavour}'; formats are: {', '.join(SUFFIXES)}."
        )
    _check_pixel_size(tilt_series_pixel_size_A, flavour)
    entries = {name: project.tomograms[name] for name in chosen}
    sizes_A = {c.name: c.diameter_A for c in project.classes}

    def write() -> ExportReport:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TomoscribeError(f"Cannot make {folder} ({error.strerror or error}).") from error
        geometries = {name: _geometry(entry) for name, entry in entries.items()}
        writer = _Writer(geometries, sizes_A, flavour, tilt_series_pixel_size_A)
        return writer.write(chosen, folder, combined=combined)

    return write


@dataclass(frozen=True)
class _Writer:
    """Writes picks by tomogram in one format.

    Parameters
    ----------
    geometries : dict of str to Geometry
        Of the tomograms.
    sizes_A : dict of str to float
        Diameters of all classes, in the order that numbers them.
    flavour : str
        The format.
    tilt_series_pixel_size_A : float or None
        As in `export_picks`.
    """

    geometries: dict[str, Geometry]
    sizes_A: dict[str, float]
    flavour: Flavour
    tilt_series_pixel_size_A: float | None

    def write(self, chosen: dict[str, list[Pick]], folder: Path, *, combined: bool) -> ExportReport:
        """Write all files; new ones of a failed export are removed."""
        files = _files(chosen, folder, self.flavour)
        suffix = SUFFIXES[self.flavour]
        all_in_one = folder / f"{free_name(COMBINED, {path.stem for path in files})}{suffix}"
        combined = combined and len(chosen) > 1
        why_not = _why_not_combined(self.geometries, self.flavour) if combined else None
        new = [p for p in (*files, all_in_one) if not p.exists()]
        together = None
        try:
            reports = [
                self._one(columns_of(picks, name, self.sizes_A), path, name)
                for path, (name, picks) in files.items()
            ]
            if combined and not why_not:
                together = self._one(self._everything(chosen), all_in_one, next(iter(chosen)))
        except TomoscribeError:
            for path in new:
                path.unlink(missing_ok=True)
            raise
        return _merged(reports, together, [note for note in (why_not, self._numbers()) if note])

    def _one(self, columns: PickColumns, path: Path, tomogram: str) -> ExportReport:
        return export_columns(
            columns,
            path,
            self.flavour,
            geometry=self.geometries[tomogram],
            tomogram_name=tomogram,
            tilt_series_pixel_size_A=self.tilt_series_pixel_size_A,
        )

    def _everything(self, chosen: dict[str, list[Pick]]) -> PickColumns:
        """Return the picks of all tomograms, each with its tomogram's name."""
        first = self.geometries[next(iter(chosen))]
        everything = [pick for picks in chosen.values() for pick in picks]
        columns = columns_of(everything, diameters_A=self.sizes_A)
        names = [name for name, picks in chosen.items() for _ in picks]
        zyx = columns.zyx
        if self.flavour == "relion5":
            # Counted from each tomogram's own centre, but written with one geometry.
            rows = np.array(names)
            for name, geometry in self.geometries.items():
                own = rows == name
                zyx[own] = centered_A_to_voxels(voxels_to_centered_A(zyx[own], geometry), first)
        return replace(columns, zyx=zyx, tomogram=names)

    def _numbers(self) -> str | None:
        """Return which class is which number, where the format counts classes."""
        if not WRITABLE[self.flavour].numbers_classes or len(self.sizes_A) < 2:
            return None
        names = [*self.sizes_A]
        numbers = numbers_of_classes(PickColumns(np.zeros((len(names), 3)), names))
        said = ", ".join(f"{number} {name}" for number, name in zip(numbers, names, strict=True))
        return f"Classes are numbers in {self.flavour}: {said}."


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
