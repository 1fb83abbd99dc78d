"""How good A and B are on what is known: judged in a thread, again whenever something changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from psygnal import Signal

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.compared import UNMEASURED
from tomoscribe.picks.table import PickState
from tomoscribe.project.model import Role
from tomoscribe.training.coverage import WHOLE
from tomoscribe.ui.compare.judge_work import JudgedBy, JudgeOrder, JudgeWork
from tomoscribe.ui.compare.review import Review
from tomoscribe.ui.compare.sides import LETTERS, Sides
from tomoscribe.ui.compare.watched_judge import WatchedJudge
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.score_library import ScoreLibrary

if TYPE_CHECKING:
    from tomoscribe.evaluation.judgement import Figures, JudgedSample, Verdicts
    from tomoscribe.project.model import ParticleClass
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.ui.compare.judge_work import JudgedSide
    from tomoscribe.ui.compare.sides import Letter
    from tomoscribe.ui.scores.stored_scores import KnownScores
    from tomoscribe.ui.session import Session

Scope = Literal["this", "validation"]


class Judge(WatchedJudge):
    """Judges both sides while somebody looks. Get it with `Judge.of(session)`.

    Emits `changed` when there is another judgement or none, `moved` when only the threshold of
    the side in view moved.

    Attributes
    ----------
    scope : {"this", "validation"}
        The sample in view, or all of its kind that validate and have picks.
    problem : str
        Why nothing could be judged, in a sentence; empty if all is well.
    """

    changed = Signal()
    moved = Signal()
    soon_ms, postpones = 60, False

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.session = session
        self.scope: Scope = "this"
        self.problem = ""
        self.sides = Sides.of(session)
        self.library = ScoreLibrary.of(session)
        self._review = Review.of(session)
        self._feed = RunMonitor.of(session).feed
        self._work = JudgeWork()
        self._judged: dict[Letter, JudgedSide] = {}
        self._wished: set[tuple[CheckpointRef, str]] = set()
        self._threshold = self._review.threshold
        for signal in (
            self.sides.changed,
            self._feed.changed,
            self.library.changed,
            self.library.listed,
            session.picks_changed,
            session.regions_changed,
            session.patches_changed,
            session.membrane_changed,
            session.current_changed,
        ):
            signal.connect(self._soon)
        self._review.changed.connect(self._on_review)
        session.project_changed.connect(self._on_project)

    # ---------------------------------------------------------------- asking
    def set_scope(self, scope: Scope) -> None:
        """Judge on the sample in view, or on all that validate."""
        if scope != self.scope:
            self.scope = scope
            self._thread.drop()
            self._judged.clear()
            self.changed.emit()
            self._soon()

    @property
    def class_name(self) -> str | None:
        """The class that is judged: that of the heatmap."""
        return self._feed.layer.class_name

    def side(self, letter: Letter) -> JudgedSide | None:
        """Return what was judged of a side, None before that."""
        judged = self._judged.get(letter)
        if judged is None or judged.class_name != self.class_name:
            return None
        if self.scope == "this" and self.sides.sample not in judged.samples:
            return None  # another sample came into view since
        return judged if judged.ref == self.ref(letter) else None

    def ref(self, letter: Letter) -> CheckpointRef | None:
        """Return the checkpoint that is a side at this moment."""
        return self.sides.a if letter == "a" else self.sides.b

    def threshold(self, letter: Letter) -> float:
        """Return the threshold at which a side is judged: its own, in view the one that is set."""
        return (
            UNMEASURED if self.class_name is None else self.threshold_of(letter, self.class_name)[0]
        )

    def threshold_of(self, letter: Letter, class_name: str) -> tuple[float, bool]:
        """Return the threshold of a side in a class, and whether the tool chose it."""
        ref = self.ref(letter)
        known = [] if ref is None else [self.library.get(ref, sample) for sample in self.names()]
        told = [one.threshold(class_name) for one in known if one is not None]
        own = next((t for t in told if t is not None), None)
        shown = ref is not None and self.sides.source == ref.source
        if shown and letter == self.sides.letter_in_view and class_name == self.class_name:
            return self._review.threshold, own == self._review.threshold
        return (UNMEASURED, False) if own is None else (own, True)

    def figures(self, letter: Letter) -> Figures | None:
        """Return the figures of a side at its threshold."""
        judged = self.side(letter)
        return None if judged is None else judged.judgement.at(self.threshold(letter))

    @property
    def in_view(self) -> JudgedSample | None:
        """The proposals of the side in view on the sample in view, as they were judged."""
        judged, sample = self.side(self.sides.letter_in_view), self.sides.sample
        return None if judged is None or sample is None else judged.samples.get(sample)

    def verdicts(self) -> Verdicts | None:
        """Return what is matched, missed and extra of what is in view."""
        sample = self.in_view
        return None if sample is None else sample.at(self.threshold(self.sides.letter_in_view))

    def names(self) -> list[str]:
        """Return the samples that are judged by."""
        project, shown = self.session.project, self.sides.sample
        if project is None or shown is None:
            return []
        if self.scope == "this":
            return [shown]
        there = project.membranes if shown in project.membranes else project.tomograms
        name = self.class_name
        return [
            entry.name
            for entry in there.values()
            if entry.role == Role.VALIDATE
            and name is not None
            and self._has_picks(entry.name, name)
        ]

    def refs(self) -> dict[Letter, CheckpointRef]:
        """Return the checkpoints of both sides, as far as there are any."""
        found = {letter: self.ref(letter) for letter in LETTERS}
        return {letter: ref for letter, ref in found.items() if ref is not None}

    # ---------------------------------------------------------------- judging
    def judge(self) -> None:
        """Judge in the thread what is known by now."""
        order = self._order(self._particle()) if self._watchers else None
        if order is None:
            self._thread.drop()
            self._take({})
        elif self._thread.busy:  # else blocks that keep coming would let no answer through
            self._timer.start()
        else:
            self._wish()
            self._thread.run(lambda: self._work.do(order), self._take, self._on_failed)

    def _take(self, found: dict[Letter, JudgedSide]) -> None:
        self.problem = ""
        self._judged = found
        self.changed.emit()

    def _on_failed(self, error: BaseException) -> None:
        if not isinstance(error, (TomoscribeError, OSError)):
            raise error
        self._take({})
        self.problem = str(error)
        self.changed.emit()

    def orders(self) -> tuple[JudgeOrder, ...]:
        """Return what is to be judged in each class of which a side has scores."""
        made = (self._order(particle) for particle in self.session.classes)
        return tuple(order for order in made if order is not None and order.known)

    def _order(self, particle: ParticleClass | None) -> JudgeOrder | None:
        project = self.session.project
        if project is None or particle is None:
            return None
        refs, names = self.refs(), self.names()
        known = {
            (letter, name): scores
            for letter, ref in refs.items()
            for name in names
            if (scores := self._scores(ref, name, particle.name)) is not None
        }
        samples = tuple(s for s in map(self._judged_by, names) if s is not None)
        return JudgeOrder(project.path, particle, samples, refs, known)

    def _scores(self, ref: CheckpointRef, sample: str, class_name: str) -> KnownScores | None:
        """Return scores to judge by; of many samples only those that are whole."""
        known = self.library.get(ref, sample)
        if known is None or class_name not in known.grid.class_names:
            return None
        return known if self.scope == "this" or known.coverage >= WHOLE else None

    def _wish(self) -> None:
        """Wish, once, for the scores that are not there."""
        for ref in self.refs().values():
            for sample in self.names():
                known = self.library.get(ref, sample)
                missing = known is None or known.coverage < WHOLE
                if missing and (ref, sample) not in self._wished:
                    self._wished.add((ref, sample))
                    self.library.want(ref, sample)

    def _judged_by(self, name: str) -> JudgedBy | None:
        project = self.session.project
        membrane = None if project is None else project.membranes.get(name)
        entry = None
        if project is not None:
            entry = project.tomograms.get(name if membrane is None else membrane.tomogram)
        if entry is None:
            return None
        shelved = self.session.surfaces.shelved
        return JudgedBy(
            name,
            entry.voxel_size_A,
            tuple(entry.picks),
            tuple(entry.regions),
            tuple(entry.patches),
            None if membrane is None else membrane.path,
            entry.address,
            shelved if shelved is not None and shelved.name == name else None,
        )

    def _has_picks(self, sample: str, class_name: str) -> bool:
        one = self._judged_by(sample)
        return one is not None and any(
            p.class_name == class_name
            and p.state == PickState.ACCEPTED
            and (one.membrane is None or p.membrane == sample)
            for p in one.picks
        )

    def _particle(self) -> ParticleClass | None:
        return next((c for c in self.session.classes if c.name == self.class_name), None)

    def _on_review(self) -> None:
        if self._review.threshold != self._threshold:
            self._threshold = self._review.threshold
            if self._watchers:
                self.moved.emit()

    def _on_project(self, *_: object) -> None:
        self._work = JudgeWork()
        self._thread.drop()
        self._wished.clear()
        self._judged.clear()
        self._soon()
