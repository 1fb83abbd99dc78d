"""Starting a training: what would be trained on, why it cannot start yet, and the start itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psygnal import Signal

from tomoscribe.project.default_task import INSTANCE, MEMBRANE, VOXEL_TASKS, likely_tasks
from tomoscribe.project.model import Role
from tomoscribe.project.source import DataSource
from tomoscribe.training import sweep
from tomoscribe.training.config import RunConfig
from tomoscribe.training.control import Control
from tomoscribe.training.status import State
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.labels.label_tally import LabelTally
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.labels.words import hinders
from tomoscribe.ui.preferences import on_change, preferences
from tomoscribe.ui.project.read_only import READ_ONLY
from tomoscribe.ui.runs.focus_writer import focus_box
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.run_watch import RunWatch
from tomoscribe.ui.scores.score_library import ScoreLibrary
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tomoscribe.training.run import RunFolder
    from tomoscribe.ui.labels.label_counts import Labelled
    from tomoscribe.ui.session import Session


FIRST_CLICK = "Click at least 1 particle; 20 make a good start."
ON_NO_MEMBRANE = (
    "None of your picks lies on a membrane: click on one, or choose “clicks in tomograms” in the "
    "Train dock."
)


@dataclass(frozen=True)
class Share:
    """A tomogram's or membrane's part in the training: its role and its accepted picks.

    Of what learns from painted labels `picks` are the sections with any.
    """

    name: str
    role: Role
    picks: int


class Starter(SessionBound):
    """Holds the settings of the next training of a session. Get it with `Starter.of(session)`.

    Attributes
    ----------
    settings : TrainingSettings
        What the user chose.
    start_from : Path or None
        Checkpoint whose weights come first.
    line : list of RunFolder
        Runs that were started here and wait for their turn; they are watched when it comes.
    """

    changed = Signal()
    preferred = Signal()
    """The settings were changed by the preferences."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.monitor = RunMonitor.of(session)
        self._mode = LabelMode.of(session)
        self._tally = LabelTally.of(session)
        news = (session.project_changed, session.picks_changed, self._tally.changed)
        for signal in news:
            signal.connect(self._forget_shares)  # before anybody asks for them
        self.settings = preferences().training_settings()
        self.start_from: Path | None = None
        self.line: list[RunFolder] = []
        self._watched: RunFolder | None = None
        self._task: str | None = None
        self._shares: list[Share] = []
        self._shares_of: tuple[object, str] | None = None
        self._launcher = Background()
        for signal in (
            session.project_changed,
            session.picks_changed,
            session.current_changed,
            session.membrane_changed,
            session.class_changed,
            session.pending_changed,
            session.regions_changed,
            self._mode.changed,
            self._tally.changed,
            self.monitor.followed,
        ):
            signal.connect(self._changed)
        session.project_changed.connect(self._on_project)
        self._seen = self._state()
        for signal in (self.monitor.updated, self.monitor.progressed):
            signal.connect(self._on_monitor)
        self._on_project()
        self._watch = RunWatch.of(session)
        self._watch.changed.connect(self._watch_next)
        self._forget_preferences = on_change(self._take_preferences)
        session.closed.connect(self.close)

    @property
    def starting(self) -> bool:
        """Whether a worker is being started at this moment."""
        return self._launcher.busy

    @property
    def tasks(self) -> tuple[str, ...]:
        """What can be learned in this project, the likelier first."""
        project = self.session.project
        labels = self._mode.on or bool(project and project.label_classes)
        return likely_tasks(membranes=bool(project and project.membranes), labels=labels)

    @property
    def task(self) -> str:
        """What the next training learns: from labels while they are painted, else from picks."""
        if self._mode.on:
            return self._mode.task
        return self._task if self._task in self.tasks else self.tasks[0]

    def set_task(self, task: str) -> None:
        """Learn something else next time."""
        if task in VOXEL_TASKS:
            self._mode.set(on=True, objects=task == INSTANCE)
        else:
            self._task = task
            self._mode.set(on=False)
        self._changed()

    def set_band(self, band_A: tuple[float, float] | None) -> None:
        """Let the next training look at these depths, or at those that the clicks suggest."""
        low, high = (None, None) if band_A is None else band_A
        membrane = self.settings.membrane.model_copy(
            update={"band_low_A": low, "band_high_A": high}
        )
        self.settings = self.settings.model_copy(update={"membrane": membrane})
        self._changed()

    @property
    def own_band(self) -> tuple[float, float] | None:
        """The depths in Å that the user has set."""
        low, high = self.settings.membrane.band_low_A, self.settings.membrane.band_high_A
        return None if low is None or high is None else (low, high)

    def shares(self) -> list[Share]:
        """Return what each tomogram or membrane of the project is used for."""
        of = (self.session.project, self.task)
        if self._shares_of != of:
            self._shares_of, self._shares = of, self._count_shares()
        return list(self._shares)

    def _count_shares(self) -> list[Share]:
        project = self.session.project
        if project is None:
            return []
        if self._mode.on:
            return [
                Share(e.name, e.role, _sections(self._tally.of_tomogram(e.name)))
                for e in project.tomograms.values()
            ]
        if self.task == "membrane":
            clicks: Counter[tuple[str, str]] = Counter()
            for name, entry in project.tomograms.items():
                for (_, membrane), count in entry.picks.tally.items():
                    clicks[(name, membrane)] += count
            return [
                Share(m.name, m.role, clicks[(m.tomogram, m.name)])
                for m in project.membranes.values()
            ]
        return [
            Share(entry.name, entry.role, entry.picks.tally.total())
            for entry in project.tomograms.values()
        ]

    def why_not(self) -> str | None:
        """Return why no training can start now, as one sentence; None if it can."""
        why = self.why_not_queue()
        if why is None and self.monitor.alive:
            news = "strokes" if self._mode.on else "clicks"
            return (
                f"A training goes on and takes new {news} up by itself. Queue lets another one "
                "wait for its end; or stop it."
            )
        return why

    def why_not_queue(self) -> str | None:
        """Return why no training can be put in the queue, as one sentence; None if it can."""
        shares = self.shares()
        if self.session.pending is not None:
            return "Tell the voxel size in the Annotate dock first."
        if self.session.project is not None and self.session.project.read_only:
            return READ_ONLY
        if not shares:
            return "Open a tomogram, or File ▸ Open Sample ▸ tomoscribe."
        if self.starting:
            return "The worker is being started."
        return self._why_no_labels(shares) if self._mode.on else self._why_no_picks(shares)

    def _why_no_labels(self, shares: Sequence[Share]) -> str | None:
        project = self.session.project
        trains = [s.name for s in shares if s.role is Role.TRAIN]
        if project is None:
            return None
        if any(s.picks for s in shares) and not any(s.picks for s in shares if s.name in trains):
            return "No painted tomogram trains: click a name below to change what it is used for."
        entries = [project.tomograms[name] for name in trains]
        objects = self._mode.objects
        return hinders(
            project.label_classes,
            self._tally.total(trains),
            complete=any(self._tally.tells_background(e, objects=objects) for e in entries),
            declared=any(e.regions for e in entries),
        )

    def _why_no_picks(self, shares: Sequence[Share]) -> str | None:
        if not any(s.picks for s in shares):
            return ON_NO_MEMBRANE if self._picked_off_membranes() else FIRST_CLICK
        if not any(s.picks for s in shares if s.role is Role.TRAIN):
            return (
                f"No clicked {self.task} trains: click a name below to change what it is used for."
            )
        return None

    def _picked_off_membranes(self) -> bool:
        """Return whether there are picks, where on membranes there are none."""
        project = self.session.project
        return (
            self.task == MEMBRANE
            and project is not None
            and any(entry.picks.tally for entry in project.tomograms.values())
        )

    def set_role(self, name: str, role: Role) -> None:
        """Use a tomogram of the project for something else."""
        project = self.session.project
        if project is not None:
            self.session.change(lambda: project.set_role(name, role))

    def start(self, start_from: Path | None = None) -> None:
        """Start a training of the project, and follow it; `start_from` overrides the choice."""
        if self.why_not() is None:
            self._launch([self.configuration(start_from)])

    def queue(self) -> None:
        """Start a training that waits until the device is free; what is watched stays."""
        if self.why_not_queue() is None:
            self._launch([self.configuration()])

    def start_sweep(self, key: str, values: str) -> None:
        """Start a training for each value of a setting; they are trained one after the other.

        Raises
        ------
        TomoscribeError
            If the values are none of the setting's.
        """
        variants = sweep.parse(key, values)
        name = sweep.sweep_name(key)
        if self.why_not_queue() is None:
            self._launch(sweep.configurations(self.configuration(), variants, name))

    def close(self) -> None:
        """End the thread."""
        self._launcher.close()
        self._watch.changed.disconnect(self._watch_next, missing_ok=True)
        self._forget_preferences()

    def configuration(self, start_from: Path | None = None) -> RunConfig:
        """Return what a training would be made from now; `start_from` overrides the choice."""
        first = start_from or self.start_from
        project = self.session.project
        return RunConfig(
            task=self.task,
            data=DataSource(kind="project", path=None if project is None else project.path),
            settings=self.settings,
            start_from=None if first is None else str(first),
        )

    def _launch(self, configs: Sequence[RunConfig]) -> None:
        project = self.session.project
        if project is None:
            return
        runs_dir, control = project.runs_dir, self._first_control()
        self._launcher.run(
            lambda: sweep.launch_all(configs, runs_dir, control), self._started, self._failed
        )
        self.changed.emit()

    def _first_control(self) -> Control | None:
        """Tell the worker from the start where the user looks."""
        box = focus_box(self.session, "mesh" if self.task == "membrane" else "volume")
        return None if box is None else Control(samples=[box.sample], focus=box)

    def _started(self, runs: Sequence[RunFolder]) -> None:
        if self.monitor.alive:
            self.line += runs
            self._watched = self.monitor.run
        else:
            self._show(runs[0])
            self.line += runs[1:]
        if self.line:
            self.session.status_message.emit(
                f"{len(self.line)} training{'s wait' if len(self.line) > 1 else ' waits'} until "
                "the device is free; the dock Runs shows them all."
            )
        self._watch.refresh()
        self.changed.emit()

    def _show(self, run: RunFolder) -> None:
        self._watched = self.session.run = run
        self.monitor.feed.layer.prepare()

    def _watch_next(self) -> None:
        """Watch the next of the line once it trains, if the user has not turned elsewhere.

        While somebody compares, what is in view stays: its proposals are being answered.
        """
        rows = [self._watch.row_of(run) for run in self.line]
        self.line = [
            run for run, row in zip(self.line, rows, strict=True) if row is None or row.state.alive
        ]
        if self.monitor.alive or self.session.run is None or self.session.run != self._watched:
            return
        for row in rows:
            if row is not None and row.state is State.RUNNING:
                self.line.remove(row.run)
                if ScoreLibrary.of(self.session).watched:
                    self.session.status_message.emit(
                        f"{row.run.name} trains now; the dock Runs or the Train dock shows it."
                    )
                else:
                    self._show(row.run)
                return

    def _take_preferences(self) -> None:
        """Let the next training, or project, have what was changed in the preferences just now."""
        self.session.autosave = preferences().autosave
        given = preferences().training_settings()
        names = ("device", "threads", "preview_share", "max_minutes")
        self.settings = self.settings.model_copy(update={n: getattr(given, n) for n in names})
        self.preferred.emit()
        self._changed()

    def _failed(self, error: BaseException) -> None:
        self.changed.emit()
        self.session.status_message.emit(sentence_of(error))

    def _on_project(self) -> None:
        project = self.session.project
        if project is not None:
            for signal in (
                project.picks_changed, project.tomograms_changed, project.membranes_changed
            ):  # fmt: skip
                signal.connect(self._forget_shares, unique=True)
            project.tomograms_changed.connect(self._changed, unique=True)
            project.label_classes_changed.connect(self._changed, unique=True)
            project.membranes_changed.connect(self._changed, unique=True)

    def _state(self) -> tuple[object, ...]:
        """Return what of a training decides on what can start."""
        monitor = self.monitor
        return monitor.alive, monitor.replaying, len(monitor.record.checkpoints)

    def _on_monitor(self) -> None:
        """Pass on what matters here; the monitor looks ten times a second."""
        if self._state() != self._seen:
            self._changed()

    def _forget_shares(self) -> None:
        """Count again when asked next; docks ask a dozen times for each tomogram shown."""
        self._shares_of = None

    def _changed(self) -> None:
        self._seen = self._state()
        self.changed.emit()


def _sections(labelled: Mapping[int, Labelled]) -> int:
    """Return how many sections have labels, at most as many as those of all classes together."""
    return max((found.sections for found in labelled.values()), default=0)
