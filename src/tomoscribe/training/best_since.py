"""The best validation of a run, as long as its scores can be compared; reads no file."""

from __future__ import annotations

from dataclasses import dataclass

from tomoscribe.training import events as ev


@dataclass
class BestSince:
    """Built by taking a run's events in order; others than those that matter are passed over.

    Attributes
    ----------
    validation : Validation or None
        That with the highest score since the held-out clicks last changed, of equal ones the last,
        as `run.checkpoints_of` has it; scores on other clicks cannot be compared with those before.
    """

    validation: ev.Validation | None = None
    _held_out: int | None = None

    def take(self, event: ev.Event) -> None:
        """Take one event over."""
        match event:
            case ev.Validation():
                if self.validation is None or event.score >= self.validation.score:
                    self.validation = event
            case ev.Labels():
                if self._held_out not in (None, event.held_out):
                    self.validation = None
                self._held_out = event.held_out
