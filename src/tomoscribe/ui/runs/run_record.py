"""What is known of a run from its events, as plain values for the strip, the docks and the heatmap.

Holds no Qt and reads no file: `monitor` feeds it, widgets read it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from tomoscribe.training import events as ev

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


SCORE_TIP = (
    "What ranks checkpoints, 0 to 1. F1 is measured in regions that are declared complete. Without "
    "one it is the score: F1 as estimated from how many of the clicks are found with how many "
    "picks; with very few clicks, recall times how clearly particles stand out."
)


WHOLE = 0.95
"""Share of the sample that a preview covers to count as whole: the rim may be left out."""

STRIDE = 4
"""Coverage is counted on every fourth voxel along each axis: blocks are at least as thick."""


class Coverage:
    """How much of a grid (z, y, x) a preview's blocks have filled; they may overlap."""

    def __init__(self, shape_zyx: Sequence[int]) -> None:
        self._done: NDArray[np.bool_] = np.zeros([-(-n // STRIDE) for n in shape_zyx], bool)
        self._count = 0

    @property
    def share(self) -> float:
        """What is filled, 0..1."""
        return self._count / max(self._done.size, 1)

    def add(self, lo_zyx: Sequence[int], shape_zyx: Sequence[int]) -> None:
        """Count a block."""
        region = tuple(
            slice(-(-lo // STRIDE), -(-(lo + size) // STRIDE))
            for lo, size in zip(lo_zyx, shape_zyx, strict=True)
        )
        part = self._done[region]
        self._count += part.size - int(np.count_nonzero(part))
        part[...] = True


@dataclass(frozen=True)
class Quality:
    """How good the model was at a step: `value` in 0..1, `name` for people."""

    step: int
    name: str
    value: float


@dataclass(frozen=True)
class PreviewedCheckpoint:
    """One stop of the checkpoint slider.

    `path` is the checkpoint's file relative to the run, None if its weights were not kept;
    `elapsed_s` is training time, NaN where no step came before it; `coverage` is the share of the
    tomogram that is computed, and makes no other stop of it.
    """

    name: str
    step: int
    elapsed_s: float
    quality: Quality | None
    best: bool
    path: str | None
    coverage: float = field(default=1.0, compare=False)


def quality_of(validation: ev.Validation) -> Quality:
    """Return what ranks the checkpoint, under the name F1 if that was measured for each class."""
    measured: dict[str, bool] = {}
    for key in validation.metrics:
        class_name, _, metric = key.rpartition("/")
        measured[class_name] = measured.get(class_name, False) or metric == "f1"
    name = "F1" if measured and all(measured.values()) else "score"
    return Quality(validation.step, name, validation.score)


@dataclass
class RunRecord:
    """The state of one run, built by applying its events in order.

    `loss` holds (step, loss) of every `Step` event, `elapsed` the training seconds at each.
    """

    started: ev.Started | None = None
    labels: ev.Labels | None = None
    last_step: ev.Step | None = None
    failed: ev.Failed | None = None
    finished: ev.Finished | None = None
    epoch: int = 0
    loss_steps: list[int] = field(default_factory=list)
    loss_values: list[float] = field(default_factory=list)
    validations: list[ev.Validation] = field(default_factory=list)
    checkpoints: dict[str, ev.Checkpoint] = field(default_factory=dict)
    previews: dict[tuple[str, str], ev.Preview] = field(default_factory=dict)
    scores: dict[tuple[str, str], ev.Scores] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    block_counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _coverage: dict[tuple[str, str], Coverage] = field(default_factory=dict)
    _preview_elapsed: dict[str, float] = field(default_factory=dict)
    _comparable_from: int = 0

    def apply(self, event: ev.Event) -> None:
        """Take one event over."""
        match event:
            case ev.Step():
                self.last_step = event
                self.loss_steps.append(event.step)
                self.loss_values.append(event.loss)
            case ev.Epoch():
                self.epoch = event.epoch
            case ev.Validation():
                self.validations.append(event)
            case ev.Checkpoint():
                self.checkpoints[event.name] = event
            case ev.Preview():
                self.previews[(event.checkpoint, event.sample)] = event
                self._coverage.setdefault(
                    (event.checkpoint, event.sample), Coverage(event.shape_zyx)
                )
                elapsed = float("nan") if self.last_step is None else self.last_step.elapsed_s
                self._preview_elapsed.setdefault(event.checkpoint, elapsed)
            case ev.Block():
                key = (event.checkpoint, event.sample)
                self.block_counts[key] += 1
                if key in self._coverage:
                    self._coverage[key].add(event.lo_zyx, event.shape_zyx)
            case ev.Scores():
                self.scores[(event.checkpoint, event.sample)] = event
            case ev.Warning_():
                self.warnings.append(event.message)
            case ev.Started():
                self.started = event
            case ev.Labels():
                # Scores on other held-out clicks cannot be compared with those before.
                if self.labels is not None and self.labels.held_out != event.held_out:
                    self._comparable_from = len(self.validations)
                self.labels = event
            case ev.Failed():
                self.failed = event
            case ev.Finished():
                self.finished = event

    @property
    def kind(self) -> Literal["volume", "mesh"] | None:
        """What the previews are of; None before the first."""
        newest = next(reversed(self.previews.values()), None)
        return None if newest is None else newest.kind

    @property
    def best(self) -> ev.Validation | None:
        """The validation with the highest score since the held-out clicks last changed."""
        return max(self.validations[self._comparable_from :], key=lambda v: v.score, default=None)

    @property
    def qualities(self) -> list[Quality]:
        """What to plot of the validations."""
        return [quality_of(v) for v in self.validations]

    def remaining_s(self, now: float) -> float | None:
        """Return the seconds of training left at wall time `now`; None before the first step."""
        if self.last_step is None:
            return None
        left = self.last_step.budget_s - self.last_step.elapsed_s - (now - self.last_step.time)
        return max(left, 0.0)

    def threshold(self, checkpoint: str | None, sample: str, class_name: str) -> float | None:
        """Return the threshold that the tool chose for a checkpoint, or for the newest weights.

        The sample's own (`Scores`) goes first, then the last validation's up to the checkpoint.
        """
        scores = None if checkpoint is None else self.scores.get((checkpoint, sample))
        if scores is not None:
            return scores.thresholds.get(class_name, scores.threshold)
        step = self._step_of(checkpoint)
        for validation in reversed(self.validations):
            if step is None or validation.step <= step:
                for key in (f"{class_name}/threshold", "threshold"):
                    if key in validation.metrics:
                        return validation.metrics[key]
        return None

    def previewed(self, sample: str, in_view: str | None = None) -> list[PreviewedCheckpoint]:
        """Return the checkpoints worth a look on `sample`, oldest first.

        A jump leaves a preview of little more than a slice. Such a one counts only if its
        weights were kept, if it is the newest, or while it is `in_view`. One that was announced
        when the training ended or the user jumped, before its first block, shows nothing.
        """
        found = [p for p in self._previewed(sample) if p.coverage > 0]
        newest = found[-1:]
        return [
            p for p in found
            if p.coverage >= WHOLE or p.path is not None or p in newest or p.name == in_view
        ]  # fmt: skip

    def _previewed(self, sample: str) -> Iterator[PreviewedCheckpoint]:
        best, qualities = self.best, self.qualities
        for (name, of_sample), preview in self.previews.items():
            if of_sample != sample:
                continue
            saved = self.checkpoints.get(name)
            quality = next((q for q in reversed(qualities) if q.step == preview.step), None)
            yield PreviewedCheckpoint(
                name,
                preview.step,
                self._preview_elapsed[name],
                quality,
                best is not None and best.step == preview.step,
                None if saved is None else saved.path,
                self._coverage[(name, of_sample)].share,
            )

    def _step_of(self, checkpoint: str | None) -> int | None:
        if checkpoint is None:
            return None
        return next((p.step for (name, _), p in self.previews.items() if name == checkpoint), None)
