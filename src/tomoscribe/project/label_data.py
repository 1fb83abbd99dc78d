"""What a segmentation learns from: paintings of a project, images with label files, datasplits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_files import count_values
from tomoscribe.io.voxel_size import doubt_of_order
from tomoscribe.project.default_task import INSTANCE
from tomoscribe.project.label_checks import check_same_values, check_shapes, meaning_of
from tomoscribe.project.label_pairs import LabelPair, folder_pairs, label_files
from tomoscribe.project.labelled_volume import changed_us, check_finite, volume_facts
from tomoscribe.project.model import Role, TrainingData, TrainingSample
from tomoscribe.project.names import free_name, safe_name, tomogram_stem
from tomoscribe.project.painted_samples import load_painted
from tomoscribe.project.sample_checks import required
from tomoscribe.segmentation.labels import SampleLabels
from tomoscribe.segmentation.value_labels import ValueLabels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.project.labelled_volume import VolumeFacts
    from tomoscribe.project.source import DataSource, LabelFiles
    from tomoscribe.segmentation.value_labels import ValueMeaning

UNKNOWN_SIZE_A = 10.0
"""Taken where nothing tells the voxel size: 1 nm, so that sizes in nm count voxels."""


def load_labelled(source: DataSource, task: str, revision: int) -> TrainingData:
    """Read everything that a segmentation learns from.

    Roles are those of the project, of train/ and val/, or of the datasplit; else all train, and
    the task holds some of the labels out.

    Raises
    ------
    TomoscribeError
        If there is nothing to learn from, or images and labels do not fit each other.
    """
    if source.kind == "project":
        return load_painted(required(source.path, "a project folder"), revision)
    if source.kind == "lists":
        raise TomoscribeError("--images and --coordinates name particles, not labels of voxels.")
    _require_distinct(source.voxels.classes)
    if source.kind == "datasplit":
        return _load_datasplit(source, revision)
    return _load_pairs(_pairs_of(source), source, task, revision)


def _require_distinct(names: Sequence[str]) -> None:
    """Check that no class is named twice: its maps could not be told apart.

    Raises
    ------
    TomoscribeError
        If one is.
    """
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise TomoscribeError(f"The class '{twice}' is named twice: give each a name of its own.")


def label_sources(source: DataSource) -> list[str]:
    """Return the files whose changes are news for a segmentation: cheap, for it is asked often."""
    files = source.voxels
    if source.kind == "folder" and source.path is not None:
        return [str(p) for p in label_files(source.path)]
    return [str(f) for f in (files.labels, files.csv) if f is not None]


def _load_datasplit(source: DataSource, revision: int) -> TrainingData:
    from tomoscribe.project.datasplit_samples import read_datasplit

    csv = required(source.voxels.csv, "a datasplit (.csv)")
    split = read_datasplit(csv, source.voxels.classes, source.voxels.scale_zyx_nm)
    return TrainingData(
        tuple(split.samples),
        (),
        revision,
        tuple(split.warnings),
        label_classes=tuple(split.label_classes),
        exclusive=False,
    )


def _pairs_of(source: DataSource) -> list[LabelPair]:
    if source.kind == "folder":
        return folder_pairs(required(source.path, "a folder with train/"))
    if source.voxels.image is None or source.voxels.labels is None:
        raise TomoscribeError("An image needs its labels: give both --image and --labels.")
    return [LabelPair(source.voxels.image, source.voxels.labels)]


def _load_pairs(
    pairs: list[LabelPair], source: DataSource, task: str, revision: int
) -> TrainingData:
    files = source.voxels
    for pair in pairs:
        image, labels = volume_facts(pair.image), volume_facts(pair.labels)
        check_shapes(pair.image, image.shape_zyx, pair.labels, labels.shape_zyx)
        check_finite(pair.image)
    counts = {p.labels: count_values(p.labels, changed_us(p.labels)) for p in pairs}
    teach = {p.labels: counts[p.labels] for p in pairs if p.role == Role.TRAIN}
    classes, meaning, warnings = meaning_of(teach, files, objects=task == INSTANCE)
    for pair in pairs:
        if pair.role != Role.TRAIN:
            check_same_values(pair.labels, counts[pair.labels], meaning)
    samples: list[TrainingSample] = []
    for pair in pairs:
        name = free_name(safe_name(tomogram_stem(pair.image)), {s.name for s in samples})
        samples.append(_sample(name, pair, source, meaning, warnings))
    return TrainingData(
        tuple(samples), (), revision, tuple(warnings), label_classes=classes, exclusive=True
    )


def _sample(
    name: str, pair: LabelPair, source: DataSource, meaning: ValueMeaning, warnings: list[str]
) -> TrainingSample:
    facts = volume_facts(pair.image, source.voxel_size_A)
    size = _voxel_size_A(pair.image, source.voxels, facts, warnings)
    edges = size if isinstance(size, tuple) else None
    labels = SampleLabels(
        ValueLabels(pair.labels, meaning),
        (((0, 0, 0), facts.shape_zyx),),
        pair.labels,
        changed_us(pair.labels),
    )
    return TrainingSample(
        name,
        pair.image,
        size[2] if isinstance(size, tuple) else size,
        pair.role,
        labels=labels,
        voxel_sizes_zyx_A=edges,
    )


def _voxel_size_A(
    image: str, files: LabelFiles, facts: VolumeFacts, warnings: list[str]
) -> VoxelSize:
    """Return the edges z, y, x where they were told, else that of pixels."""
    if files.voxel_size_zyx_nm is not None:
        doubt = doubt_of_order(files.voxel_size_zyx_nm)
        if doubt and doubt not in warnings:
            warnings.append(doubt)
        z, y, x = (edge * 10 for edge in files.voxel_size_zyx_nm)
        return z, y, x
    told = facts.voxel_sizes_zyx_A
    if told is not None:
        return told[2] if facts.cubes_assumed else told
    warnings.append(
        f"{image} does not tell its voxel size: it is taken as 1 nm, so that sizes in nm count "
        "voxels; give it with --voxel-size-nm."
    )
    return UNKNOWN_SIZE_A
