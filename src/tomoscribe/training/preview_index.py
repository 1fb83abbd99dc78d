"""Which previews, checkpoints and thresholds the events of one folder tell of; reads no file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from tomoscribe.training import events as ev
from tomoscribe.training.best_since import BestSince
from tomoscribe.training.coverage import Coverage

OnSample = tuple[str, str]
"""A checkpoint's name and a sample's."""


@dataclass
class PreviewIndex:
    """Built by applying the events of a run, or of a folder of predictions, in order.

    Parameters
    ----------
    validations : list
        In the order of training.
    checkpoints : dict
        By name; their files may have been removed since.
    loaded : dict
        What checkpoint files say of themselves, by checkpoint; of background predictions.
    previews, scores, block_counts, coverage : dict
        By checkpoint and sample.
    """

    labels: ev.Labels | None = None
    validations: list[ev.Validation] = field(default_factory=list)
    checkpoints: dict[str, ev.Checkpoint] = field(default_factory=dict)
    loaded: dict[str, ev.Loaded] = field(default_factory=dict)
    previews: dict[OnSample, ev.Preview] = field(default_factory=dict)
    scores: dict[OnSample, ev.Scores] = field(default_factory=dict)
    block_counts: Counter[OnSample] = field(default_factory=Counter)
    coverage: dict[OnSample, Coverage] = field(default_factory=dict)
    _best: BestSince = field(default_factory=BestSince)

    def apply(self, event: ev.Event) -> None:
        """Take one event over."""
        self._best.take(event)
        match event:
            case ev.Block():
                key = (event.checkpoint, event.sample)
                if event.offset == 0 and self.block_counts[key] and key in self.previews:
                    # The log was removed since, and begins anew.
                    self.block_counts[key] = 0
                    self.coverage[key] = Coverage(self.previews[key].shape_zyx)
                self.block_counts[key] += 1
                if key in self.coverage:
                    self.coverage[key].add(event.lo_zyx, event.shape_zyx)
            case ev.Preview():
                key = (event.checkpoint, event.sample)
                self.previews[key] = event
                self.coverage.setdefault(key, Coverage(event.shape_zyx))
            case ev.Scores():
                self.scores[(event.checkpoint, event.sample)] = event
            case ev.Validation():
                self.validations.append(event)
            case ev.Checkpoint():
                self.checkpoints[event.name] = event
            case ev.Loaded():
                self.loaded[event.checkpoint] = event
            case ev.Labels():
                self.labels = event

    @property
    def kind(self) -> Literal["volume", "mesh"] | None:
        """What the previews are of; None before the first."""
        newest = next(reversed(self.previews.values()), None)
        return None if newest is None else newest.kind

    @property
    def best(self) -> ev.Validation | None:
        """The validation with the highest score since the held-out clicks last changed."""
        return self._best.validation

    def threshold(self, checkpoint: str | None, sample: str, class_name: str) -> float | None:
        """Return the threshold that the tool chose for a checkpoint, or for the newest weights.

        The sample's own (`Scores`) goes first, then what the checkpoint's file says, then the last
        validation's up to the checkpoint.
        """
        scores = None if checkpoint is None else self.scores.get((checkpoint, sample))
        if scores is not None:
            return scores.thresholds.get(class_name, scores.threshold)
        if checkpoint in self.loaded:
            return self.loaded[checkpoint].thresholds.get(class_name)
        step = self.step_of(checkpoint)
        for validation in reversed(self.validations):
            if step is None or validation.step <= step:
                for key in (f"{class_name}/threshold", "threshold"):
                    if key in validation.metrics:
                        return validation.metrics[key]
        return None

    def step_of(self, checkpoint: str | None) -> int | None:
        """Return the optimizer step of a checkpoint; None where it is not known."""
        if checkpoint is None:
            return None
        if checkpoint in self.checkpoints:
            return self.checkpoints[checkpoint].step
        return next((p.step for (name, _), p in self.previews.items() if name == checkpoint), None)
