"""What a training learns from, read from a project, a training folder or two lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_columns import PickColumns, check_inside
from tomoscribe.picks.journal import Journal
from tomoscribe.picks.table import Pick, PickState, positions_zyx
from tomoscribe.project.annotations import regions_of
from tomoscribe.project.classes import DEFAULT_CLASS, make_classes
from tomoscribe.project.file import journal_path, project_revision, read_project_file
from tomoscribe.project.model import Role, TrainingData, TrainingSample
from tomoscribe.project.raw_lists import read_lists
from tomoscribe.project.raw_samples import folder_files, read_folder, volume_geometry
from tomoscribe.project.split import split_by_tomogram

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.coords import Geometry
    from tomoscribe.project.model import ParticleClass, Region, TomogramEntry
    from tomoscribe.project.raw_samples import RawSample
    from tomoscribe.project.source import DataSource


def load_training_data(source: DataSource) -> TrainingData:
    """Read everything that a training learns from.

    Proposed picks are no labels and are left out; rejected ones are kept, as negatives.
    What is odd but can be used becomes a sentence in `warnings`: picks outside their
    volume, one pick only, nothing to validate on, how an axis order was read.

    Parameters
    ----------
    source : DataSource
        A project, a training folder or two lists; its voxel size overrides the headers.

    Raises
    ------
    TomoscribeError
        If there is nothing to learn from, or something must be told first: a diameter,
        a voxel size, where a file is.
    """
    # Read before the labels: a click in between is then seen as news, never missed.
    revision = read_revision(source)
    if source.kind == "project":
        return _load_project(_required(source.path, "a project folder"), source, revision)
    if source.kind == "folder":
        folder = _required(source.path, "a folder with train/")
        raw, warnings = read_folder(folder, source.voxel_size_A)
        given_roles = (folder / "train").is_dir()
    else:
        images = _required(source.images, "the list of images (--images)")
        coordinates = _required(source.coordinates, "the list of coordinates (--coordinates)")
        raw, warnings = read_lists(images, coordinates, source.voxel_size_A)
        given_roles = False
    return _load_files(raw, source, revision, warnings, given_roles=given_roles)


def read_revision(source: DataSource) -> int:
    """Return a number that grows with every change of the labels.

    Cheap enough to be asked every second: a project tells it by the first lines and
    sizes of its journals, files by the time of their newest change.
    """
    if source.kind == "project":
        return project_revision(_required(source.path, "a project folder"))
    if source.kind == "folder":
        files = folder_files(_required(source.path, "a folder with train/"))
    else:
        files = [p for p in (source.images, source.coordinates) if p is not None]
    return max((_changed_at_us(path) for path in files), default=0)


def _load_project(folder: Path, source: DataSource, revision: int) -> TrainingData:
    content = read_project_file(folder)
    warnings: list[str] = []
    samples = []
    for item in content.tomograms:
        entry = item.to_entry(folder)
        contents = Journal.replay(journal_path(folder, item.name))
        picks = tuple(p for p in contents.picks if p.state != PickState.PROPOSED)
        if picks and entry.role != Role.UNUSED:
            geometry = volume_geometry(entry.address, entry.voxel_size_A)
            picks = _inside(
                picks, geometry, entry.name, str(journal_path(folder, item.name)), warnings
            )
        samples.append(_sample(entry, picks, regions_of(contents)))
    if not samples:
        raise TomoscribeError(f"The project {folder} holds no tomogram: add one first.")
    named = {c.name: c.to_class() for c in content.classes}
    classes = _classes_of(samples, named, source.diameter_A, f"the project {folder}")
    return _checked(samples, classes, revision, warnings, f"the project {folder}")


def _load_files(
    raw: list[RawSample],
    source: DataSource,
    revision: int,
    warnings: list[str],
    *,
    given_roles: bool,
) -> TrainingData:
    warnings = [*warnings, *(note for item in raw for note in item.notes)]
    where = str(source.path or source.coordinates)
    roles = {item.name: item.role for item in raw}
    if not given_roles:
        roles = split_by_tomogram({item.name: len(item.zyx) for item in raw})
        held = [name for name, role in roles.items() if role == Role.VALIDATE]
        if held:
            warnings.append(
                f"{', '.join(held)} only validate: make train/ and val/ to choose yourself."
            )
    samples = []
    for item in raw:
        size = item.geometry.voxel_size_A
        if size is None:
            raise TomoscribeError(
                f"The voxel size of {item.volume_path} is unknown: give it in Å with "
                "--voxel-size-A."
            )
        names = item.class_names or (DEFAULT_CLASS,) * len(item.zyx)
        picks = tuple(
            Pick(i, (float(p[0]), float(p[1]), float(p[2])), name)
            for i, (p, name) in enumerate(zip(item.zyx, names, strict=True), 1)
        )
        picks = _inside(picks, item.geometry, item.volume_path, str(item.labels_path), warnings)
        samples.append(TrainingSample(item.name, item.volume_path, size, roles[item.name], picks))
    classes = _classes_of(samples, {}, source.diameter_A, where)
    return _checked(samples, classes, revision, warnings, where)


def _sample(entry: TomogramEntry, picks: tuple[Pick, ...], regions: list[Region]) -> TrainingSample:
    return TrainingSample(
        entry.name, entry.address, entry.voxel_size_A, entry.role, picks, tuple(regions)
    )


def _inside(
    picks: tuple[Pick, ...], geometry: Geometry, volume: str, labels: str, warnings: list[str]
) -> tuple[Pick, ...]:
    """Leave picks outside the volume out, with a warning.

    Raises
    ------
    TomoscribeError
        If none is inside.
    """
    zyx = positions_zyx(picks)
    problem = check_inside(PickColumns(zyx), geometry)
    if problem is None:
        return picks
    good = np.all((zyx >= -0.5) & (zyx <= np.array(geometry.shape_zyx) - 0.5), axis=1)
    if not good.any():
        raise TomoscribeError(f"{labels} does not fit {volume}: {problem}")
    warnings.append(f"{labels}: {problem} They are left out.")
    return tuple(p for p, ok in zip(picks, good, strict=True) if ok)


def _classes_of(
    samples: list[TrainingSample],
    named: dict[str, ParticleClass],
    diameter_A: float | None,
    where: str,
) -> tuple[ParticleClass, ...]:
    """Return the classes, the project's first; one that only picks name takes `diameter_A`."""
    used = dict.fromkeys(p.class_name for s in samples if s.role != Role.UNUSED for p in s.picks)
    unknown = [name for name in used if name not in named]
    if unknown and diameter_A is None:
        raise TomoscribeError(
            f"The diameter of '{unknown[0]}' in {where} is unknown: give it in Å with --diameter-A."
        )
    extra = make_classes(unknown, diameter_A) if diameter_A is not None else ()
    return (*named.values(), *extra)


