"""Whether data can be trained on; of tomograms that are not used nothing is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.table import PickState
from tomoscribe.project.model import Role
from tomoscribe.project.sample_checks import same_voxel_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.project.model import ParticleClass, TrainingData, TrainingSample


def check_data(data: TrainingData, kind: str = "tomogram") -> None:
    """Check that a training can be built from `data`, samples of which are called `kind`.

    Raises
    ------
    TomoscribeError
        If classes, roles, picks or diameters are missing, or voxel sizes differ.
    """
    train = data.with_role(Role.TRAIN)
    if not data.classes:
        raise TomoscribeError("There is no particle class; add one with its diameter in Å.")
    if not train:
        raise TomoscribeError(
            f"No {kind} is set to be trained on; set the role of at least one to 'train'."
        )
    for particle in data.classes:
        if not particle.diameter_A > 0:
            raise TomoscribeError(
                f"The diameter of class '{particle.name}' is not known; give it in Å."
            )
        if not any(s.of_class(particle.name, PickState.ACCEPTED) for s in train):
            raise TomoscribeError(
                f"There is no pick of class '{particle.name}' in the {kind}s to train on; "
                "click a few, or remove the class."
            )
    first = train[0]
    for sample in (*train, *data.with_role(Role.VALIDATE)):
        if not same_voxel_size(sample.voxel_size_A, first.voxel_size_A):
            raise TomoscribeError(
                f"{sample.name} has voxels of {sample.voxel_size_A:g} Å, "
                f"{first.name} of {first.voxel_size_A:g} Å; "
                f"train on {kind}s of one voxel size, or correct it."
            )


def check_change(
    data: TrainingData,
    classes: Sequence[ParticleClass],
    voxel_size_A: float,
    kind: str = "tomogram",
) -> None:
    """Check that a training of `classes` at `voxel_size_A` can take `data` over as it runs.

    Raises
    ------
    TomoscribeError
        If classes came, went or were renamed, or where no training could be built.
    """
    if {c.name for c in data.classes} != {c.name for c in classes}:
        raise TomoscribeError(
            "The classes changed; the training goes on with the old labels: "
            "start a new training to use them."
        )
    check_data(data, kind)
    first: TrainingSample = data.with_role(Role.TRAIN)[0]
    if not same_voxel_size(first.voxel_size_A, voxel_size_A):
        raise TomoscribeError(
            f"{first.name} has voxels of {first.voxel_size_A:g} Å, the training began with "
            f"{voxel_size_A:g} Å; start a new training to use another voxel size."
        )
