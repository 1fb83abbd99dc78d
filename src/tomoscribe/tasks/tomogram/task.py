"""The row of the table of tasks for tomograms: check data, plan, build, load checkpoints."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from tomoscribe.io.volumes import open_volume
from tomoscribe.nets.precision import PrecisionTest, measure_precision
from tomoscribe.nets.unet import UNet3d
from tomoscribe.project.model import Role
from tomoscribe.tasks.checkpoint import check_kind
from tomoscribe.tasks.tomogram import checkpoints
from tomoscribe.tasks.tomogram.checks import check_data
from tomoscribe.tasks.tomogram.plan import DataSummary, DeviceInfo, TomogramPlan, make_plan

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from tomoscribe.project.model import TrainingData
    from tomoscribe.tasks.settings import TrainingSettings
    from tomoscribe.tasks.tomogram.module import TomogramModule
    from tomoscribe.tasks.tomogram.predictor import TomogramPredictor


class TomogramTask:
    """Heatmaps of particles in tomograms, learned from clicks."""

    name = checkpoints.TASK

    def build(
        self,
        data: TrainingData,
        settings: TrainingSettings,
        device: torch.device,
        start: dict[str, Any] | None = None,
    ) -> TomogramModule:
        """Plan and build a training, with the network of the checkpoint `start` if given.

        Raises
        ------
        TomoscribeError
            If the data cannot be trained on: no picks, no diameter, unknown voxel size. Or if
            `start` is no checkpoint of this task.
        """
        # Lightning comes with it, which takes longer than torch; only a training needs it.
        from tomoscribe.tasks.tomogram.module import TomogramModule

        check_data(data)
        before = None
        if start is not None:
            check_kind(start, "The checkpoint to start from", self.name)
            before = TomogramPlan(**start["plan"])
        plan = make_plan(_summarise(data), settings, DeviceInfo(kind=device.type), before)
        if plan.precision == "auto":
            test = _test_precision(plan, len(data.classes), device)
            plan.precision = "bfloat16" if test.bfloat16_pays else "float32"
            plan.reasons["precision"] = test.reason
        return TomogramModule(data, settings, plan, device)

    def load(self, checkpoint: Path, device: torch.device) -> TomogramPredictor:
        """Load a checkpoint for prediction, with `weights_only`.

        Raises
        ------
        TomoscribeError
            If the file is no checkpoint of this task.
        """
        state = checkpoints.read(checkpoint)
        plan = TomogramPlan(**state["plan"])
        bfloat16 = plan.precision == "bfloat16"
        if bfloat16 and state.get("device") != device.type:
            test = _test_precision(plan, len(state["classes"]), device)
            bfloat16 = test.bfloat16_pays
        return checkpoints.make_predictor(state, device, bfloat16=bfloat16)


def _summarise(data: TrainingData) -> DataSummary:
    train = data.with_role(Role.TRAIN)
    shapes = [open_volume(s.volume_path, s.voxel_size_A).data.shape for s in train]
    z, y, x = min(shapes, key=min)
    diameters = [c.diameter_A for c in data.classes]
    return DataSummary(
        voxel_size_A=train[0].voxel_size_A,
        smallest_diameter_A=min(diameters),
        largest_diameter_A=max(diameters),
        clicks=sum(len(s.of_class(c.name)) for s in train for c in data.classes),
        smallest_shape_zyx=(z, y, x),
    )


def _test_precision(plan: TomogramPlan, classes: int, device: torch.device) -> PrecisionTest:
    return _test_network(classes, plan.width, plan.levels, plan.stem, device)


@cache
def _test_network(
    classes: int, width: int, levels: int, stem: Literal[1, 2], device: torch.device
) -> PrecisionTest:
    """Return the self-test of a network on a device, measured once a process."""
    net = UNet3d(classes, width, levels=levels, stem=stem)
    net.place(device)
    edge = 24 * stem
    return measure_precision(net, (1, 1, edge, edge, edge), device)
