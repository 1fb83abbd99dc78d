"""The rows of the table of tasks for painted labels: check data, plan, build, load checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoscribe.nets.precision import PrecisionTest, measure_precision
from tomoscribe.tasks.checkpoint import check_kind
from tomoscribe.tasks.voxels import checkpoints
from tomoscribe.tasks.voxels.checks import check_data, check_start
from tomoscribe.tasks.voxels.plan import VoxelPlan, make_plan
from tomoscribe.tasks.voxels.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch

    from tomoscribe.project.model import TrainingData
    from tomoscribe.segmentation.labels import LabelClass
    from tomoscribe.tasks.settings import TrainingSettings
    from tomoscribe.tasks.voxels.module import VoxelModule
    from tomoscribe.tasks.voxels.predictor import VoxelPredictor


class VoxelTask:
    """Maps of classes or objects, learned from painted labels.

    Parameters
    ----------
    name : str
        semantic, or instance, which tells objects apart.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def build(
        self,
        data: TrainingData,
        settings: TrainingSettings,
        device: torch.device,
        start: dict[str, Any] | None = None,
    ) -> VoxelModule:
        """Plan and build a training, with the network of the checkpoint `start` if given.

        Raises
        ------
        TomoscribeError
            If the data cannot be trained on: no labels, a class without a voxel, a window larger
            than the image. Or if `start` is no checkpoint of this task, or lacks maps asked for.
        """
        # Lightning comes with it, which takes longer than torch; only a training needs it.
        from tomoscribe.tasks.voxels.module import VoxelModule

        check_data(data)
        before = None
        if start is not None:
            check_kind(start, "The checkpoint to start from", self.name)
            before = VoxelPlan(**start["plan"])
            check_start(before, settings.voxels)
        plan = make_plan(self.name, summarise(data), settings, device.type, before)
        if plan.precision == "auto":
            test = _test_precision(plan, data.label_classes, device)
            plan.precision = "bfloat16" if test.bfloat16_pays else "float32"
            plan.reasons["precision"] = test.reason
        return VoxelModule(self.name, data, settings, plan, device)

    def load(self, checkpoint: Path, device: torch.device) -> VoxelPredictor:
        """Load a checkpoint for prediction, with `weights_only`.

        Raises
        ------
        TomoscribeError
            If the file is no checkpoint of this task.
        """
        state = checkpoints.read(checkpoint, self.name)
        plan = VoxelPlan(**state["plan"])
        bfloat16 = plan.precision == "bfloat16"
        if bfloat16 and state.get("device") != device.type:
            classes = checkpoints.label_classes_of(state)
            bfloat16 = _test_precision(plan, classes, device).bfloat16_pays
        return checkpoints.make_predictor(state, device, bfloat16=bfloat16)


def _test_precision(
    plan: VoxelPlan, classes: Sequence[LabelClass], device: torch.device
) -> PrecisionTest:
    net = checkpoints.network_of(classes, plan)
    net.place(device)
    z, y, x = net.multiple_zyx
    edge = 128 if plan.dimension != "3d" else 32
    size = (max(z, edge // 4) if plan.dimension == "3d" else 1, max(y, edge), max(x, edge))
    return measure_precision(net, (1, 1, size[0] + 2 * net.context, *size[1:]), device)
