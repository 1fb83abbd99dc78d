"""The training of the tomogram task in memory: resident volumes, live labels, EMA weights."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from tomoscribe.io.volumes import open_volume
from tomoscribe.nets.augment import flip_each, vary_intensity
from tomoscribe.nets.losses import Labels, hot_exclusion, non_negative_pu
from tomoscribe.nets.tiled import TiledNet
from tomoscribe.nets.unet import UNet3d
from tomoscribe.project.model import Role
from tomoscribe.tasks.base import Evaluation, TrainingStatus
from tomoscribe.tasks.checkpoint import check_goes_on, pack
from tomoscribe.tasks.learner import Learner
from tomoscribe.tasks.tomogram import checkpoints
from tomoscribe.tasks.tomogram.checks import check_change
from tomoscribe.tasks.tomogram.judge import LOWEST_SCORE, Peaks, false_picks, judge
from tomoscribe.tasks.tomogram.labels import SampleLabels, can_judge, make_labels, pick_keys
from tomoscribe.tasks.tomogram.predictor import TomogramPredictor
from tomoscribe.tasks.tomogram.sampler import PatchSampler, cut
from tomoscribe.tasks.tomogram.scaled import ScaledVolume, scale_volume
from tomoscribe.tasks.tomogram.targets import make_targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tomoscribe.project.model import TrainingData, TrainingSample
    from tomoscribe.tasks.settings import TrainingSettings
    from tomoscribe.tasks.tomogram.plan import TomogramPlan

_REJECTED_WEIGHT = 4.0
_PRIOR = 0.005
"""Share of particle voxels where the user gives none; `settings.prior` tells it."""
_HOT_FROM = 0.1
"""Share of the training after which the hottest voxels are left out; before, heat says nothing."""


class TomogramModule(Learner):
    """Learns one heatmap a class from clicks; see `tasks.base.TaskModule`.

    A step draws its own batch from the resident volumes; the data loader only counts.

    Parameters
    ----------
    data : TrainingData
        Tomograms, picks and classes.
    settings : TrainingSettings
        What the user set.
    plan : TomogramPlan
        What follows from both and from the device; precision decided.
    device : torch.device
        Where everything is.
    """

    def __init__(
        self,
        data: TrainingData,
        settings: TrainingSettings,
        plan: TomogramPlan,
        device: torch.device,
    ) -> None:
        torch.manual_seed(settings.seed)
        net = UNet3d(len(data.classes), plan.width, levels=plan.levels, stem=plan.stem)
        net.place(device)
        super().__init__(
            net,
            steps=plan.steps,
            learning_rate=plan.learning_rate,
            weight_decay=plan.weight_decay,
            seed=settings.seed,
        )
        self.settings, self._plan = settings, plan
        self.plan: dict[str, object] = plan.model_dump(exclude={"reasons"})
        self.reasons = dict(plan.reasons)
        self.classes = data.classes
        self.voxel_size_A = data.with_role(Role.TRAIN)[0].voxel_size_A
        self._place = device
        self.thresholds = {particle.name: 0.5 for particle in data.classes}
        self._volumes: dict[str, tuple[ScaledVolume, Tensor]] = {}
        self._known: dict[str, frozenset[tuple[str, int]]] = {}
        self._take(data)

    # ---- labels -------------------------------------------------------------------------------

    def set_data(self, data: TrainingData) -> TrainingStatus:
        """Take new labels over; volumes that are already resident are not read again.

        Raises
        ------
        TomoscribeError
            If the classes changed, or a tomogram cannot be used; the old labels stay.
        """
        check_change(data, self.classes, self.voxel_size_A)
        return self._take(data)

    def _take(self, data: TrainingData) -> TrainingStatus:
        # All that may fail comes before the first assignment.
        train, validate = data.with_role(Role.TRAIN), data.with_role(Role.VALIDATE)
        volumes: dict[str, tuple[ScaledVolume, Tensor]] = {}
        for sample in (*train, *validate):
            path = sample.volume_path
            volumes[path] = self._volumes[path] if path in self._volumes else self._read(sample)
        hold_out = 0.0 if can_judge(validate, self.classes) else self.settings.hold_out
        first = not self._known
        labels = [
            make_labels(
                sample,
                self.classes,
                hold_out=hold_out,
                known=None if first else self._known.get(sample.name, frozenset()),
            )
            for sample in train
        ]
        sampler = PatchSampler(
            [self._grid_shape(volumes[s.volume_path][0]) for s in train],
            self._plan.patch // self._plan.stem,
            self._plan.grid_bin,
            self._rng,
        )
        sampler.set_labels(labels)
        self._train, self._validate, self._volumes = train, validate, volumes
        self._labels, self._sampler = labels, sampler
        if first:
            self._known = {s.name: pick_keys(s) for s in data.samples}
        return self._status()

    def _read(self, sample: TrainingSample) -> tuple[ScaledVolume, Tensor]:
        volume = open_volume(sample.volume_path, sample.voxel_size_A)
        scaled = scale_volume(volume, self._plan.bin).resident()
        return scaled, torch.from_numpy(scaled.values).to(self._place)

    def _grid_shape(self, scaled: ScaledVolume) -> tuple[int, int, int]:
        shape = scaled.volume.data.shape
        z, y, x = (max(1, edge // self._plan.grid_bin) for edge in shape)
        return z, y, x

    def _status(self) -> TrainingStatus:
        parts = [part for labels in self._labels for part in labels.points]
        used = sum(len(p.clicked) + len(p.rejected) for p in parts)
        held = sum(len(p.held_out) for p in parts)
        return TrainingStatus(used=used, total=used + held, held_out=held)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> TomogramModule:
        """Move the resident volumes along with the module, so that a pause frees a device."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        place = next(self.net.parameters()).device
        if place != self._place:
            self._volumes = {
                path: (scaled, torch.from_numpy(scaled.values).to(place))
                for path, (scaled, _) in self._volumes.items()
            }
            self._place = place
        return self

    # ---- steps --------------------------------------------------------------------------------

    def training_step(self, batch: object, batch_idx: int) -> Tensor:
        """Draw a batch and return its loss."""
        self.schedule()
        patches, labels = self._draw()
        with torch.autocast(self._place.type, torch.bfloat16, enabled=self._bfloat16):
            logits = self.net(patches)
        return self._loss(logits.float(), labels)

    @property
    def _bfloat16(self) -> bool:
        return self._plan.precision == "bfloat16"

    def _draw(self) -> tuple[Tensor, Labels]:
        edge, stem = self._plan.patch // self._plan.stem, self._plan.stem
        windows = self._sampler.draw(self._plan.batch)
        volumes = [self._volumes[s.volume_path][1] for s in self._train]
        patches = cut(volumes, windows, edge, stem)
        diameters = np.array([c.diameter_A / self.voxel_size_A for c in self.classes])
        labels = make_targets(
            windows,
            edge,
            self._labels,
            diameters,
            self._plan.grid_bin,
            _REJECTED_WEIGHT,
            self._place,
        )
        flips = torch.randint(0, 2, (len(windows), 3), generator=self._generator).bool()
        patches = vary_intensity(flip_each(patches, flips), self._generator)
        labels = Labels(
            flip_each(labels.target, flips),
            flip_each(labels.negative, flips),
            flip_each(labels.ignored, flips),
        )
        return patches.contiguous(memory_format=torch.channels_last_3d), labels

    def _loss(self, logits: Tensor, labels: Labels) -> Tensor:
        kind = self.settings.loss
        if kind == "nnpu":
            return non_negative_pu(logits, labels, self.settings.prior or _PRIOR)
        hot = self._plan.hot_share if kind == "hot-exclusion" and self.progress > _HOT_FROM else 0.0
        return hot_exclusion(logits, labels, hot)

    # ---- judging and using --------------------------------------------------------------------

    def evaluate(self, should_stop: Callable[[], bool] | None = None) -> Evaluation | None:
        """Validate the EMA weights on the tomograms for validation, or on held-out clicks.

        `should_stop` is asked between blocks; None where it said yes, and then nothing changes.
        """
        judged = self._validate if can_judge(self._validate, self.classes) else self._train
        predictor = self.predictor()
        by_sample = []
        for sample in judged:
            heatmap = self._heatmap(predictor, sample, should_stop)
            if heatmap is None:
                return None
            by_sample.append(self._peaks(predictor, sample, heatmap))
        verdicts = [judge(list(peaks)) for peaks in zip(*by_sample, strict=True)]
        names = [particle.name for particle in self.classes]
        self.thresholds = {n: v.threshold for n, v in zip(names, verdicts, strict=True)}
        if judged is self._train:
            self._look_for_mistakes(by_sample)
        metrics = {
            key if len(names) == 1 else f"{name}/{key}": value
            for name, verdict in zip(names, verdicts, strict=True)
            for key, value in verdict.metrics.items()
        }
        score = float(np.mean([verdict.score for verdict in verdicts]))
        return Evaluation(score, metrics, dict(self.thresholds))

    def _heatmap(
        self,
        predictor: TomogramPredictor,
        sample: TrainingSample,
        should_stop: Callable[[], bool] | None,
    ) -> NDArray[np.float32] | None:
        """Return the heatmap (class, z, y, x) of a tomogram, None where it was abandoned."""
        volume = self._volumes[sample.volume_path][0].volume
        heatmap = np.zeros((len(self.classes), *predictor.grid(volume).shape_zyx), np.float32)
        for block in predictor.blocks(volume):
            if should_stop is not None and should_stop():
                return None
            z, y, x = block.lo_zyx
            _, dz, dy, dx = block.scores.shape
            heatmap[:, z : z + dz, y : y + dy, x : x + dx] = block.scores
        return heatmap

    def _peaks(
        self, predictor: TomogramPredictor, sample: TrainingSample, heatmap: NDArray[np.float32]
    ) -> list[Peaks]:
        """Return the peaks of each class on a tomogram, with what is known there."""
        grid = predictor.grid(self._volumes[sample.volume_path][0].volume)
        known = self._known_of(sample)
        return [
            Peaks(
                found.zyx,
                found.scores,
                known.points[index].held_out,
                known.points[index].clicked,
                known.boxes_of(index),
                self.classes[index].diameter_A / self.voxel_size_A,
            )
            for index, found in enumerate(predictor.decode(heatmap, grid, LOWEST_SCORE))
        ]

    def _look_for_mistakes(self, by_sample: list[list[Peaks]]) -> None:
        """Draw patches on what a declared region of a training tomogram proves wrong."""
        thresholds = [self.thresholds[particle.name] for particle in self.classes]
        self._sampler.set_candidates(
            [
                np.concatenate([false_picks(p, t) for p, t in zip(peaks, thresholds, strict=True)])
                for peaks in by_sample
            ]
        )

    def _known_of(self, sample: TrainingSample) -> SampleLabels:
        if sample.role == Role.TRAIN:
            return self._labels[self._train.index(sample)]
        return make_labels(sample, self.classes, hold_out=1.0, known=None)

    def predictor(self) -> TomogramPredictor:
        """Return a frozen copy of the EMA weights with the thresholds of the last evaluation."""
        net = copy.deepcopy(self.ema).eval()
        assert isinstance(net, UNet3d)
        if self._bfloat16:
            net.to_bfloat16()
        return TomogramPredictor(
            TiledNet(
                net, self._plan.stem, 2 ** (self._plan.levels - 1), self._bfloat16, self._place
            ),
            self.classes,
            dict(self.thresholds),
            self.voxel_size_A,
            self._plan.bin,
            self._plan.stem,
            {scaled.volume.path: scaled for scaled, _ in self._volumes.values()},
        )

    def checkpoint(self) -> dict[str, Any]:
        """Return all that prediction and resuming need, as tensors and plain data only."""
        return pack(
            task=checkpoints.TASK,
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
        check_goes_on(
            state, self._plan, checkpoints.OF_THE_NETWORK, self.classes, self.voxel_size_A
        )
        self.take_over(state["ema"], state["training"], weights_only=weights_only)
        if not weights_only:
            self.thresholds = {str(k): float(v) for k, v in state["thresholds"].items()}
