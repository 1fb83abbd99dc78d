"""The training of a segmentation in memory: images, live labels, averaged weights."""

from __future__ import annotations

import copy
import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tomoscribe.io.volumes import open_volume
from tomoscribe.nets.voxel_nets import VoxelNet
from tomoscribe.project.model import Role
from tomoscribe.segmentation.stored_settings import settings_by_class
from tomoscribe.tasks.base import Evaluation, TrainingStatus
from tomoscribe.tasks.checkpoint import check_goes_on, pack
from tomoscribe.tasks.learner import Learner
from tomoscribe.tasks.optimizers import optimizer_steps
from tomoscribe.tasks.voxels import checkpoints
from tomoscribe.tasks.voxels.batches import BatchMaker, target_options
from tomoscribe.tasks.voxels.checks import check_change, check_labels
from tomoscribe.tasks.voxels.depths import check_depths
from tomoscribe.tasks.voxels.images import resident, scale_image
from tomoscribe.tasks.voxels.losses import LossOptions, total_loss
from tomoscribe.tasks.voxels.plan import OF_THE_NETWORK, enlarge_window, positive_weights
from tomoscribe.tasks.voxels.predictor import VoxelPredictor
from tomoscribe.tasks.voxels.sampler import WindowSampler
from tomoscribe.tasks.voxels.sources import Source, make_source
from tomoscribe.tasks.voxels.validation import (
    Judged,
    judge_sources,
    through_sections,
    validation_boxes,
)
from tomoscribe.tasks.voxels.window_data import WindowData, hold, memory_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from tomoscribe.project.model import TrainingData, TrainingSample
    from tomoscribe.segmentation.decoder_settings import DecoderSettings
    from tomoscribe.tasks.settings import TrainingSettings
    from tomoscribe.tasks.voxels.plan import VoxelPlan

_TUNE_FROM = 0.25
"""Share of the training from which on decoders are tuned."""


