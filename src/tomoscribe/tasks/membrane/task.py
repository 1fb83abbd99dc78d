"""The row of the table of tasks for membranes: check data, plan, build, load checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import KDTree

from tomoscribe.membranes.slab import Slab, suggest_band
from tomoscribe.picks.table import positions_zyx
from tomoscribe.project.membrane_files import open_membrane
from tomoscribe.project.model import Role
from tomoscribe.tasks.checkpoint import check_kind
from tomoscribe.tasks.membrane import checkpoints
from tomoscribe.tasks.membrane.classes import choose_classes
from tomoscribe.tasks.membrane.plan import DataSummary, MembranePlan, make_plan
from tomoscribe.tasks.membrane.prepared import PreparedMembrane
from tomoscribe.tasks.tomogram.checks import check_data

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from tomoscribe.project.model import TrainingData
    from tomoscribe.tasks.membrane.module import MembraneModule
    from tomoscribe.tasks.membrane.predictor import MembranePredictor
    from tomoscribe.tasks.settings import TrainingSettings


class MembraneTask:
    """Scores of particles on membranes, learned from clicks."""

    name = checkpoints.TASK

    def build(
        self,
        data: TrainingData,
        settings: TrainingSettings,
        device: torch.device,
        start: dict[str, Any] | None = None,
    ) -> MembraneModule:
        """Plan and build a training, with the network of the checkpoint `start` if given.

        Raises
        ------
        TomoscribeError
            If the data cannot be trained on: no picks, no diameter, unknown voxel size. Or if
            `start` is no checkpoint of this task.
        """
        # Lightning comes with it, which takes longer than torch; only a training needs it.
        from tomoscribe.tasks.membrane.module import MembraneModule

        data = choose_classes(data, settings)
        check_data(data, "membrane")
        before = None
        if start is not None:
            check_kind(start, "The checkpoint to start from", self.name)
            before = MembranePlan(**start["plan"])
        opened = {
            sample.volume_path: PreparedMembrane(
                open_membrane(sample.volume_path, sample.voxel_size_A, sample.tomogram)
            )
            for sample in data.with_role(Role.TRAIN)
        }
        plan = make_plan(summarise(data, opened), settings, device.type, before)
        return MembraneModule(data, settings, plan, device, opened)

    def load(self, checkpoint: Path, device: torch.device) -> MembranePredictor:
        """Load a checkpoint for prediction, with `weights_only`.

        Raises
        ------
        TomoscribeError
            If the file is no checkpoint of this task.
        """
        return checkpoints.make_predictor(checkpoints.read(checkpoint), device)


def summarise(data: TrainingData, opened: dict[str, PreparedMembrane]) -> DataSummary:
    """Return what a plan needs to know of membranes and their clicks."""
    values, depths, clicked, edges, spacings = [], [], [], [], []
    first = 0
    for sample in data.with_role(Role.TRAIN):
        prepared = opened[sample.volume_path]
        membrane = prepared.membrane
        picks = [p for c in data.classes for p in sample.of_class(c.name)]
        vertices = prepared.vertices_at(positions_zyx(picks))
        values.append(membrane.slab.values - membrane.slab.values.mean())
        depths.append(membrane.slab.depths_A)
        clicked.append(vertices + first)
        first += len(membrane.slab.values)
        edges.append(float(prepared.graph.data.mean()) * membrane.voxel_size_A)
        spacings += _spacings_A(prepared, vertices)
    grid = depths[0]
    for other in depths[1:]:
        grid = grid[(grid >= other[0]) & (grid <= other[-1])]
    joined = np.concatenate(
        [Slab(v, d).resample(grid) for v, d in zip(values, depths, strict=True)]
    )
    return DataSummary(
        voxel_size_A=data.with_role(Role.TRAIN)[0].voxel_size_A,
        diameters_A=tuple(c.diameter_A for c in data.classes),
        clicks=sum(len(c) for c in clicked),
        band_A=suggest_band(Slab(joined, grid), np.concatenate(clicked)),
        spacing_A=float(np.percentile(spacings, 2)) if spacings else None,
        edge_A=float(np.mean(edges)),
    )


def _spacings_A(prepared: PreparedMembrane, vertices: np.ndarray[Any, Any]) -> list[float]:
    """Return the distance from each clicked vertex to the nearest other one of its face."""
    if len(vertices) < 2:
        return []
    membrane = prepared.membrane
    places = membrane.mesh.vertices_zyx[vertices]
    near, which = (np.asarray(part) for part in KDTree(places).query(places, k=2))
    normals = membrane.normals_zyx[vertices]
    same = (normals * normals[which[:, 1]]).sum(axis=1) > 0
    return [float(d) * membrane.voxel_size_A for d in near[same, 1] if d > 0]