def _checked(
    samples: list[TrainingSample],
    classes: tuple[ParticleClass, ...],
    revision: int,
    warnings: list[str],
    where: str,
) -> TrainingData:
    """Return the data, with warnings about what will make a poor training.

    Raises
    ------
    TomoscribeError
        If there is no pick to train on.
    """
    counts = {role: _accepted(samples, role) for role in Role}
    if not counts[Role.TRAIN]:
        if counts[Role.VALIDATE] or counts[Role.UNUSED]:
            raise TomoscribeError(
                f"No tomogram with picks trains in {where}: set the role of one with picks to "
                "'train'."
            )
        raise TomoscribeError(f"There are no picks in {where}: click at least one particle.")
    if counts[Role.TRAIN] == 1:
        warnings.append(
            "There is one pick only: what is found will be poor until there are more; 5 to 20 do "
            "well."
        )
    validates = counts[Role.VALIDATE] or any(s.regions for s in samples if s.role == Role.VALIDATE)
    if not validates:
        warnings.append(
            "No tomogram validates: some of the picks are held out to choose checkpoint and "
            "threshold."
        )
    return TrainingData(tuple(samples), classes, revision, tuple(warnings))


def _accepted(samples: list[TrainingSample], role: Role) -> int:
    return sum(p.state == PickState.ACCEPTED for s in samples if s.role == role for p in s.picks)


def _required(path: Path | None, what: str) -> Path:
    if path is None:
        raise TomoscribeError(f"The data source needs {what}.")
    return path


def _changed_at_us(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns // 1000
    except OSError:
        return 0
