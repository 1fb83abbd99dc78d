"""The training of the tomogram task in memory: resident volumes, live labels, EMA weights."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from tomoscribe.io.volumes import open_volume
from tomoscribe.nets.augment import flip_each, vary_intensity
from tomoscribe.nets.losses import Labels, hot_exclusion, non_negative_pu
from tomoscribe.nets.tiled import TiledNet
from tomoscribe.nets.unet import UNet3d
from tomoscribe.project.model import Role
from tomoscribe.tasks.pick_learner import HOT_FROM, PickLearner
from tomoscribe.tasks.tomogram import checkpoints
from tomoscribe.tasks.tomogram.checks import check_change
from tomoscribe.tasks.tomogram.judge import LOWEST_SCORE, Peaks, false_picks
from tomoscribe.tasks.tomogram.predictor import TomogramPredictor
from tomoscribe.tasks.tomogram.sampler import PatchSampler, cut
from tomoscribe.tasks.tomogram.scaled import ScaledVolume, scale_volume
from tomoscribe.tasks.tomogram.targets import make_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tomoscribe.project.model import TrainingData, TrainingSample
    from tomoscribe.tasks.base import TrainingStatus
    from tomoscribe.tasks.settings import TrainingSettings
    from tomoscribe.tasks.tomogram.plan import TomogramPlan

_REJECTED_WEIGHT = 4.0
_PRIOR = 0.005
"""Share of particle voxels where the user gives none; `settings.prior` tells it."""


class TomogramModule(PickLearner):
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

    TASK = checkpoints.TASK
    OF_THE_NETWORK = checkpoints.OF_THE_NETWORK

    _plan: TomogramPlan

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
        super().__init__(net, data, settings, plan, device)
        self._volumes: dict[str, tuple[ScaledVolume, Tensor]] = {}
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
        labels = self.labels_of(data)
        sampler = PatchSampler(
            [self._grid_shape(volumes[s.volume_path][0]) for s in train],
            self._plan.patch // self._plan.stem,
            self._plan.grid_bin,
            self._rng,
        )
        sampler.set_labels(labels)
        self._volumes, self._sampler = volumes, sampler
        return self.take_labels(data, labels)

    def _read(self, sample: TrainingSample) -> tuple[ScaledVolume, Tensor]:
        volume = open_volume(sample.volume_path, sample.voxel_size_A)
        scaled = scale_volume(volume, self._plan.bin).resident()
        return scaled, torch.from_numpy(scaled.values).to(self._place)

    def _grid_shape(self, scaled: ScaledVolume) -> tuple[int, int, int]:
        shape = scaled.volume.data.shape
        z, y, x = (max(1, edge // self._plan.grid_bin) for edge in shape)
        return z, y, x

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
        hot = self._plan.hot_share if kind == "hot-exclusion" and self.progress > HOT_FROM else 0.0
        return hot_exclusion(logits, labels, hot)

    # ---- judging and using --------------------------------------------------------------------

    def _scores(
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

    def _learn_from_mistakes(self, by_sample: list[Sequence[Peaks]]) -> None:
        """Draw patches on what a declared region of a training tomogram proves wrong."""
        thresholds = [self.thresholds[particle.name] for particle in self.classes]
        self._sampler.set_candidates(
            [
                np.concatenate([false_picks(p, t) for p, t in zip(peaks, thresholds, strict=True)])
                for peaks in by_sample
            ]
        )

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
