"""Which labelled voxels a training did not learn from: those tell how good a checkpoint is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.io.volumes import open_volume
from tomoscribe.project.default_task import VOXEL_TASKS
from tomoscribe.project.model import Role
from tomoscribe.project.painted_samples import judging_images
from tomoscribe.tasks.tomogram.scaled import ScaledVolume
from tomoscribe.tasks.voxels.sources import held_in
from tomoscribe.training.seen import same_folder, trainings_behind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.evaluation.segments.maps import Unseen
    from tomoscribe.project.model import TrainingData, TrainingSample
    from tomoscribe.project.source import DataSource
    from tomoscribe.segmentation.labels import Triple
    from tomoscribe.tasks.voxels.holdout import Held
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.training.seen import Training


def unseen_voxels(
    ref: CheckpointRef, source: DataSource, data: TrainingData, sample: TrainingSample
) -> Unseen | None:
    """Return which voxels of a sample the trainings behind a checkpoint did not learn from.

    What a training held out follows from where labels lie, so that it is asked of the labels as
    they are now. It reads the runs' events and the sample's labels.

    Parameters
    ----------
    ref : CheckpointRef
    source : DataSource
        Where the data are from: of trainings on others nobody knows whether a sample is the same.
    data : TrainingData
        The labels as they are now; of a project those of some images do.
    sample : TrainingSample
        One of them, with labels.

    Returns
    -------
    callable or None
        None where it is not known.
    """
    behind = trainings_behind(ref)
    if behind is None or not all(_is_of(training, source) for training in behind):
        return None
    judging = _judging(source, data)
    held = []
    for training in behind:
        if sample.name in training.started.train and sample.labels is not None:
            reduction = _reduction(training)
            if reduction is None:
                return None
            share = _share_held_out(training, judging)
            held.append((_held_by(sample, len(data.label_classes), share, reduction), reduction))

    def unseen(lo: Triple, hi: Triple) -> NDArray[np.bool_]:
        mask = np.ones([b - a for a, b in zip(lo, hi, strict=True)], bool)
        for one, steps in held:
            mask &= _in_image(one, steps, lo, hi)
        return mask

    return unseen


def _is_of(training: Training, source: DataSource) -> bool:
    data = training.config.data
    if training.config.task not in VOXEL_TASKS or data.kind != source.kind:
        return False
    if source.kind in ("project", "folder"):
        return source.path is not None and same_folder(data.path, source.path)
    files = ("image", "labels", "csv")
    mine, theirs = data.voxels.absolute(), source.voxels.absolute()
    return all(getattr(mine, name) == getattr(theirs, name) for name in files)


def _reduction(training: Training) -> Triple | None:
    """Return how the training averaged voxels, None where its plan was not written."""
    told = training.config.plan.get("reduction_zyx", training.started.plan.get("reduction_zyx"))
    if not isinstance(told, (list, tuple)) or len(told) != 3:
        return None
    z, y, x = (int(n) for n in told)
    return z, y, x


def _judging(source: DataSource, data: TrainingData) -> set[str]:
    """Return the samples that validate and have labels, whether `data` hold them or not."""
    if source.kind == "project" and source.path is not None:
        return judging_images(source.path)
    return {s.name for s in data.with_role(Role.VALIDATE) if s.labels and s.labels.boxes}


def _share_held_out(training: Training, judging: set[str]) -> float:
    """Return the share of the labels that a training held out: none where samples judged it."""
    if judging & set(training.started.validate):
        return 0.0
    return training.config.settings.voxels.hold_out_labels


def _held_by(sample: TrainingSample, classes: int, share: float, reduction: Triple) -> Held:
    assert sample.labels is not None
    volume = open_volume(sample.volume_path, sample.size)
    grid = ScaledVolume(volume, reduction, 0.0, 1.0)
    return held_in(sample.labels, grid, classes, share)[0]


def _in_image(held: Held, steps: Triple, lo: Triple, hi: Triple) -> NDArray[np.bool_]:
    """Return a mask on the working grid as it is on the image's voxels."""
    first = tuple(a // n for a, n in zip(lo, steps, strict=True))
    last = tuple(-(-b // n) for b, n in zip(hi, steps, strict=True))
    mask = held.mask(first, last)  # type: ignore[arg-type]
    for axis, step in enumerate(steps):
        if step > 1:
            mask = mask.repeat(step, axis=axis)
    return mask[
        tuple(slice(a - f * n, b - f * n) for a, b, f, n in zip(lo, hi, first, steps, strict=True))
    ]
