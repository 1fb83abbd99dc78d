"""The plan: what it chooses, why, and that the user has the last word."""

import pytest

from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.tomogram.plan import DataSummary, DeviceInfo, TomogramPlan, make_plan


def _plan(
    diameter_A: float = 300.0,
    voxel_size_A: float = 10.0,
    kind: str = "cpu",
    clicks: int = 20,
    **settings: object,
) -> TomogramPlan:
    data = DataSummary(voxel_size_A, diameter_A, diameter_A, clicks, (128, 384, 384))
    return make_plan(data, TrainingSettings(**settings), DeviceInfo(kind=kind))  # type: ignore


@pytest.mark.parametrize(
    ("diameter_A", "voxel_size_A", "factor"),
    [
        (300, 10, 2),
        (150, 10, 2),
        (175, 10, 2),
        (135.6, 10, 2),
        (300, 5, 4),
        (120, 13.5, 1),
        (1000, 8, 8),
    ],
)
def test_binning_follows_the_diameter(diameter_A: float, voxel_size_A: float, factor: int) -> None:
    plan = _plan(diameter_A, voxel_size_A)
    assert plan.bin == factor
    across = diameter_A / voxel_size_A / plan.grid_bin
    assert across >= 6


def test_small_particles_keep_their_resolution() -> None:
    plan = _plan(80.0)
    assert (plan.bin, plan.stem) == (1, 1)


@pytest.mark.parametrize("diameter_A", [60, 100, 150, 220, 300, 470])
def test_patch_suits_the_network(diameter_A: float) -> None:
    plan = _plan(diameter_A)
    assert plan.patch % plan.multiple == 0
    assert plan.patch >= 2 * diameter_A / 10 / plan.bin


def test_odd_patch_of_the_user_is_rounded_up_to_fit() -> None:
    assert _plan(patch=50).patch == 56


def test_every_choice_has_a_reason() -> None:
    plan = _plan()
    chosen = {"bin", "stem", "patch", "batch", "width", "learning_rate", "max_steps"}
    assert chosen <= plan.reasons.keys()
    assert all(reason and "\n" not in reason for reason in plan.reasons.values())


def test_user_settings_override_and_say_so() -> None:
    plan = _plan(bin=3, width=12, batch=2, learning_rate=1e-4, max_steps=7, precision="bfloat16")
    assert (plan.bin, plan.width, plan.batch, plan.steps) == (3, 12, 2, 7)
    assert plan.learning_rate == 1e-4
    assert plan.precision == "bfloat16"
    assert plan.reasons["bin"] == "set by the user"


def test_gpu_gets_a_wider_network_and_batch() -> None:
    cpu, gpu = _plan(), _plan(kind="cuda")
    assert gpu.width > cpu.width
    assert gpu.batch > cpu.batch


def test_a_start_keeps_its_network_whatever_the_time_and_the_device() -> None:
    short = _plan(150.0, max_minutes=1)
    data = DataSummary(10.0, 400.0, 400.0, 20, (128, 384, 384))
    longer = make_plan(data, TrainingSettings(max_minutes=5), DeviceInfo("cuda"), short)
    for name in ("bin", "stem", "width", "levels", "patch"):
        assert getattr(longer, name) == getattr(short, name)
        assert "checkpoint" in longer.reasons[name]
    assert longer.batch > short.batch


def test_the_user_may_set_another_patch_for_a_start() -> None:
    plan = make_plan(
        DataSummary(10.0, 150.0, 150.0, 20, (128, 384, 384)),
        TrainingSettings(patch=64),
        DeviceInfo(),
        _plan(150.0),
    )
    assert plan.patch == 64


def test_a_training_ends_before_it_memorises_its_clicks() -> None:
    few, many = _plan(clicks=5), _plan(clicks=400)
    assert few.steps == 200
    assert many.steps == 3200
    assert "memorise" in few.reasons["max_steps"]
