"""What is known of a run from its events, as plain values for the strip, the docks and the heatmap.

Holds no Qt and reads no file: `monitor` feeds it, widgets read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tomoscribe.training import events as ev
from tomoscribe.training.coverage import WHOLE
from tomoscribe.training.preview_index import PreviewIndex
from tomoscribe.training.run_summary import score_name

if TYPE_CHECKING:
    from collections.abc import Iterator


SCORE_TIP = (
    "How good the model is on what is held out for that, 0 to 1; it ranks checkpoints. Of painted "
    "labels it is the IoU, with objects its mean with their average precision (AP); ≈ where little "
    "is painted, so that errors elsewhere are not seen: look at the image. Of clicks F1 "
    "is measured in regions that are declared complete; without one F1 ≈ is estimated from how "
    "many clicks are found with how many picks, with very few as recall times how clearly "
    "particles stand out."
)


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
    """Return what ranks the checkpoint, as F1 if that was measured for each class."""
    return Quality(validation.step, score_name(validation.metrics), validation.score)


def worth_a_look(
    found: list[PreviewedCheckpoint], in_view: str | None
) -> list[PreviewedCheckpoint]:
    """Leave out, of checkpoints oldest first, what a jump of the user left behind.

    It is a preview of little more than a slice. Such a one counts only if its weights were kept,
    if it is the newest, or while it is `in_view`.
    """
    newest = found[-1:]
    return [
        p for p in found
        if p.coverage >= WHOLE or p.path is not None or p in newest or p.name == in_view
    ]  # fmt: skip


@dataclass
class RunRecord(PreviewIndex):
    """The state of one run, built by applying its events in order.

    `loss` holds (step, loss) of every `Step` event, `elapsed` the training seconds at each.
    """

    started: ev.Started | None = None
    last_step: ev.Step | None = None
    failed: ev.Failed | None = None
    finished: ev.Finished | None = None
    epoch: int = 0
    loss_steps: list[int] = field(default_factory=list)
    loss_values: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _preview_elapsed: dict[str, float] = field(default_factory=dict)

    def apply(self, event: ev.Event) -> None:
        """Take one event over."""
        super().apply(event)
        match event:
            case ev.Step():
                self.last_step = event
                self.loss_steps.append(event.step)
                self.loss_values.append(event.loss)
            case ev.Epoch():
                self.epoch = event.epoch
            case ev.Preview():
                elapsed = float("nan") if self.last_step is None else self.last_step.elapsed_s
                self._preview_elapsed.setdefault(event.checkpoint, elapsed)
            case ev.Warning_():
                self.warnings.append(event.message)
            case ev.Started():
                self.started = event
            case ev.Failed():
                self.failed = event
            case ev.Finished():
                self.finished = event

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

    def previewed(self, sample: str, in_view: str | None = None) -> list[PreviewedCheckpoint]:
        """Return the checkpoints worth a look on `sample`, oldest first.

        One that was announced when the training ended or the user jumped, before its first block,
        shows nothing.
        """
        return worth_a_look([p for p in self._previewed(sample) if p.coverage > 0], in_view)

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
                self.coverage[(name, of_sample)].share,
            )
