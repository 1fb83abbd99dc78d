"""Our default network's side of `mesh_operators.py`: charts of the surface, no operators."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from tomoscribe.membranes.membrane import load_membrane, make_membrane, save_membrane
from tomoscribe.picks.table import Pick
from tomoscribe.project.model import ParticleClass, Role, TrainingData, TrainingSample
from tomoscribe.tasks.base import MeshGrid
from tomoscribe.tasks.membrane.plan import MembranePlan
from tomoscribe.tasks.membrane.prepared import PreparedMembrane
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.io.mesh_data import TriangleMesh
    from tomoscribe.io.volumes import Volume
    from tomoscribe.tasks.membrane.charts import Charts

CPU = torch.device("cpu")
DIAMETER_A = 120.0


class OursByCharts:
    """The work on one membrane, as a training with default settings does it.

    Parameters
    ----------
    mesh : TriangleMesh
        In voxels.
    volume : Volume
        The tomogram.
    positions : (N, 3) array
        Particles, zyx voxels.
    folder : Path
        Where the container may lie.
    """

    def __init__(
        self, mesh: TriangleMesh, volume: Volume, positions: np.ndarray, folder: Path
    ) -> None:
        path = folder / "charts.h5"
        save_membrane(path, make_membrane("charts", mesh, volume))
        self.membrane = load_membrane(path)
        picks = tuple(
            Pick(i + 1, (float(z), float(y), float(x)), "target", membrane="charts")
            for i, (z, y, x) in enumerate(positions)
        )
        size = self.membrane.voxel_size_A
        sample = TrainingSample("charts", str(path), size, Role.TRAIN, picks)
        data = TrainingData((sample,), (ParticleClass("target", DIAMETER_A),))
        settings = TrainingSettings(seed=0, hold_out=0.0, max_steps=100_000)
        self.module = get_task("membrane").build(data, settings, CPU)
        fields = {k: v for k, v in self.module.plan.items() if k in MembranePlan.model_fields}
        self.plan = MembranePlan.model_validate(fields)
        self.charts = len(self.prepare())
        self.steps = math.ceil(self.charts / self.plan.batch)

    def prepare(self) -> Charts:
        """All that is made once of a membrane: distances, charts, profiles over the band."""
        prepared = PreparedMembrane(self.membrane)
        prepared.profiles(self.plan)
        return prepared.charts(self.plan)

    def epoch(self) -> None:
        """As many charts as cover every vertex, each step with its optimizer's."""
        self.module.train()
        for _ in range(self.steps):
            loss = self.module.training_step(None, 0)
            self.module.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.module.optimizer.step()

    def predict(self) -> np.ndarray:
        """Scores of the membrane from nothing."""
        predictor = replace(self.module.predictor(), resident={}, _last=None)
        scores = np.concatenate([b.scores for b in predictor.blocks(self.membrane)], axis=-1)
        assert scores.shape[1:] == MeshGrid.of(self.membrane).shape_zyx
        return scores
