"""Scores of any checkpoint on any sample: read in threads, kept, computed where missing.

The one place of the viewer that asks where scores lie and that wishes for background predictions.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer

from tomoscribe.errors import TomoscribeError
from tomoscribe.training.catalog import Catalog
from tomoscribe.training.coverage import WHOLE
from tomoscribe.training.prediction_request import PredictionRequest
from tomoscribe.training.predictions import NOT_KEPT, PredictionService, PredictionUpdate
from tomoscribe.ui.background import Background
from tomoscribe.ui.preferences import preferences
from tomoscribe.ui.scores.score_map import ScoreGrid
from tomoscribe.ui.scores.stored_scores import About, ReadLog, read_log
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoscribe.training.catalog import Changed, StoredScores
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.training.control import FocusBox
    from tomoscribe.ui.scores.stored_scores import KnownScores
    from tomoscribe.ui.session import Session

POLL_MS = 300
"""How old what is known may be while somebody looks."""

MB = 1_000_000

Key = tuple["CheckpointRef", str]
"""A checkpoint and the name of a sample."""

READING = "Reading the scores …"


class ScoreLibrary(SessionBound):
    """Knows scores by checkpoint and sample. Get it with `ScoreLibrary.of(session)`.

    Attributes
    ----------
    catalog : Catalog or None
        Which checkpoints there are; None without a project.
    predictions : PredictionUpdate
        How the background predictions stand.
    """

    changed = Signal(object, str)
    """More is known of a checkpoint on a sample."""

    listed = Signal()
    """There are other checkpoints, or other previews of them."""

    told = Signal()
    """The background predictions stand otherwise."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        self._session = session
        self.catalog: Catalog | None = None
        self.predictions = PredictionUpdate(None, "")
        self._service: PredictionService | None = None
        self._read: OrderedDict[Key, ReadLog] = OrderedDict()
        self._held: tuple[Key, ...] = ()
        self._wanted: OrderedDict[Key, None] = OrderedDict()
        self._due: OrderedDict[Key, None] = OrderedDict()
        self._failed: dict[Key, str] = {}
        self._asked: tuple[Key, ...] = ()
        self._listed = False
        self._watchers = 0
        self._focus: FocusBox | None = None
        self._closed = False
        self._poller = Background(parent, reads_only=True)
        self._reader = Background(parent, reads_only=True)
        self._timer = QTimer(parent)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.poll)
        session.project_changed.connect(self._on_project)
        session.closed.connect(self.close)
        self._on_project()

    # ---------------------------------------------------------------- asking
    def get(self, ref: CheckpointRef, sample: str) -> KnownScores | None:
        """Return what is in memory of a checkpoint's scores on a sample; `want` brings it there."""
        read = self._read.get((ref, sample))
        if read is None:
            return None
        self._read.move_to_end((ref, sample))
        return read.known

    def want(self, ref: CheckpointRef, sample: str) -> None:
        """Read a checkpoint's scores on a sample, computing what is missing; `changed` tells."""
        self._wanted[(ref, sample)] = None
        self._failed.pop((ref, sample), None)
        self._keep_time()
        self._soon([(ref, sample)])

    def hold(self, keys: Iterable[Key]) -> None:
        """Say what is on screen: it comes first, is kept up to date, and stays in memory."""
        held = tuple(dict.fromkeys(keys))
        if held == self._held:
            return
        new = [key for key in held if key not in self._held]
        self._held = held
        for key in new:
            self._failed.pop(key, None)
        self._keep_time()
        self._soon(new)
        self._ask()

    def look(self, focus: FocusBox | None) -> None:
        """Tell where the user looks: what is computed begins there."""
        self._focus = focus
        if self._service is not None:
            self._service.look(focus)

    def watch(self, on: bool) -> None:
        """Follow what comes and goes on disk while somebody looks; calls with True are counted."""
        self._watchers = max(self._watchers + (1 if on else -1), 0)
        self._keep_time()

    @property
    def watched(self) -> bool:
        """Whether somebody compares at this moment."""
        return self._watchers > 0

    def state_of(self, ref: CheckpointRef, sample: str) -> str:
        """Return in one line what holds a checkpoint's scores on a sample up; empty if nothing."""
        key, known = (ref, sample), self.get(ref, sample)
        if key in self._failed:
            return self._failed[key]
        if known is not None and known.coverage >= WHOLE:
            return ""
        if key in self.predictions.refused:
            return self.predictions.refused[key]
        if known is None and (key in self._due or not self._listed):
            return READING
        if ref.file is None:
            return NOT_KEPT.format(source=ref.source) if known is None and self._listed else ""
        if key in self._asked and self.predictions.message:
            return self.predictions.message
        if key in self._asked:
            done = 0.0 if known is None else known.coverage
            return f"Computing, the part in view first: {done:.0%} …"
        return ""

    def start_again(self) -> None:
        """Start the background predictions again after they died."""
        if self._service is not None:
            self._service.start_again()

    def close(self) -> None:
        """End threads and predictions; what is asked afterwards is not answered."""
        self._closed = True
        if isalive(self._timer):  # type: ignore[no-untyped-call]
            self._timer.stop()
        self._poller.close()
        self._reader.close()
        if self._service is not None:
            self._service.close()
            self._service = None

    # ---------------------------------------------------------------- reading
    def _keep_time(self) -> None:
        """Look at the disk again and again while somebody looks or waits here."""
        # A dock may go after its session, or after Qt has taken the timer.
        if self._closed or not isalive(self._timer):  # type: ignore[no-untyped-call]
            return
        needed = bool(self._watchers or self._held or self._wanted)
        if needed and not self._timer.isActive():
            self._timer.start()
            self.poll()
        elif not needed:
            self._timer.stop()

    def poll(self) -> None:
        """Read in a thread what is new on disk, and how the predictions stand."""
        catalog, service = self.catalog, self._service
        if catalog is None or self._poller.busy:
            return

        def look() -> tuple[Changed, PredictionUpdate | None]:
            return catalog.poll(), None if service is None else service.poll()

        self._poller.run(look, lambda found: self._polled(catalog, *found))

    def _polled(self, catalog: Catalog, changed: Changed, update: PredictionUpdate | None) -> None:
        if catalog is not self.catalog:
            return
        first, self._listed = not self._listed, True
        if update is not None and update != self.predictions:
            self.predictions = update
            self.told.emit()
        wanted = [key for key in (*self._held, *self._wanted) if first or key in changed]
        for key in changed:
            if key in self._read and catalog.find(*key) is None:
                del self._read[key]  # its run was deleted
        self._soon(wanted)
        if first or changed:
            self.listed.emit()
        self._ask()

    def _soon(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._due[key] = None
        self._next()

    def _next(self) -> None:
        """Read what is due, one after another: what is on screen first."""
        catalog = self.catalog
        if catalog is None or self._reader.busy or not self._due:
            return
        key = next((k for k in self._held if k in self._due), next(iter(self._due)))
        before = self._read.get(key)

        def failed(error: BaseException) -> None:
            self._due.pop(key, None)
            if not isinstance(error, (OSError, TomoscribeError, ValueError)):
                raise error
            self._failed[key] = f"The scores of {key[0].source} cannot be read: {error}"
            self.changed.emit(*key)
            self._next()

        self._reader.run(
            lambda: _read(catalog.find(*key), before),
            lambda read: self._take(catalog, key, read),
            failed,
        )

    def _take(self, catalog: Catalog, key: Key, read: ReadLog | None) -> None:
        self._due.pop(key, None)
        if catalog is self.catalog:
            if read is not None:
                self._failed.pop(key, None)
                self._read[key] = read
                self._read.move_to_end(key)
                self._make_room()
                if read.known.coverage >= WHOLE:
                    self._wanted.pop(key, None)
                    self._keep_time()
            self._ask()
            self.changed.emit(*key)
        self._next()

    def _make_room(self) -> None:
        """Keep as many scores as the preferences allow; what is shown stays anyway."""
        room = preferences().score_cache_mb * MB
        total = sum(read.known.values.nbytes for read in self._read.values())
        for key in list(self._read)[:-1]:
            if total <= room:
                return
            if key not in self._held:
                total -= self._read.pop(key).known.values.nbytes

    # ---------------------------------------------------------------- computing
    def _ask(self) -> None:
        """Wish for what is wanted and is nowhere on disk; what is on screen comes first."""
        project = self._session.project
        if project is None or not self._listed or self._closed:
            return
        keys = [k for k in dict.fromkeys((*self._held, *self._wanted)) if self._is_missing(k)]
        if tuple(keys) == self._asked:
            return
        try:
            requests = [PredictionRequest.of(project, *key) for key in keys]
        except TomoscribeError:
            return  # the sample was removed; whoever wanted it is told by the project
        self._asked = tuple(keys)
        if self._service is None:
            given = preferences()
            self._service = PredictionService(project.path, given.device, given.worker_threads)
            self._service.look(self._focus)
        self._service.want(requests)

    def _is_missing(self, key: Key) -> bool:
        ref, _ = key
        if ref.file is None or key in self._due or key in self._failed:
            return False
        known = self._read.get(key)
        return known is None or known.known.coverage < WHOLE

    def _on_project(self, *_: object) -> None:
        project = self._session.project
        self._poller.drop()
        self._reader.drop()
        if self._service is not None:
            self._service.close()
        self._service = None
        self.predictions = PredictionUpdate(None, "")
        for kept in (self._read, self._wanted, self._due, self._failed):
            kept.clear()
        self._held, self._asked, self._listed = (), (), False
        self.catalog = None if project is None else Catalog(project.path)
        self.listed.emit()
        self._keep_time()
        if self._watchers:
            self.poll()


def _read(stored: StoredScores | None, before: ReadLog | None) -> ReadLog | None:
    """Read what is new of stored scores; None where there is nothing new."""
    if stored is None:
        return None
    grid = ScoreGrid(stored.shape_zyx, stored.bin, stored.class_names)
    about = About(grid, stored.coverage, stored.thresholds, stored.kind, stored.segmented)
    return read_log(stored.path, about, before)
