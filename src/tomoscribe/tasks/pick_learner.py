"""What trainings on clicks share: which of them train, judging the picks, the checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tomoscribe.project.model import Role
from tomoscribe.project.sample_checks import count_accepted
from tomoscribe.tasks.base import Evaluation, TrainingStatus
from tomoscribe.tasks.checkpoint import check_goes_on, pack
from tomoscribe.tasks.learner import Learner
from tomoscribe.tasks.tomogram.judge import judge
from tomoscribe.tasks.tomogram.labels import can_judge, make_labels, pick_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from numpy.typing import NDArray
    from pydantic import BaseModel
    from torch import nn

    from tomoscribe.project.model import TrainingData, TrainingSample
    from tomoscribe.tasks.settings import TrainingSettings
    from tomoscribe.tasks.tomogram.judge import Peaks
    from tomoscribe.tasks.tomogram.labels import SampleLabels

HOT_FROM = 0.1
"""Share of the training after which the hottest places are left out; before, heat says nothing."""


class PickLearner(Learner):
    """Learns a map of scores a class from clicks, whatever the map is of.

    A subclass keeps what it learns from in memory, draws the batches, and says how a sample is
    scored and which picks its scores hold.

    Parameters
    ----------
    net : nn.Module
        On its device already.
    data : TrainingData
        Samples, picks and classes.
    settings : TrainingSettings
        What the user set.
    plan : BaseModel
        What follows from both: `steps`, `learning_rate`, `weight_decay`, `reasons` and more.
    device : torch.device
        Where everything is.
    """

    TASK: ClassVar[str]
    OF_THE_NETWORK: ClassVar[tuple[str, ...]]
    """Choices of the plan that weights depend on."""
    WITH_KNEE: ClassVar[bool] = True
    """Whether the knee of the ranked scores bounds the threshold."""

    _plan: BaseModel

    def __init__(
        self,
        net: nn.Module,
        data: TrainingData,
        settings: TrainingSettings,
        plan: BaseModel,
        device: torch.device,
    ) -> None:
        chosen = plan.model_dump()
        super().__init__(
            net,
            steps=chosen["steps"],
            learning_rate=chosen["learning_rate"],
            weight_decay=chosen["weight_decay"],
            seed=settings.seed,
        )
        self.settings, self._plan = settings, plan
        self.reasons: dict[str, str] = chosen.pop("reasons")
        self.plan: dict[str, object] = chosen
        self.classes = data.classes
        self.voxel_size_A = data.with_role(Role.TRAIN)[0].voxel_size_A
        self.thresholds = {particle.name: 0.5 for particle in data.classes}
        self._place = device
        self._known: dict[str, frozenset[tuple[str, int]]] = {}
        self._train: list[TrainingSample] = []
        self._validate: list[TrainingSample] = []
        self._labels: list[SampleLabels] = []
        self._status = TrainingStatus(0, 0, 0)

    # ---- labels -------------------------------------------------------------------------------

    def labels_of(self, data: TrainingData) -> list[SampleLabels]:
        """Return the labels of the samples that train; nothing is taken over yet."""
        hold_out = self.settings.hold_out
        if can_judge(data.with_role(Role.VALIDATE), self.classes):
            hold_out = 0.0
        return [
            make_labels(
                sample,
                self.classes,
                hold_out=hold_out,
                known=self._known.get(sample.name, frozenset()) if self._known else None,
            )
            for sample in data.with_role(Role.TRAIN)
        ]

    def take_labels(self, data: TrainingData, labels: list[SampleLabels]) -> TrainingStatus:
        """Take samples and the labels of those that train over; return what is made of them."""
        self._train, self._validate = data.with_role(Role.TRAIN), data.with_role(Role.VALIDATE)
        self._labels = labels
        if not self._known:
            self._known = {s.name: pick_keys(s) for s in data.samples}
        self._status = self._count(data)
        return self._status

    def status(self) -> TrainingStatus:
        """Return what is made of the labels."""
        return self._status

    def _count(self, data: TrainingData) -> TrainingStatus:
        parts = [part for known in self._labels for part in known.points]
        judging = [s.of_class(c.name) for s in self._validate for c in self.classes]
        return TrainingStatus(
            used=sum(len(p.clicked) for p in parts),
            total=sum(count_accepted(s.picks) for s in data.samples) + data.left_out,
            held_out=sum(len(p.held_out) for p in parts) + sum(map(len, judging)),
            rejected=sum(len(known.drawn[1][0]) for known in self._labels),
        )

    def _known_of(self, sample: TrainingSample) -> SampleLabels:
        if sample.role == Role.TRAIN:
            return self._labels[self._train.index(sample)]
        return make_labels(sample, self.classes, hold_out=1.0, known=None)

    # ---- judging ------------------------------------------------------------------------------

    def predictor(self) -> Any:
        """Return a frozen copy of the EMA weights with the thresholds of the last evaluation."""
        raise NotImplementedError

    def _scores(
        self,
        predictor: Any,
        sample: TrainingSample,
        should_stop: Callable[[], bool] | None,
    ) -> NDArray[np.float32] | None:
        """Return the scores (class, z, y, x) of a sample, None where it was abandoned."""
        raise NotImplementedError

    def _peaks(
        self, predictor: Any, sample: TrainingSample, scores: NDArray[np.float32]
    ) -> Sequence[Peaks]:
        """Return the peaks of each class on a sample, with what is known there."""
        raise NotImplementedError

    def _learn_from_mistakes(self, by_sample: list[Sequence[Peaks]]) -> None:
        """Look at what was found on the samples that train, with the new thresholds."""

    def evaluate(self, should_stop: Callable[[], bool] | None = None) -> Evaluation | None:
        """Validate the EMA weights on the samples for validation, or on held-out clicks.

        `should_stop` is asked between blocks; None where it said yes, and then nothing changes.
        """
        judged = self._validate if can_judge(self._validate, self.classes) else self._train
        predictor = self.predictor()
        by_sample = []
        for sample in judged:
            scores = self._scores(predictor, sample, should_stop)
            if scores is None:
                return None
            by_sample.append(self._peaks(predictor, sample, scores))
        verdicts = [
            judge(list(peaks), with_knee=self.WITH_KNEE) for peaks in zip(*by_sample, strict=True)
        ]
        names = [particle.name for particle in self.classes]
        self.thresholds = {n: v.threshold for n, v in zip(names, verdicts, strict=True)}
        if judged is self._train:
            self._learn_from_mistakes(by_sample)
        metrics = {
            key if len(names) == 1 else f"{name}/{key}": value
            for name, verdict in zip(names, verdicts, strict=True)
            for key, value in verdict.metrics.items()
        }
        score = float(np.mean([verdict.score for verdict in verdicts]))
        return Evaluation(score, metrics, dict(self.thresholds))

    # ---- checkpoint ---------------------------------------------------------------------------

    def checkpoint(self) -> dict[str, Any]:
        """Return all that prediction and resuming need, as tensors and plain data only."""
        return pack(
            task=self.TASK,
            plan=self._plan,
            classes=self.classes,
            voxel_size_A=self.voxel_size_A,
            thresholds=self.thresholds,
            ema=self.ema.state_dict(),
            device=self._place.type,
            training=self.training_state(),
        )

    def restore(self, state: dict[str, Any], *, weights_only: bool) -> None:
        """Take a checkpoint over: weights alone, or optimizer, step and random state too."""
        check_goes_on(state, self._plan, self.OF_THE_NETWORK, self.classes, self.voxel_size_A)
        self.take_over(state["ema"], state["training"], weights_only=weights_only)
        if not weights_only:
            self.thresholds = {str(k): float(v) for k, v in state["thresholds"].items()}
