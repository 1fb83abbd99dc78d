"""A project as a training folder: `train/` and `val/`, data and a STAR file a sample."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.io.voxel_size import voxel_size_text
from tomoscribe.picks.table import PickState
from tomoscribe.project.default_task import MEMBRANE
from tomoscribe.project.export_file import ExportReport, columns_of, export_columns
from tomoscribe.project.export_membranes import (
    FOLDERS,
    export_membrane,
    membranes_to_export,
    notes_on_membranes,
)
from tomoscribe.project.names import tomogram_stem

if TYPE_CHECKING:
    from tomoscribe.project.model import TomogramEntry
    from tomoscribe.project.store import Project


def export_training_folder(
    project: Project, out: str | Path, task: str | None = None
) -> ExportReport:
    """Write a folder that a training takes, accepted picks as STAR in voxels.

    Of tomograms it holds links, of membranes containers that MemBrain-pick reads too. What has
    no accepted picks, or is unused, is left out.

    Parameters
    ----------
    project : Project
        The project.
    out : str or Path
        A new or empty folder.
    task : str or None
        `tomogram` or `membrane`; by default membranes where accepted picks lie on them.

    Raises
    ------
    TomoscribeError
        If there is nothing to export, the folder holds something, or it cannot be written;
        then nothing of it stays.
    """
    target = Path(out).expanduser().absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise TomoscribeError(f"{target} is not empty: choose a new folder.")
    building = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        reports, notes = _export_all(project, building, task)
        if target.exists():
            target.rmdir()
        building.rename(target)
    except OSError as error:
        raise TomoscribeError(f"Cannot write {target} ({error.strerror or error}).") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return ExportReport(
        paths=tuple(target / path.relative_to(building) for r in reports for path in r.paths),
        written=sum(r.written for r in reports),
        read_back=sum(r.read_back for r in reports),
        max_difference_voxels=max(r.max_difference_voxels for r in reports),
        first_rows=reports[0].first_rows,
        notes=tuple(notes),
    )


def _export_all(
    project: Project, building: Path, task: str | None
) -> tuple[list[ExportReport], list[str]]:
    accepted = {
        e.name: e.picks.select(state=PickState.ACCEPTED) for e in project.tomograms.values()
    }
    on_membranes = any(
        p.membrane in project.membranes for picks in accepted.values() for p in picks
    )
    if task == MEMBRANE or (task is None and on_membranes):
        data, samples = membranes_to_export(project)
        reports = [export_membrane(sample, building, data) for sample in samples]
        return reports, notes_on_membranes(data, samples)
    entries = [e for e in project.tomograms.values() if e.role in FOLDERS and accepted[e.name]]
    if not entries:
        raise TomoscribeError(
            f"No tomogram of {project.path} trains or validates with accepted picks: "
            "nothing to export."
        )
    return [_export_entry(entry, building) for entry in entries], _notes(project, entries)


def _export_entry(entry: TomogramEntry, building: Path) -> ExportReport:
    folder = building / FOLDERS[entry.role]
    folder.mkdir(parents=True, exist_ok=True)
    volume = open_volume(entry.address, entry.size)
    suffix = entry.path.name[len(tomogram_stem(entry.path.name)) :]
    _link(entry, folder / f"{entry.name}{suffix}")
    return export_columns(
        columns_of(entry.picks.select(state=PickState.ACCEPTED), f"{entry.name}{suffix}"),
        folder / f"{entry.name}.star",
        "relion3.1",
        geometry=volume.geometry,
        tomogram_name=f"{entry.name}{suffix}",
    )


def _link(entry: TomogramEntry, link: Path) -> None:
    if not entry.path.exists():
        raise TomoscribeError(
            f"{entry.address} cannot be linked into a training folder: "
            "it is no file of its own; train on the project instead."
        )
    try:
        link.symlink_to(entry.path.resolve(), target_is_directory=entry.path.is_dir())
    except (OSError, NotImplementedError):
        # Links need a special right on Windows, and some disks have none.
        copy = shutil.copytree if entry.path.is_dir() else shutil.copyfile
        copy(entry.path, link)


def _notes(project: Project, entries: list[TomogramEntry]) -> list[str]:
    """Return what the folder cannot say and a training must be told."""
    used = {p.class_name for e in entries for p in e.picks.select(state=PickState.ACCEPTED)}
    diameters = sorted({c.diameter_A for c in project.classes if c.name in used})
    notes = []
    if diameters:
        given = ", ".join(f"{d:g}" for d in diameters)
        notes.append(f"The folder does not hold the diameter: train with --diameter-A {given}.")
    told = {e.name: open_volume(e.address) for e in entries}
    overridden = [e for e in entries if told[e.name].voxel_size_A != e.voxel_size_A]
    if overridden:
        notes.append(
            f"The header of {overridden[0].path.name} does not tell the voxel size that the "
            "project "
            f"has: train with --voxel-size-A {overridden[0].voxel_size_A:g}."
        )
    for entry in entries:
        edges = entry.voxel_sizes_zyx_A
        if edges is not None and told[entry.name].voxel_sizes_zyx_A != edges:
            notes.append(
                f"The folder does not hold the voxel edges of {entry.path.name} that the project "
                f"has, {voxel_size_text(edges)} along z, y, x: to use them, train on the project."
            )
            break
    if any(e.regions for e in entries):
        notes.append("The folder does not hold the annotated regions.")
    return notes
