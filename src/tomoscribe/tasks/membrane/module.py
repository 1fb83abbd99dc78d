"""The training of the membrane task in memory: resident membranes, live labels, EMA weights."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from tomoscribe.project.membrane_files import open_membrane
from tomoscribe.project.model import Role
from tomoscribe.tasks.base import MeshGrid
from tomoscribe.tasks.membrane import checkpoints
from tomoscribe.tasks.membrane.architecture import draw_loss, make_net, place
from tomoscribe.tasks.membrane.classes import choose_classes
from tomoscribe.tasks.membrane.judging import peaks_of
from tomoscribe.tasks.membrane.plan import OF_THE_NETWORK
from tomoscribe.tasks.membrane.predictor import MembranePredictor
from tomoscribe.tasks.membrane.prepared import PreparedMembrane
from tomoscribe.tasks.membrane.targets import complete_mask, make_targets, target_sigma_A
from tomoscribe.tasks.pick_learner import HOT_FROM, PickLearner
from tomoscribe.tasks.tomogram.checks import check_change
from tomoscribe.tasks.tomogram.judge import LOWEST_SCORE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tomoscribe.project.model import TrainingData, TrainingSample
    from tomoscribe.tasks.base import TrainingStatus
    from tomoscribe.tasks.membrane.architecture import Resident
    from tomoscribe.tasks.membrane.plan import MembranePlan
    from tomoscribe.tasks.settings import TrainingSettings
    from tomoscribe.tasks.tomogram.judge import Peaks
    from tomoscribe.tasks.tomogram.labels import SampleLabels


class MembraneModule(PickLearner):
    """Learns one map of scores a class from clicks on membranes; see `tasks.base.TaskModule`.

    Parameters
    ----------
    data : TrainingData
        Membranes, picks and classes.
    settings : TrainingSettings
        What the user set.
    plan : MembranePlan
        What follows from both and from the device.
    device : torch.device
        Where everything is.
    opened : dict of str to PreparedMembrane
        Membranes that were read already, by path.
    """

    TASK = checkpoints.TASK
    OF_THE_NETWORK = OF_THE_NETWORK
    WITH_KNEE = False
    """Look-alikes score in a hump of their own, below which the knee would lie."""

    _plan: MembranePlan

    def __init__(
        self,
        data: TrainingData,
        settings: TrainingSettings,
        plan: MembranePlan,
        device: torch.device,
        opened: dict[str, PreparedMembrane] | None = None,
    ) -> None:
        torch.manual_seed(settings.seed)
        super().__init__(make_net(plan, len(data.classes)).to(device), data, settings, plan, device)
        self._opened = dict(opened or {})
        self._membranes: dict[str, Resident] = {}
        self._take(data)

    # ---- labels -------------------------------------------------------------------------------

    def set_data(self, data: TrainingData) -> TrainingStatus:
        """Take new labels over; membranes that are already resident are not read again.

        Raises
        ------
        TomoscribeError
            If the classes changed, or a membrane cannot be used; the old labels stay.
        """
        data = choose_classes(data, self.settings)
        check_change(data, self.classes, self.voxel_size_A, "membrane")
        return self._take(data)

    def _take(self, data: TrainingData) -> TrainingStatus:
        # All that may fail comes before the first assignment.
        train, validate = data.with_role(Role.TRAIN), data.with_role(Role.VALIDATE)
        membranes = {s.volume_path: self._resident(s) for s in (*train, *validate)}
        labels = self.labels_of(data)
        for sample, known in zip(train, labels, strict=True):
            self._label(membranes[sample.volume_path], sample, known)
        self._membranes, self._opened = membranes, {}
        return self.take_labels(data, labels)

    def _resident(self, sample: TrainingSample) -> Resident:
        path = sample.volume_path
        if path in self._membranes:
            return self._membranes[path]
        prepared = self._opened.get(path)
        if prepared is None:
            membrane = open_membrane(path, sample.voxel_size_A, sample.tomogram)
            prepared = PreparedMembrane(membrane)
        return place(prepared, self._plan, self._place, training=sample.role == Role.TRAIN)

    def _label(self, resident: Resident, sample: TrainingSample, known: SampleLabels) -> None:
        prepared = resident.prepared
        diameters = [particle.diameter_A for particle in self.classes]
        certain = complete_mask(prepared, sample)
        sigmas = [target_sigma_A(d, self._plan.pixel_A) for d in diameters]
        clicked = [
            pair
            for points, weights in known.drawn
            for pair in zip(prepared.vertices_at(points).tolist(), weights.tolist(), strict=True)
        ]
        limit = self._plan.diffusion.get("max_distance_A", 0.0)
        targets = make_targets(prepared, known, diameters, sigmas, certain, limit)
        resident.set_labels(targets, clicked)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> MembraneModule:
        """Move the resident membranes along with the module, so that a pause frees a device."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        place_now = next(self.net.parameters()).device
        if place_now != self._place:
            for resident in self._membranes.values():
                resident.to(place_now)
            self._place = place_now
        return self

    # ---- steps --------------------------------------------------------------------------------

    def training_step(self, batch: object, batch_idx: int) -> Tensor:
        """Draw a batch and return its loss."""
        self.schedule()
        membranes = [self._membranes[s.volume_path] for s in self._train]
        hot = self._plan.hot_share if self.progress > HOT_FROM else 0.0
        return draw_loss(
            self.net, membranes, self._plan, self.settings, hot, self._rng, self._generator
        )

    # ---- judging and using --------------------------------------------------------------------

    def _scores(
        self,
        predictor: MembranePredictor,
        sample: TrainingSample,
        should_stop: Callable[[], bool] | None,
    ) -> NDArray[np.float32] | None:
        """Return the scores (class, 1, 1, V) of a membrane, None where it was abandoned."""
        membrane = self._membranes[sample.volume_path].prepared.membrane
        parts = []
        for block in predictor.blocks(membrane):
            if should_stop is not None and should_stop():
                return None
            parts.append(block.scores)
        return np.concatenate(parts, axis=-1)

    def _peaks(
        self, predictor: MembranePredictor, sample: TrainingSample, scores: NDArray[np.float32]
    ) -> list[Peaks]:
        """Return the peaks of each class on a membrane, with what is known there."""
        prepared = self._membranes[sample.volume_path].prepared
        found = predictor.decode(scores, MeshGrid.of(prepared.membrane), LOWEST_SCORE)
        known = self._known_of(sample)
        certain = complete_mask(prepared, sample)
        return [
            peaks_of(prepared, picks, part, certain, particle.diameter_A)
            for picks, part, particle in zip(found, known.points, self.classes, strict=True)
        ]

    def predictor(self) -> MembranePredictor:
        """Return a frozen copy of the EMA weights with the thresholds of the last evaluation."""
        return MembranePredictor(
            copy.deepcopy(self.ema).eval(),
            self._plan,
            self.classes,
            dict(self.thresholds),
            self.voxel_size_A,
            self._place,
            self._membranes,
        )
