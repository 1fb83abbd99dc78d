"""What a training learns from, read from a project, a training folder, lists or label files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.journal import Journal
from tomoscribe.picks.table import Pick, PickState
from tomoscribe.project.annotations import regions_of
from tomoscribe.project.classes import DEFAULT_CLASS
from tomoscribe.project.default_task import MEMBRANE, TOMOGRAM, VOXEL_TASKS
from tomoscribe.project.file import journal_path, project_revision, read_project_file
from tomoscribe.project.label_data import label_sources, load_labelled
from tomoscribe.project.labelled_volume import changed_us
from tomoscribe.project.membrane_data import load_membranes
from tomoscribe.project.model import Role, TrainingSample
from tomoscribe.project.raw_lists import read_lists
from tomoscribe.project.raw_samples import folder_files, read_folder, volume_geometry
from tomoscribe.project.sample_checks import (
    checked,
    classes_of,
    count_accepted,
    keep_inside,
    required,
    same_voxel_size,
)
from tomoscribe.project.split import split_by_tomogram

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.project.model import Region, TomogramEntry, TrainingData
    from tomoscribe.project.raw_samples import RawSample
    from tomoscribe.project.source import DataSource


def load_training_data(source: DataSource, task: str = TOMOGRAM) -> TrainingData:
    """Read everything that a training learns from.

    Proposed picks are no labels and are left out; rejected ones are kept, as negatives.
    What is odd but can be used becomes a sentence in `warnings`: picks outside their
    volume, one pick only, nothing to validate on, how an axis order was read.

    Parameters
    ----------
    source : DataSource
        A project, a training folder, two lists, or images with label files; its voxel size
        overrides the headers.
    task : str
        What is learned. For `membrane` the samples are membranes, else tomograms; for `semantic`
        and `instance` what is read are labels of voxels, not picks.

    Raises
    ------
    TomoscribeError
        If there is nothing to learn from, or something must be told first: a diameter,
        a voxel size, where a file is.
    """
    data = _load(source, task)
    if source.diameter_scale == 1.0:
        return data
    classes = tuple(
        replace(c, diameter_A=c.diameter_A * source.diameter_scale) for c in data.classes
    )
    return replace(data, classes=classes)


def _load(source: DataSource, task: str) -> TrainingData:
    # Read before the labels: a click in between is then seen as news, never missed.
    revision = read_revision(source)
    if task == MEMBRANE:
        return load_membranes(source, revision)
    if task in VOXEL_TASKS:
        return load_labelled(source, task, revision)
    if source.kind == "project":
        return _load_project(required(source.path, "a project folder"), source, revision)
    if source.kind == "folder":
        folder = required(source.path, "a folder with train/")
        raw, warnings = read_folder(folder, source.voxel_size_A)
        given_roles = (folder / "train").is_dir()
    else:
        images = required(source.images, "the list of images (--images)")
        coordinates = required(source.coordinates, "the list of coordinates (--coordinates)")
        raw, warnings = read_lists(images, coordinates, source.voxel_size_A)
        given_roles = False
    return _load_files(raw, source, revision, warnings, given_roles=given_roles)


def read_revision(source: DataSource) -> int:
    """Return a number that grows with every change of the labels.

    Cheap enough to be asked every second: a project tells it by the first lines and
    sizes of its journals, files by the time of their newest change.
    """
    if source.kind == "project":
        return project_revision(required(source.path, "a project folder"))
    if source.kind == "folder":
        files = folder_files(required(source.path, "a folder with train/"))
    else:
        files = [p for p in (source.images, source.coordinates) if p is not None]
    return max((changed_us(p) for p in (*map(str, files), *label_sources(source))), default=0)


def _load_project(folder: Path, source: DataSource, revision: int) -> TrainingData:
    content = read_project_file(folder)
    warnings: list[str] = []
    samples, left_out = [], 0
    for item in content.tomograms:
        entry = item.to_entry(folder)
        contents = Journal.replay(journal_path(folder, item.name))
        picks = tuple(p for p in contents.picks if p.state != PickState.PROPOSED)
        if picks and entry.role != Role.UNUSED:
            geometry = volume_geometry(entry.address, entry.voxel_size_A)
            inside = keep_inside(
                picks, geometry, entry.name, str(journal_path(folder, item.name)), warnings
            )
            left_out += count_accepted(picks) - count_accepted(inside)
            picks = inside
        samples.append(_sample(entry, picks, regions_of(contents)))
    if not samples:
        raise TomoscribeError(f"The project {folder} holds no tomogram: add one first.")
    samples = _without_bystanders(samples)
    named = {c.name: c.to_class() for c in content.classes}
    classes = classes_of(samples, named, source.diameter_A, f"the project {folder}")
    where = f"the project {folder}"
    return checked(samples, classes, revision, warnings, where, left_out=left_out)


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
    samples, left_out = [], 0
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
        inside = keep_inside(
            picks, item.geometry, item.volume_path, str(item.labels_path), warnings
        )
        left_out += len(picks) - len(inside)
        samples.append(TrainingSample(item.name, item.volume_path, size, roles[item.name], inside))
    classes = classes_of(samples, {}, source.diameter_A, where)
    return checked(samples, classes, revision, warnings, where, left_out=left_out)


def _sample(entry: TomogramEntry, picks: tuple[Pick, ...], regions: list[Region]) -> TrainingSample:
    return TrainingSample(
        entry.name, entry.address, entry.voxel_size_A, entry.role, picks, tuple(regions)
    )


def _without_bystanders(samples: list[TrainingSample]) -> list[TrainingSample]:
    """Set those aside that nobody has labelled and that have other voxels than those labelled.

    Whatever is dropped on a project trains by default; what says nothing yet must not hinder the
    rest.
    """
    sizes = [sample.voxel_size_A for sample in samples if sample.picks]

    def hinders(sample: TrainingSample) -> bool:
        labelled = sample.picks or sample.regions
        return bool(sizes) and not labelled and not same_voxel_size(sample.voxel_size_A, sizes[0])

    return [replace(s, role=Role.UNUSED) if hinders(s) else s for s in samples]
