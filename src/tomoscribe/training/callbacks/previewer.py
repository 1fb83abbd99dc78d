"""Which piece of which preview comes next: the slice after a jump, or a block outward from it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.training.callbacks.context import Snapshot
from tomoscribe.training.callbacks.watched import Watched
from tomoscribe.training.preview_job import PreviewJob

if TYPE_CHECKING:
    from tomoscribe.tasks.base import Focus
    from tomoscribe.training.callbacks.context import TrainingContext
    from tomoscribe.training.control import Control

FIRST_AFTER_STEPS = 2
"""The first preview comes at once: it shows that something lives, however poor."""

STALE_S = 10.0
"""An unfinished preview gives way to newer weights after so long, then twice, four times, ..."""


class Previewer:
    """Makes previews piece by piece.

    A jump of the focus is answered at once with the newest weights on the slice in view,
    its middle first, however much time previews have had; another jump meanwhile leaves
    out the rest. Everything else keeps to `preview_share`, of which jumps use up half at
    most. Previews never overlap: all blocks of one come before the next.

    A checkpoint is previewed with its own weights on every watched sample, before and instead
    of the weights in between; a jump interrupts it, then it begins anew where the user looks.
    Its first block, where the user looks, does not wait until what jumps have cost is made up
    for: it only must not take more than the share of the time since the checkpoint before.
    On a membrane, which is predicted whole, only a turn to another one is a jump.
    """

    def __init__(self, context: TrainingContext) -> None:
        self._context = context
        self._watched = Watched(context.data)
        self._job: PreviewJob | None = None
        self._shown: Snapshot | None = None
        self._shown_on: set[str] = set()
        self._of_checkpoint = False
        self._parts: list[Focus] = []
        self._turn = 0
        self._answered = 0
        self._not_before = 0.0
        self._stale_s = STALE_S
        self._block_s = 0.0
        self._jumps_s = 0.0
        self._first_due = False
        self._first_block_s = self._begun_at_s = 0.0
        self._complained: set[str] = set()

    def work(self) -> bool:
        """Make the next piece, if one is due; return whether one was."""
        context = self._context
        control = context.steering.poll()
        if (
            not control.previews
            or context.step < FIRST_AFTER_STEPS
            or context.steering.stop_wanted
            or context.steering.pause_wanted
            or time.monotonic() < self._not_before
        ):
            return False
        try:
            return self._make_piece(control)
        except TomoscribeError as error:
            self._complain(str(error))
            self._job = None
            self._not_before = time.monotonic() + self._every_s(control)
            return False

    def _make_piece(self, control: Control) -> bool:
        clock = self._context.clock
        before = clock.spent("previews")
        with clock.spend("previews"):
            if self._job is None or self._has_jumped(control, self._job):
                self._turn = 0
                self._parts = self._begin(control).parts_in_view()
            answers = self._job is not None and bool(self._parts)
            if self._job is not None and self._parts:
                self._job.part_in_view(self._parts.pop(0))
        self._jumps_s += clock.spent("previews") - before
        return answers or self._fill(control)

    def _has_jumped(self, control: Control, job: PreviewJob) -> bool:
        if control.focus_revision == self._answered:
            return False
        stays = control.focus is not None and control.focus.sample == job.sample
        if job.is_whole and stays:
            self._answered = control.focus_revision
            return False
        return True

    def _fill(self, control: Control) -> bool:
        """Predict a block, or begin the next preview, if the share of previews allows."""
        job, clock = self._job, self._context.clock
        if job is None:
            return False
        spent = clock.spent("previews")
        share = self._context.settings.preview_share
        granted = share * clock.here_s
        excused = max(0.0, self._jumps_s - granted / 2)
        age = time.monotonic() - job.began
        snapshot = self._waiting_snapshot(control)
        turns, is_new = self._turns(job, snapshot, age), self._is_new(snapshot)
        affordable = self._first_block_s <= share * (clock.here_s - self._begun_at_s)
        at_once = self._first_due or (turns and is_new and affordable)
        if spent + self._block_s - excused > granted and not at_once:
            return False
        if job.finished and snapshot is None and age < self._every_s(control):
            return False
        with clock.spend("previews"):
            if turns:
                self._turn_over(job, snapshot)
                self._begin(control, snapshot)
            else:
                job.next_block()
        self._block_s = clock.spent("previews") - spent
        if self._first_due and not turns:
            self._first_due, self._first_block_s = False, self._block_s
        return True

    def _is_new(self, snapshot: Snapshot | None) -> bool:
        return snapshot is not None and snapshot is not self._shown

    def _turns(self, job: PreviewJob, snapshot: Snapshot | None, age: float) -> bool:
        """Tell whether the next piece begins another preview."""
        before_weights_in_between = snapshot is not None and not self._of_checkpoint
        stale = age > self._stale_s and (self._is_new(snapshot) or not self._of_checkpoint)
        return job.finished or before_weights_in_between or stale

    def _turn_over(self, job: PreviewJob, snapshot: Snapshot | None) -> None:
        """Note that a preview gives way to the next."""
        if job.finished:
            self._stale_s = STALE_S
            self._turn += 1
        elif snapshot is None or self._of_checkpoint:
            self._stale_s *= 2

    def _waiting_snapshot(self, control: Control) -> Snapshot | None:
        """Return the newest checkpoint while a watched sample has no preview of it."""
        snapshot = self._context.snapshot
        if snapshot is not self._shown:
            return snapshot
        return snapshot if self._left(control) else None

    def _left(self, control: Control) -> list[str]:
        """Return the watched samples on which the checkpoint has still to be shown."""
        return [n for n in self._watched.names(control) if n not in self._shown_on]

    def _every_s(self, control: Control) -> float:
        wanted = control.preview_every_s
        return self._context.settings.preview_every_s if wanted is None else wanted

    def _begin(self, control: Control, snapshot: Snapshot | None = None) -> PreviewJob:
        """Begin a preview of the sample whose turn it is, of a checkpoint or the newest weights."""
        context = self._context
        self._watched.data = context.data
        for name in self._watched.unknown(control):
            self._complain(f"{name} cannot be previewed: the training does not know it.")
        self._answered = control.focus_revision
        if self._of_checkpoint and self._job is not None and not self._job.finished:
            self._shown_on.discard(self._job.sample)  # interrupted: it is still to be shown
        self._first_due = self._is_new(snapshot)
        if snapshot is not None:
            if self._first_due:
                self._shown, self._shown_on = snapshot, set()
                self._begun_at_s = context.clock.here_s
            sample = self._left(control)[0]
            self._shown_on.add(sample)
        else:
            names = self._watched.names(control)
            sample = names[self._turn % len(names)]
        self._of_checkpoint = snapshot is not None
        weights = snapshot or self._newest()
        self._job = PreviewJob(
            context.reporter,
            weights.predictor,
            name=weights.name,
            step=weights.step,
            sample=sample,
            subject=self._watched.subject(sample, weights.predictor),
            focus=self._watched.focus(sample, control),
        )
        return self._job

    def _newest(self) -> Snapshot:
        context = self._context
        with context.weights:
            return Snapshot(context.checkpoint_name, context.step, context.module.predictor())

    def _complain(self, message: str) -> None:
        if message not in self._complained:
            self._complained.add(message)
            self._context.reporter.warn(message)
