"""Training folders of MemBrain-pick: `train/` and `val/` with `X.h5` and `X.star` a membrane.

MemBrain-pick 0.0.9 (github.com/CellArchLab/membrain-pick) counts in voxels there, and where a
STAR file is missing or empty it trains on a particle at the origin. Here such a membrane is left
out, and that is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.membrane_h5 import is_membrane_file
from tomoscribe.io.pick_columns import tomogram_key
from tomoscribe.io.pick_files import counts_in_A, read_picks
from tomoscribe.io.pick_formats import format_of
from tomoscribe.io.volumes import is_volume
from tomoscribe.membranes.units import far_A, judge_readings, pick_readings
from tomoscribe.picks.table import Pick
from tomoscribe.project.classes import DEFAULT_CLASS
from tomoscribe.project.membrane_files import distances_A, geometry_of, open_membrane
from tomoscribe.project.model import TrainingSample
from tomoscribe.project.names import free_name, safe_name
from tomoscribe.project.raw_samples import LABELS, folder_parts, is_hidden

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.io.pick_columns import PickColumns
    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.project.model import Role
    from tomoscribe.project.source import DataSource

LOST_A = 500.0
"""Where no pick is as near as this, whatever the unit, they belong to something else."""


def holds_membranes(folder: Path) -> bool:
    """Return whether a training folder holds membranes and no tomograms.

    Raises
    ------
    TomoscribeError
        If the folder is not there.
    """
    files = [f for part, _ in folder_parts(folder) for f in part.iterdir() if not is_hidden(f)]
    volumes = [f for f in files if f.suffix.lower() not in LABELS and is_volume(f)]
    containers = [f for f in volumes if is_membrane_file(f)]
    return bool(containers) and len(containers) == len(volumes)


def read_membrane_folder(
    folder: Path, source: DataSource
) -> tuple[list[TrainingSample], list[str]]:
    """Read a folder with `train/` and perhaps `val/`, or a flat one.

    Raises
    ------
    TomoscribeError
        If there is no membrane, none has picks, or a STAR file is for another one.
    """
    parts = folder_parts(folder)
    warnings: list[str] = []
    found: list[tuple[Path, Path, Role]] = []
    count = 0
    for part, role in parts:
        files = sorted(f for f in part.iterdir() if not is_hidden(f))
        containers = {f.stem: f for f in files if is_membrane_file(f)}
        labels = {f.stem: f for f in files if f.suffix.lower() in LABELS}
        count += len(containers)
        for name in sorted(labels.keys() - containers.keys()):
            warnings.append(f"{labels[name]} has no {name}.h5 beside it and is left out.")
        for name, path in containers.items():
            problem = _why_unlabelled(path, labels.get(name))
            if problem:
                warnings.append(problem)
            else:
                found.append((path, labels[name], role))
    if not count:
        raise TomoscribeError(
            f"{folder} holds no membranes: put X.h5 and X.star of each into {parts[0][0]}."
        )
    if not found:
        raise TomoscribeError(
            f"{folder} holds membranes but no picks: put X.star beside each X.h5 ({warnings[0]})"
        )
    numbered = _tells_classes_by_number([labels for _, labels, _ in found])
    samples: list[TrainingSample] = []
    for path, label, role in found:
        own = free_name(safe_name(path.name), {s.name for s in samples})
        samples.append(_read_sample(own, path, label, role, source, numbered, warnings))
    return samples, warnings


def _why_unlabelled(container: Path, labels: Path | None) -> str:
    """Return the sentence for a membrane without picks; empty where it has some."""
    if labels is None:
        return f"{container} has no {container.stem}.star beside it and is left out."
    return f"{labels} holds no picks: {container.name} is left out." if _is_empty(labels) else ""


def _is_empty(labels: Path) -> bool:
    """Return whether a label file is one of its kind, but without a row."""
    row = format_of(labels)
    if row is not None and row.binary:
        return not len(read_picks(labels))
    lines = [line.strip() for line in labels.read_text("utf-8", "replace").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if labels.suffix.lower() == ".csv":
        return len(lines) <= 1
    # `_rlnX #1` heads a column, `_rlnX 3.5` is a value of a block that is no loop.
    head = [
        line.startswith(("data_", "loop_")) or (line.startswith("_") and _is_header(line))
        for line in lines
    ]
    return all(head)


def _is_header(line: str) -> bool:
    _, *rest = line.split()
    return not rest or rest[0].startswith("#")


def _tells_classes_by_number(labels: list[Path]) -> bool:
    """Return whether `rlnClassNumber` tells classes apart: it is 1 everywhere after refinement."""
    numbers: set[str] = set()
    for path in labels:
        if path.suffix.lower() == ".star":
            numbers |= set(_class_numbers(path) or ())
    return len(numbers) > 1


def _class_numbers(star: Path) -> list[str] | None:
    from tomoscribe.io.star import read_star_table  # with pandas, which docks need not wait for

    return read_star_table(star).text("rlnClassNumber")


def _read_sample(
    name: str,
    container: Path,
    labels: Path,
    role: Role,
    source: DataSource,
    numbered: bool,
    warnings: list[str],
) -> TrainingSample:
    membrane = open_membrane(str(container), source.voxel_size_A)
    size_A = membrane.voxel_size_A
    columns = read_picks(labels, geometry=geometry_of(membrane))
    columns = _of_membrane(columns, membrane, container, labels)
    zyx, unit = _in_voxels(columns.zyx, membrane, labels)
    warnings += [*columns.notes, *unit, *(f"{name}: {note}" for note in membrane.notes)]
    picks = tuple(
        Pick(i, (float(p[0]), float(p[1]), float(p[2])), class_name, membrane=name)
        for i, (p, class_name) in enumerate(
            zip(zyx, _class_names(columns, labels, numbered), strict=True), 1
        )
    )
    return TrainingSample(name, str(container), size_A, role, picks, complete=source.complete)


def _class_names(columns: PickColumns, labels: Path, numbered: bool) -> list[str]:
    if columns.class_names is not None:
        return columns.class_names
    if numbered and labels.suffix.lower() == ".star":
        # One class in this file, but others in those beside it.
        numbers = _class_numbers(labels)
        if numbers is not None and len(numbers) == len(columns):
            return [f"class_{n}" for n in numbers]
    return [DEFAULT_CLASS] * len(columns)


def _of_membrane(
    columns: PickColumns, membrane: Membrane, container: Path, labels: Path
) -> PickColumns:
    """Return the picks of this membrane: a file may name its tomogram, its container, or nothing.

    Raises
    ------
    TomoscribeError
        If it names others only.
    """
    own = {tomogram_key(n) for n in (container.name, membrane.tomogram or "") if n}
    named = {tomogram_key(n) for n in columns.tomogram or ()}
    wanted = next(iter(sorted(own & named)), membrane.tomogram or container.name)
    return columns.for_tomogram(wanted, str(labels))


def _in_voxels(
    zyx: NDArray[np.float64], membrane: Membrane, labels: Path
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return positions in voxels, and what was odd; their distance to the mesh tells their unit.

    Raises
    ------
    TomoscribeError
        If they are far away in any unit.
    """
    size_A = membrane.voxel_size_A
    judged = judge_readings(
        pick_readings(zyx, geometry_of(membrane), counts_in_A(labels)),
        lambda points: distances_A(membrane, points),
        size_A,
    )
    if judged.reading is not None and judged.reading.unit:
        return judged.reading.zyx, tuple(f"{labels}: {note}" for note in judged.notes)
    if judged.nearest_A > LOST_A:
        raise TomoscribeError(
            f"{labels}: {judged.said}, and none is near it: they belong to another membrane or "
            "tomogram, or count in other voxels than its mesh."
        )
    if 10 * int((distances_A(membrane, zyx) > far_A(size_A)).sum()) > len(zyx):
        return zyx, (f"{labels}: {judged.said}: are they on this membrane?",)
    return zyx, ()
