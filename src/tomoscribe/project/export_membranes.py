"""Membranes of a project as a training folder: `X.h5` and `X.star` a membrane, in voxels.

As MemBrain-pick 0.0.9 (github.com/CellArchLab/membrain-pick) reads them: one block in the STAR
file, `rlnClassNumber` for its position tokens.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.membrane_h5 import read_membrane_file
from tomoscribe.membranes.membrane import save_membrane
from tomoscribe.picks.table import PickState
from tomoscribe.project.export_file import columns_of, export_columns
from tomoscribe.project.membrane_data import load_membranes
from tomoscribe.project.membrane_files import geometry_of, open_membrane
from tomoscribe.project.model import Role
from tomoscribe.project.source import DataSource

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.picks.table import Pick
    from tomoscribe.project.export_file import ExportReport
    from tomoscribe.project.model import TrainingData, TrainingSample
    from tomoscribe.project.store import Project

FOLDERS = {Role.TRAIN: "train", Role.VALIDATE: "val"}


def membranes_to_export(project: Project) -> tuple[TrainingData, list[TrainingSample]]:
    """Return a project's membranes, and those that train or validate with accepted picks.

    Raises
    ------
    TomoscribeError
        If there is none.
    """
    data = load_membranes(DataSource(path=project.path), project.revision)
    chosen = [s for s in data.samples if s.role in FOLDERS and accepted(s)]
    if not chosen:
        raise TomoscribeError(
            f"No membrane of {project.path} trains or validates with accepted picks: "
            "nothing to export."
        )
    return data, chosen


def accepted(sample: TrainingSample) -> list[Pick]:
    """Return the accepted picks of a sample."""
    return [p for p in sample.picks if p.state == PickState.ACCEPTED]


def export_membrane(sample: TrainingSample, building: Path, data: TrainingData) -> ExportReport:
    """Write the container and the STAR file of one membrane into its part of `building`.

    Raises
    ------
    TomoscribeError
        If one cannot be written, or reads back differently.
    """
    folder = building / FOLDERS[sample.role]
    folder.mkdir(parents=True, exist_ok=True)
    membrane = open_membrane(sample.volume_path, sample.voxel_size_A, sample.tomogram)
    held = read_membrane_file(sample.volume_path)
    known = held.band_A is not None and held.step_A is not None
    band = (*held.band_A, held.step_A) if known else None  # type: ignore[misc]
    save_membrane(folder / f"{sample.name}.h5", membrane, band)
    tomogram = PurePosixPath(membrane.tomogram).name if membrane.tomogram else sample.name
    diameters = {c.name: c.diameter_A for c in data.classes}
    return export_columns(
        columns_of(accepted(sample), tomogram, diameters),
        folder / f"{sample.name}.star",
        "relion3.0",
        geometry=geometry_of(membrane),
        tomogram_name=tomogram,
    )


def notes_on_membranes(data: TrainingData, chosen: list[TrainingSample]) -> list[str]:
    """Return what the folder cannot say and a training must be told."""
    diameters = ", ".join(f"{d:g}" for d in sorted({c.diameter_A for c in data.classes}))
    told = f"The folder does not hold the diameter: train with --diameter-A {diameters}."
    notes = [*data.warnings, told]
    if any(s.patches for s in chosen):
        notes.append("The folder does not hold the annotated patches.")
    notes.append("MemBrain-pick takes all that is not picked for background.")
    return notes
