"""Optimizers and schedulers by torch's names, in trainings on painted labels."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from tests.tasks.train_steps import make_steps
from tests.tasks.voxels.test_voxel_training import CPU, SMALL, three_classes

from tomoscribe.errors import TomoscribeError
from tomoscribe.tasks.named_calls import OPTIMIZERS, SCHEDULERS
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task

__all__ = ["three_classes"]


def settings_with(**voxels):
    return TrainingSettings(
        **{
            **SMALL,
            "learning_rate": 0.1,
            "validate_every_steps": 2,
            "voxels": {**SMALL["voxels"], **voxels},
        }
    )


def test_a_named_optimizer_and_scheduler_train_and_go_on_exactly(three_classes):
    settings = settings_with(
        optimizer="SGD(momentum=0.5)", scheduler="StepLR(step_size=1, gamma=0.5)"
    )
    build = get_task("semantic").build
    whole = build(three_classes, settings, CPU)
    assert isinstance(whole.optimizer, torch.optim.SGD)
    rates = []
    for _ in range(5):
        make_steps(whole, 1)
        rates.append(whole.optimizer.param_groups[0]["lr"])
    assert rates == [0.1, 0.1, 0.05, 0.05, 0.025]
    first = build(three_classes, settings, CPU)
    make_steps(first, 3)
    state = first.checkpoint()
    second = build(three_classes, settings, CPU, state)
    second.restore(state, weights_only=False)
    make_steps(second, 2)
    assert second.optimizer.param_groups[0]["lr"] == 0.025
    for ours, theirs in zip(second.net.parameters(), whole.net.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    # Another optimizer begins anew; weights and steps go on.
    other = build(three_classes, settings_with(optimizer="RAdam"), CPU, state)
    other.restore(state, weights_only=False)
    assert other.steps_done == 3
    make_steps(other, 1)


def test_voxels_of_a_class_count_as_much_as_the_user_says(three_classes):
    build = get_task("semantic").build
    weights = [
        build(three_classes, settings_with(positive_weights=given), CPU)._losses.class_weights
        for given in ([], [2.0], [1.0, 3.0, 5.0])
    ]
    assert weights == [(), (2, 2, 2), (1, 3, 5)]


@pytest.mark.parametrize(
    ("voxels", "says"),
    [
        ({"optimizer": "SDG"}, "no optimizer 'SDG' here: 'SGD' is meant"),
        ({"optimizer": "SGD(mu=1)"}, r"SGD\(mu=1\) cannot be: .*mu"),
        ({"optimizer": "SGD(lr=open('x'))"}, "cannot be read: give a name with values"),
        ({"optimizer": "__import__('os').system('true')"}, "cannot be read"),
        ({"scheduler": "ReduceLROnPlateau"}, "no scheduler 'ReduceLROnPlateau' here"),
        ({"scheduler": "StepLR"}, "StepLR cannot be: .*step_size"),
        ({"positive_weights": [1.0, 2.0]}, "2 numbers for 3 classes"),
    ],
)
def test_what_cannot_be_is_one_sentence(three_classes, voxels, says):
    with pytest.raises((TomoscribeError, ValidationError), match=says):
        get_task("semantic").build(three_classes, settings_with(**voxels), CPU)


def test_the_names_that_are_checked_without_torch_are_those_of_torch():
    of_loss = {"LBFGS", "Muon", "Optimizer", "SparseAdam"}
    made = vars(torch.optim).items()
    there = {n for n, o in made if isinstance(o, type) and issubclass(o, torch.optim.Optimizer)}
    assert set(OPTIMIZERS) == there - of_loss
    assert set(SCHEDULERS) <= vars(torch.optim.lr_scheduler).keys()
