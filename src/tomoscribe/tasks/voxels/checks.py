"""Whether labels can be trained on; of images that are not used nothing is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.model import Role
from tomoscribe.project.sample_checks import same_voxel_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.project.model import TrainingData
    from tomoscribe.segmentation.labels import LabelClass
    from tomoscribe.tasks.voxels.plan import VoxelPlan
    from tomoscribe.tasks.voxels.settings import VoxelSettings
    from tomoscribe.tasks.voxels.sources import Source


def check_data(data: TrainingData) -> None:
    """Check that a training can be built from `data`.

    Raises
    ------
    TomoscribeError
        If classes, images to train on or labels are missing, or pixel sizes differ.
    """
    train = data.with_role(Role.TRAIN)
    if not data.label_classes:
        raise TomoscribeError("There is no class of labels; add one and paint a few strokes of it.")
    if not train:
        raise TomoscribeError(
            "No image is set to be trained on; set the role of at least one to 'train'."
        )
    if not any(s.labels and s.labels.boxes for s in train):
        raise TomoscribeError(
            "Nothing is labelled in the images to train on; paint a few strokes of each class and "
            "of the background."
        )
    first = train[0]
    for sample in (*train, *data.with_role(Role.VALIDATE)):
        if not same_voxel_size(sample.voxel_size_A, first.voxel_size_A):
            raise TomoscribeError(
                f"{sample.name} has pixels of {sample.voxel_size_A / 10:g} nm, {first.name} of "
                f"{first.voxel_size_A / 10:g} nm; train on images of one pixel size, or correct it."
            )


def check_start(start: VoxelPlan, own: VoxelSettings) -> None:
    """Check that a training that goes on from a checkpoint can predict what the user asks for.

    Raises
    ------
    TomoscribeError
        If the checkpoint has no such maps: weights for them cannot be made up.
    """
    for name, asked in (("distance", own.distance), ("affinity", own.affinity)):
        if asked and not any(kind.startswith(name) for kind in start.kinds):
            raise TomoscribeError(
                f"The checkpoint that the training starts from has no maps of voxels.{name}: leave "
                "that setting away, or train from the start."
            )


def check_change(data: TrainingData, classes: Sequence[LabelClass], voxel_size_A: float) -> None:
    """Check that a training of `classes` can take `data` over as it runs.

    Raises
    ------
    TomoscribeError
        If classes came, went or were renamed, or where no training could be built.
    """
    if [c.name for c in data.label_classes] != [c.name for c in classes]:
        raise TomoscribeError(
            "The classes changed; the training goes on with the old labels: "
            "start a new training to use them."
        )
    check_data(data)
    first = data.with_role(Role.TRAIN)[0]
    if not same_voxel_size(first.voxel_size_A, voxel_size_A):
        raise TomoscribeError(
            f"{first.name} has pixels of {first.voxel_size_A / 10:g} nm, the training began with "
            f"{voxel_size_A / 10:g} nm; start a new training to use another pixel size."
        )


def check_labels(
    sources: Sequence[Source], classes: Sequence[LabelClass], task: str = "semantic"
) -> None:
    """Check what is labelled in the images that train.

    Raises
    ------
    TomoscribeError
        If no class has a voxel, or nothing else than one class is known; objects may fill all.
    """
    total = sum(s.places.known + s.places.held for s in sources)
    counts = [
        sum(int(s.places.positive[index] + s.places.positive_held[index]) for s in sources)
        for index in range(len(classes))
    ]
    if not any(counts):
        names = ", ".join(label.name for label in classes)
        raise TomoscribeError(
            f"No voxel of a class ({names}) is labelled in the images to train on, background "
            "only; paint some."
        )
    if max(counts) == total and task != "instance":
        label = classes[counts.index(total)]
        raise TomoscribeError(
            f"All labelled voxels are of class '{label.name}'; paint some of the background or of "
            "another class too."
        )
