"""How good the segmentations A and B are on what is painted: judged in a thread, while one looks.

Only whole answers count: what changes meanwhile ends the work, and it begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from psygnal import Signal

from tomoscribe.project.file import painted_path, painted_revision
from tomoscribe.project.painted_samples import painted_of
from tomoscribe.project.source import DataSource
from tomoscribe.training.compare_segments import compare_segments
from tomoscribe.training.coverage import WHOLE
from tomoscribe.ui.background import sentence_of
from tomoscribe.ui.compare.sides import LETTERS, Sides
from tomoscribe.ui.compare.watched_judge import WatchedJudge
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.scores.score_library import ScoreLibrary
from tomoscribe.ui.segments.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.evaluation.segments.judgement import JudgedClass
    from tomoscribe.project.model import TrainingSample
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.training.compare_segments import SegmentComparison
    from tomoscribe.training.events import Segmented
    from tomoscribe.ui.scores.stored_scores import KnownScores
    from tomoscribe.ui.segments.maps_in_view import Settings
    from tomoscribe.ui.session import Session


class _Superseded(Exception):
    """Ends a judgement that nobody waits for any more."""


@dataclass(frozen=True)
class SegmentOrder:
    """What is to be judged: the sides by letter, with their maps as they are known.

    `key` tells whether an answer is still one; `own` are settings that the user chose.
    """

    key: object
    project: Path
    sample: str
    refs: Mapping[str, CheckpointRef]
    known: Mapping[str, KnownScores]
    own: Settings


def judge_segments(
    order: SegmentOrder, between: Callable[[], None] = lambda: None
) -> SegmentComparison:
    """Judge the sides by what is painted; what `between` raises ends the work.

    Raises
    ------
    TomoscribeError
        If the painting or the image cannot be read, or maps do not fit it.
    """

    def maps_of(
        letter: str, sample: TrainingSample
    ) -> tuple[NDArray[np.uint8], tuple[str, ...], Segmented]:
        known = order.known[letter]
        segmented = known.about.segmented
        assert segmented is not None
        own = {n: s.model_dump() for n, s in order.own.items() if n in segmented.classes}
        decoder = {**segmented.decoder, **own}
        changed = msgspec.structs.replace(segmented, decoder=decoder)
        return known.values, tuple(known.grid.class_names), changed

    source = DataSource(kind="project", path=order.project)
    data = painted_of(order.project, [order.sample])
    return compare_segments(order.refs, source, data, [order.sample], maps_of, between)


class SegmentJudge(WatchedJudge):
    """Judges both sides while somebody looks. Get it with `SegmentJudge.of(session)`.

    Attributes
    ----------
    found : SegmentComparison or None
        The sides on the tomogram in view, as they were judged last; None before that.
    problem : str
        Why nothing could be judged, in a sentence; empty if all is well.
    """

    changed = Signal()
    """There is another judgement or none, or work has begun."""
    soon_ms, postpones = 400, True  # strokes and moves of a slider

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._sides = Sides.of(session)
        self._library = ScoreLibrary.of(session)
        self._segments = Segments.of(session)
        self.found: SegmentComparison | None = None
        self.problem = ""
        self._key: object = None
        self._wanted: object = None
        self._wished: set[tuple[CheckpointRef, str]] = set()
        self._regions = 0
        for signal in (
            self._sides.changed, self._library.changed, self._segments.changed,
            LabelPainter.of(session).changed, session.current_changed, session.project_changed,
        ):  # fmt: skip
            signal.connect(self._soon)
        session.regions_changed.connect(self._on_regions)

    def in_view(self) -> dict[str, JudgedClass]:
        """Return what was judged of the side in view, by class."""
        letter = self._sides.letter_in_view.upper()
        return {} if self.found is None else self.found.judgement.of_side(letter)

    def order(self) -> SegmentOrder | None:
        """Return what could be judged now; None where there is no segmentation in view."""
        project, sample, maps = self._session.project, self._sides.sample, self._segments.maps
        if project is None or sample is None or maps is None or sample not in project.tomograms:
            return None
        refs, known = {}, {}
        for letter in LETTERS:
            ref = self._sides.a if letter == "a" else self._sides.b
            scores = None if ref is None else self._library.get(ref, sample)
            if ref is not None and scores is not None and scores.about.segmented is not None:
                refs[letter.upper()], known[letter.upper()] = ref, scores
        if not known:
            return None
        own = self._segments.settings if self._segments.is_own else {}
        key = (
            project.path, sample, tuple(refs.items()), self._regions,
            tuple((id(one.values), one.coverage) for one in known.values()),
            tuple((name, one.model_dump_json()) for name, one in own.items()),
            tuple(project.label_classes), painted_revision(painted_path(project.path, sample)),
        )  # fmt: skip
        return SegmentOrder(key, project.path, sample, refs, known, own)

    def judge(self) -> None:
        """Judge in the thread what is known by now, unless that is done."""
        if self._watchers:
            self._wish()
        order = self.order() if self._watchers else None
        if order is None:
            self._drop()
        elif order.key != self._key:
            self._key, self._wanted = order.key, (ticket := object())

            def between() -> None:
                if self._wanted is not ticket:
                    raise _Superseded

            self._thread.run(lambda: judge_segments(order, between), self._take, self._failed)
            self.changed.emit()

    def _wish(self) -> None:
        """Wish, once, for the maps that are not there, of tomograms where a segmentation is."""
        sample = self._sides.sample
        for ref in (self._sides.a, self._sides.b):
            if ref is None or sample is None or self._segments.maps is None:
                continue
            known = self._library.get(ref, sample)
            missing = known is None or known.coverage < WHOLE
            if missing and (ref, sample) not in self._wished:
                self._wished.add((ref, sample))
                self._library.want(ref, sample)

    def close(self) -> None:
        """End the thread, and what it is about."""
        self._wanted = None
        super().close()

    def _drop(self) -> None:
        self._key = self._wanted = None
        self._thread.drop()
        if self.found is not None or self.problem:
            self.found, self.problem = None, ""
            self.changed.emit()

    def _take(self, found: SegmentComparison) -> None:
        self.found, self.problem = found, ""
        self.changed.emit()

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, _Superseded):
            self.found, self.problem = None, sentence_of(error)
            self.changed.emit()

    def _on_regions(self, *_: object) -> None:
        self._regions += 1
        self._soon()