class VoxelModule(Learner):
    """Learns the maps of label classes; see `tasks.base.TaskModule`.

    Parameters
    ----------
    task : str
        semantic or instance.
    data : TrainingData
        Images, labels and classes.
    settings : TrainingSettings
        What the user set.
    plan : VoxelPlan
        What follows from both and from the device; precision decided.
    device : torch.device
        Where everything is.
    """

    net: VoxelNet

    def __init__(
        self,
        task: str,
        data: TrainingData,
        settings: TrainingSettings,
        plan: VoxelPlan,
        device: torch.device,
    ) -> None:
        torch.manual_seed(settings.seed)
        net = checkpoints.network_of(data.label_classes, plan)
        enlarge_window(plan, net.multiple_zyx)
        net.place(device)
        super().__init__(
            net,
            steps=plan.steps or 2000,
            learning_rate=plan.learning_rate,
            weight_decay=plan.weight_decay,
            seed=settings.seed,
            optimizer=settings.voxels.optimizer,
            scheduler=settings.voxels.scheduler,
            epoch_steps=optimizer_steps(settings),
        )
        self.settings, self._plan, self._task = settings, plan, task
        chosen = plan.model_dump()
        self.reasons: dict[str, str] = chosen.pop("reasons")
        self.plan: dict[str, object] = chosen
        self.label_classes = data.label_classes
        self.voxel_size_A = data.with_role(Role.TRAIN)[0].voxel_size_A
        self.specs = checkpoints.specs_of(data.label_classes, plan)
        self._offsets = dict.fromkeys((spec.name for spec in self.specs), 0.0)
        self._decoder: dict[str, Any] = {}
        self._best = 0.0
        self._held_out = 0
        self._place = device
        self._sources: dict[str, Source] = {}
        self._train: list[Source] = []
        self._validate: list[Source] = []
        self._memory = memory_for(device, settings.voxels.memory_gb)
        self._parts: list[WindowData] = []
        if settings.voxels.clip_gradients is not None:
            self.optimizer.register_step_pre_hook(lambda *_: self._clip())
        self._take(data)

    # ---- labels -------------------------------------------------------------------------------

    def set_data(self, data: TrainingData) -> TrainingStatus:
        """Take new labels over; images that are in memory are not read again.

        Raises
        ------
        TomoscribeError
            If the classes changed, or an image cannot be used; the old labels stay.
        """
        check_change(data, self.label_classes, self.voxel_size_A)
        return self._take(data)

    def _take(self, data: TrainingData) -> TrainingStatus:
        # All that may fail comes before the first assignment.
        validate = [s for s in data.with_role(Role.VALIDATE) if s.labels and s.labels.boxes]
        train = [s for s in data.with_role(Role.TRAIN) if s.labels and s.labels.boxes]
        check_depths((*train, *validate), self._plan)
        share = 0.0 if validate else self.settings.voxels.hold_out_labels
        training = [self._source(s, share) for s in train]
        judging = [self._source(s, 1.0) for s in validate]
        check_labels(training, data.label_classes, task=self._task)
        training = [s for s in training if s.places.known]
        sampler = WindowSampler(
            training, self._plan.window_zyx, self.settings.voxels.centred, self._rng
        )
        own = self.settings.voxels
        parts = hold(training, self._place, self._memory, self._parts)
        self._train, self._validate, self._sampler = training, judging, sampler
        self._sources = {s.sample.name: s for s in (*training, *judging)}
        self._parts = parts
        self._maker = BatchMaker(
            self._parts, self.specs, self._plan, own, self.net.context, self._threads()
        )
        self._losses = self._loss_options()
        used = sum(s.places.known for s in training)
        held = sum(s.places.held for s in (*training, *judging))
        if held != self._held_out:
            # Scores on other labels cannot be compared with those before.
            self._best, self._held_out = 0.0, held
        of_class = {
            c.name: sum(int(s.places.positive[i]) for s in training)
            for i, c in enumerate(self.label_classes)
        }
        return TrainingStatus(used=used, total=used + held, held_out=held, of_class=of_class)

    def _threads(self) -> int:
        """Return how many threads cut windows: beside a GPU processors have nothing else to do."""
        if self._place.type == "cpu":
            return 1
        return min(8, self.settings.threads or max(1, (os.cpu_count() or 1) - 1))

    def _source(self, sample: TrainingSample, share: float) -> Source:
        before = self._sources.get(sample.name)
        if before is not None and before.sample.volume_path == sample.volume_path:
            image = before.image
        else:
            volume = open_volume(sample.volume_path, sample.size)
            image, before = resident(scale_image(volume, self._plan.reduction_zyx)), None
        return make_source(sample, image, len(self.label_classes), share, before)

    def _loss_options(self) -> LossOptions:
        own, parts = self.settings.voxels, {"bce": (1.0, 0.0), "dice": (0.0, 1.0)}
        entropy, dice = parts.get(own.loss, (1.0, own.dice_weight))
        weights = positive_weights(own.positive_weights, len(self.label_classes))
        if own.class_weights and not weights:
            known = sum(s.places.known for s in self._train)
            share = sum(s.places.positive for s in self._train) / max(known, 1)
            weights = tuple(float(w) for w in 1 / np.clip(share, 0.01, 1.0) ** 0.5)
        return LossOptions(entropy, dice, own.loss == "focal", self._plan.softmax, weights)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> VoxelModule:
        """Follow the module to another device."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        place = next(self.net.parameters()).device
        if place != self._place:
            for part in self._parts:
                part.to(place)
            self._place = place
        return self

    # ---- steps --------------------------------------------------------------------------------

    def training_step(self, batch: object, batch_idx: int) -> Tensor:
        """Draw a batch and return its loss."""
        self.schedule()
        made = self._maker.make(self._sampler.draw(self._plan.batch), self._rng)
        with torch.autocast(self._place.type, torch.bfloat16, enabled=self._bfloat16):
            logits = self.net(made.images)
        return total_loss(logits.float(), made.target, made.known, self.specs, self._losses)

    @property
    def _bfloat16(self) -> bool:
        return self._plan.precision == "bfloat16"

    def _clip(self) -> None:
        most = self.settings.voxels.clip_gradients
        assert most is not None
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), most)

    # ---- judging and using --------------------------------------------------------------------

    def evaluate(self, should_stop: Callable[[], bool] | None = None) -> Evaluation | None:
        """Validate the EMA weights on images for validation, or on what was held out."""
        own = self.settings.voxels
        deadline = None if own.validation_s is None else time.monotonic() + own.validation_s

        def enough() -> bool:
            return deadline is not None and time.monotonic() > deadline

        decoder = self._usual_decoder()
        judged = judge_sources(
            self.predictor(),
            validation_boxes(
                self._validate or self._train,
                self._plan,
                own.validation_boxes,
                stacks=self._task == "instance" and through_sections(decoder),
            ),
            target_options(self._plan, own),
            decoder,
            should_stop=should_stop or (lambda: False),
            enough=enough,
            # Young maps tell nothing of the decoder that suits the ones to come.
            tune_from=self._best if self.progress >= _TUNE_FROM else None,
        )
        if judged is None:
            return None
        self._take_over_verdict(judged)
        return Evaluation(
            judged.score, judged.metrics, dict.fromkeys(self._offsets, 0.5), dict(self._decoder)
        )

    def _usual_decoder(self) -> dict[str, DecoderSettings]:
        """Return what objects of the images begin with, by class; the deepest tells how deep."""
        shapes = [source.image.shape_zyx for source in self._sources.values()]
        return settings_by_class(
            {},
            [c.name for c in self.label_classes],
            [spec.name for spec in self.specs],
            instances=self._task == "instance",
            exclusive=self._plan.softmax,
            shape_zyx=max(shapes),
            voxel_size_zyx_nm=self._plan.working_voxel_zyx_nm,
        )

    def _take_over_verdict(self, judged: Judged) -> None:
        if self.settings.voxels.prior_correction:
            self._offsets = dict(judged.offsets)
        self._decoder = dict(judged.decoder)
        self._best = max(self._best, judged.score) if self.progress >= _TUNE_FROM else 0.0

    def predictor(self) -> VoxelPredictor:
        """Return a frozen copy of the EMA weights with what the last evaluation chose."""
        net = copy.deepcopy(self.ema).eval()
        assert isinstance(net, VoxelNet)
        return VoxelPredictor(
            net,
            self.specs,
            self.label_classes,
            self._plan,
            dict(self._offsets),
            dict(self._decoder),
            self._task,
            self._place,
            self._bfloat16,
            {s.image.volume.path: s.image for s in self._sources.values()},
        )

    # ---- checkpoint ---------------------------------------------------------------------------

    def checkpoint(self) -> dict[str, Any]:
        """Return all that prediction and resuming need, as tensors and plain data only."""
        return pack(
            task=self._task,
            plan=self._plan,
            classes=(),
            voxel_size_A=self.voxel_size_A,
            thresholds=dict.fromkeys(self._offsets, 0.5),
            ema=self.ema.state_dict(),
            device=self._place.type,
            training=self.training_state(),
            more=checkpoints.fields_of(
                self.label_classes, self._plan, self._offsets, self._decoder
            ),
        )

    def restore(self, state: dict[str, Any], *, weights_only: bool) -> None:
        """Take a checkpoint over: weights alone, or optimizer, step and random state too."""
        checkpoints.check_classes(state, self.label_classes)
        check_goes_on(state, self._plan, OF_THE_NETWORK, (), self.voxel_size_A)
        self.take_over(state["ema"], state["training"], weights_only=weights_only)
        self._offsets = {str(k): float(v) for k, v in state["offsets"].items()}
        self._decoder = dict(state["decoder"])
