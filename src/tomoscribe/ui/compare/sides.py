"""The two sides of a comparison: which checkpoints A and B are, and how they are looked at.

A plain model without widgets; selectors, canvases and keys change it and follow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from psygnal import Signal

from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.coverage import WHOLE
from tomoscribe.ui.annotate.instant import SOURCE as INSTANT
from tomoscribe.ui.compare.stops import default_sides, ref_of, stops_of
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.score_library import ScoreLibrary
from tomoscribe.ui.scores.score_map import LIVE
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.ui.runs.run_record import PreviewedCheckpoint, RunRecord
    from tomoscribe.ui.session import Session

Letter = Literal["a", "b"]
Mode = Literal["a", "b", "blink", "side_by_side", "difference"]
LETTERS: tuple[Letter, Letter] = ("a", "b")
MODES: tuple[Mode, ...] = ("a", "b", "blink", "side_by_side", "difference")


@dataclass(frozen=True)
class RunChoice:
    """The best or the newest checkpoint of a run, whichever that is as the run goes on."""

    run: Path
    which: Literal["best", "newest"]


Choice = CheckpointRef | RunChoice


@dataclass(frozen=True)
class Side:
    """One side at this moment.

    Parameters
    ----------
    ref : CheckpointRef or None
        The checkpoint, None where there is none yet.
    run : Path or None
        Its run.
    live : bool
        The side is what grows: the newest blocks of the run that is followed.
    stops : tuple of PreviewedCheckpoint
        The previews of its run on the sample in view, oldest first.
    """

    ref: CheckpointRef | None = None
    run: Path | None = None
    live: bool = False
    stops: tuple[PreviewedCheckpoint, ...] = ()

    @property
    def stop(self) -> PreviewedCheckpoint | None:
        """What is known of the checkpoint, None where it has no preview on the sample."""
        name = None if self.ref is None else self.ref.name
        return next((stop for stop in self.stops if stop.name == name), None)


class Sides(SessionBound):
    """What is compared, and how. Get it with `Sides.of(session)`.

    Until the user chooses, A is the best older checkpoint of the run that is followed, and B its
    newest preview, as it grows.
    """

    changed = Signal()
    """A side is another checkpoint, another sample is in view, or they are looked at otherwise."""

    refreshed = Signal()
    """More previews, or more of them, are there to choose from."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._monitor = RunMonitor.of(session)
        self._library = ScoreLibrary.of(session)
        self._chosen: dict[Letter, Choice | None] = {"a": None, "b": None}
        self._mode: Mode = "b"
        self._phase: Letter = "b"
        self._now: dict[Letter, Side] = {"a": Side(), "b": Side()}
        self._last: tuple[object, ...] = ()
        self._grew = False
        for signal in (
            self._monitor.progressed,
            self._library.listed,
            session.current_changed,
            session.membrane_changed,
        ):
            signal.connect(self._look)
        self._monitor.followed.connect(self._on_followed)
        self._monitor.updated.connect(self._on_updated)
        session.project_changed.connect(self._on_project)
        self._look()

    # ---------------------------------------------------------------- what is compared
    @property
    def a(self) -> CheckpointRef | None:
        """The checkpoint that is side A at this moment."""
        return self._now["a"].ref

    @property
    def b(self) -> CheckpointRef | None:
        """The checkpoint that is side B at this moment."""
        return self._now["b"].ref

    @property
    def mode(self) -> Mode:
        """How the sides are looked at."""
        return self._mode

    @property
    def sample(self) -> str | None:
        """The tomogram or membrane in view."""
        return self._monitor.feed.sample

    @property
    def letter_in_view(self) -> Letter:
        """The side that the main canvas shows; of a difference B, whose proposals are shown."""
        if self._mode == "blink":
            return self._phase
        return "a" if self._mode in ("a", "side_by_side") else "b"

    @property
    def moved_letter(self) -> Letter:
        """The side that the slider moves."""
        return "a" if self._mode == "a" else "b"

    @property
    def in_view(self) -> CheckpointRef | None:
        """The checkpoint that the main canvas shows; the newest one while it shows live blocks."""
        return self._now[self.letter_in_view].ref

    @property
    def file_in_view(self) -> Path | None:
        """The weights of the checkpoint in view, None where they were not kept."""
        return None if self.in_view is None else self.in_view.file

    def side(self, letter: Letter) -> Side:
        """Return what a side is at this moment."""
        return self._now[letter]

    def grows(self, run: Path | None) -> bool:
        """Tell whether the newest of a run is shown as blocks come, not as a checkpoint.

        Maps of a segmentation are wanted whole: once its training has ended, its newest
        checkpoint is one as any other, whose missing part is predicted.
        """
        return self._record(run) is not None and not self._is_done(run)

    def choice(self, letter: Letter) -> Choice | None:
        """Return what was chosen for a side; None while it follows the run that is followed."""
        return self._chosen[letter]

    def choose(self, letter: Letter, choice: Choice | None) -> None:
        """Make a checkpoint, or a run's best or newest, side A or B; None goes back to default."""
        self._chosen[letter] = choice
        self._look()

    def set_mode(self, mode: Mode) -> None:
        """Look at the sides in another way."""
        if mode == "blink" and self._mode != "blink":
            self._phase = "b" if self.letter_in_view == "a" else "a"
        self._mode = mode
        self._look()

    def flip(self) -> None:
        """While blinking, show the other side."""
        self._phase = "b" if self._phase == "a" else "a"
        self._look()

    @property
    def why_not_two(self) -> str | None:
        """Why there are no two different checkpoints to compare, None if there are."""
        a, b = self.a, self.b
        if a is None and b is None:
            return "Train first; checkpoints appear here as it goes on."
        if a is None or b is None or a == b:
            return "A and B are the same checkpoint; choose another one, or wait for the next."
        return None

    # ---------------------------------------------------------------- what is known of it
    @property
    def source(self) -> str | None:
        """How picks name the scores in view; None without scores."""
        shown = self._monitor.feed.layer.shown
        if shown is not LIVE:
            return shown
        side = self._now[self.letter_in_view]
        if side.live and side.ref is not None:
            return side.ref.source
        newest = self._newest_followed()
        return None if newest is None else newest.source

    def threshold(self, class_name: str) -> float | None:
        """Return the threshold that the tool chose for what is in view, None before it did."""
        sample = self.sample
        if sample is not None and self._monitor.feed.layer.shown == INSTANT:
            return self._monitor.record.threshold(INSTANT, sample, class_name)
        return self.threshold_of(self.in_view, class_name)

    def threshold_of(self, ref: CheckpointRef | None, class_name: str) -> float | None:
        """Return the threshold that the tool chose for a checkpoint on the sample in view."""
        if ref is None or self.sample is None:
            return None
        record = self._record(ref.run)
        if record is not None:
            return record.threshold(ref.name, self.sample, class_name)
        known = self._library.get(ref, self.sample)
        return None if known is None else known.threshold(class_name)

    def words_of(self, source: str) -> str:
        """Return in words what proposals of that source come from."""
        if source == INSTANT:
            return "by your clicks"
        for letter in (self.letter_in_view, *LETTERS):
            ref = self._now[letter].ref
            if ref is not None and ref.source == source:
                alone = self._mode in LETTERS
                return f"by {'' if alone else f'{letter.upper()}, '}{self.short(letter)}"
        return "by the model"

    def short(self, letter: Letter) -> str:
        """Return a side in a few words, with its run where that is not the one followed."""
        side, followed = self._now[letter], self._monitor.run
        if side.ref is None:
            return "no checkpoint"
        words = side.ref.name if side.stop is None else f"step {side.stop.step}"
        elsewhere = side.run is not None and (followed is None or followed.path != side.run)
        return f"{words} of {side.run.name}" if elsewhere and side.run is not None else words

    # ---------------------------------------------------------------- following
    def _record(self, run: Path | None) -> RunRecord | None:
        """Return what is known of a run if it is the one that is followed."""
        followed = self._monitor.run
        return self._monitor.record if followed is not None and followed.path == run else None

    def _is_done(self, run: Path | None) -> bool:
        """Tell whether a run is followed that segments and whose training has ended."""
        monitor = self._monitor
        ended = not monitor.alive and not monitor.replaying and monitor.feed.segmented is not None
        return self._record(run) is not None and ended

    def _side(self, letter: Letter) -> Side:
        """Work out what a side is at this moment."""
        chosen, followed = self._chosen[letter], self._monitor.run
        if chosen is None and followed is not None:
            run: Path | None = followed.path
        else:
            run = None if chosen is None else chosen.run
        if run is None:
            return Side(chosen if isinstance(chosen, CheckpointRef) else None)
        name = chosen.name if isinstance(chosen, CheckpointRef) else None
        stops = self._stops(run, name)
        newest = isinstance(chosen, RunChoice) and chosen.which == "newest"
        live = self.grows(run) and (newest or (chosen is None and letter == "b"))
        return Side(self._ref(letter, chosen, run, stops), run, live, tuple(stops))

    def _stops(self, run: Path, name: str | None) -> list[PreviewedCheckpoint]:
        if self.sample is None:
            return []
        catalog, done = self._library.catalog, self._is_done(run)
        return stops_of(catalog, self._record(run), run, self.sample, name, predicted=done)

    def _ref(
        self, letter: Letter, chosen: Choice | None, run: Path, stops: list[PreviewedCheckpoint]
    ) -> CheckpointRef | None:
        if isinstance(chosen, CheckpointRef):
            # Its weights may have been removed since.
            return next((ref_of(run, s) for s in stops if s.name == chosen.name), chosen)
        if chosen is None and letter == "a":
            return ref_of(run, stops[default_sides(stops)[0]]) if stops else None
        catalog = self._library.catalog
        known = [] if catalog is None else catalog.checkpoints(run)
        if isinstance(chosen, RunChoice) and chosen.which == "best":
            best = [ref_of(run, stop) for stop in stops if stop.best]
            best = best or [k.ref for k in known if k.best]
            if best:
                return best[-1]
        if stops and self._is_done(run):
            # What the end of the training left: one that is whole, or can be predicted whole.
            able = [s for s in stops if s.coverage >= WHOLE or s.path is not None]
            return ref_of(run, (able or stops)[-1])
        if stops:
            return ref_of(run, stops[-1])
        # No preview of this sample: the newest weights can compute one.
        kept = [k.ref for k in known if k.ref.file is not None]
        return kept[-1] if kept and chosen is not None else None

    def _newest_followed(self) -> CheckpointRef | None:
        followed, sample = self._monitor.run, self.sample
        if followed is None or sample is None:
            return None
        previewed = self._monitor.record.previewed(sample)
        return ref_of(followed.path, previewed[-1]) if previewed else None

    def _look(self, *_: object) -> None:
        """See what the sides are now, and tell."""
        now: dict[Letter, Side] = {"a": self._side("a"), "b": self._side("b")}
        seen, self._now = self._now, now
        state = (
            self.a, self.b, self._mode, self.letter_in_view, now["a"].live, now["b"].live,
            self.sample, *self._chosen.values(),
        )  # fmt: skip
        if state != self._last:
            self._last = state
            self.changed.emit()
        if any(_told(seen[letter]) != _told(now[letter]) for letter in LETTERS):
            self.refreshed.emit()

    def _on_updated(self, *_: object) -> None:
        if self._monitor.alive != self._grew:
            self._grew = self._monitor.alive
            self._look()

    def _on_followed(self, *_: object) -> None:
        self._chosen["b"] = None  # what begins or was asked for is what one wants to see
        if self._mode in ("a", "blink"):
            self._mode = "b"
        self._look()

    def _on_project(self, *_: object) -> None:
        self._chosen = {"a": None, "b": None}
        self._mode = "b"
        self._look()


def _told(side: Side) -> tuple[object, ...]:
    """Return what widgets tell of a side."""
    return side.ref, side.live, side.stops, tuple(stop.coverage for stop in side.stops)
