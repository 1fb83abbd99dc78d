"""A training on the terminal: a progress bar that follows its events, and what came out."""

from __future__ import annotations

import math
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tomoscribe.cli.class_scores import told_of_classes
from tomoscribe.errors import TomoscribeError
from tomoscribe.project.default_task import counted_labels
from tomoscribe.segmentation.maps import maps_of_classes
from tomoscribe.tasks.voxels.plan import BY_USER
from tomoscribe.training import events as ev
from tomoscribe.training import launch
from tomoscribe.training.follow import RunFollower
from tomoscribe.training.run_summary import ESTIMATED, score_name
from tomoscribe.training.status import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

    from tomoscribe.training.config import RunConfig
    from tomoscribe.training.follow import Update
    from tomoscribe.training.run import RunFolder

POLL_S = 0.1
ENDED_BADLY = (State.FAILED, State.LOST, State.GONE)


def train_in_foreground(config: RunConfig, runs_dir: Path, run: Path | None) -> None:
    """Train, show the run until it ends, and say what came out.

    Parameters
    ----------
    config : RunConfig
    runs_dir : Path
        Where the run's folder goes, with a name of date and task.
    run : Path or None
        The run's folder, where somebody named it.

    Raises
    ------
    TomoscribeError
        If it cannot be started, or fails.
    """
    if run is None:
        started = launch.launch(config, runs_dir)
    else:
        started = launch.launch(config, run.absolute().parent, run.absolute().name)
    watch(started)
    typer.echo(summarise(started))


def watch(run: RunFolder) -> bool:
    """Show a run until it ends; an interrupt stops it with a checkpoint, a second one ends it.

    Returns
    -------
    bool
        Whether it was interrupted.

    Raises
    ------
    TomoscribeError
        If it failed or was lost.
    """
    follower = RunFollower(run)
    failed = ""
    console = Console(stderr=True)
    config = run.config()
    what = counted_labels(config.task)
    max_steps = config.settings.max_steps
    with _shown_on(console, max_steps, what) as shown, _interrupts(run, console) as asked:
        while True:
            update = follower.poll()
            for event in update.events:
                if isinstance(event, ev.Failed):
                    failed = f"{event.message} ({event.hint})" if event.hint else event.message
                shown.show(event)
            shown.show_state(update)
            if not update.alive:
                break
            time.sleep(POLL_S)
    if update.state in ENDED_BADLY:
        raise TomoscribeError(failed or update.message)
    return asked.is_set()


def summarise(run: RunFolder) -> str:
    """Return what came out of a run: state, score, threshold, checkpoint."""
    status, kept = run.status(), run.checkpoints()
    state = launch.effective_state(status)
    if not kept:
        return f"{run.path}: {state}, without a checkpoint."
    best = next((c for c in kept if c.best), kept[-1])
    judged = [e for e in run.events() if isinstance(e, ev.Validation)]
    name = score_name(judged[-1].metrics) if judged else ESTIMATED
    score = "not validated" if best.score is None else f"{name} {best.score:.3f}"
    lines = [f"{run.path}: {state} after {kept[-1].step} steps.", f"Best: {best.path} ({score})"]
    thresholds = _thresholds(run)
    if thresholds:
        # Contours and affinities have thresholds that nobody chooses.
        of_class = maps_of_classes(list(thresholds))
        chosen = ", ".join(f"{name} {thresholds[name]:.3f}".strip() for name in of_class)
        lines.append(f"Chosen threshold: {chosen}")
    lines += told_of_classes(run.events(), best)
    return "\n".join(lines)


def told_of_plan(started: ev.Started) -> list[str]:
    """Return what the plan of a segmentation chose that one may want otherwise, and why."""
    reasons = started.reasons
    if "dimension" not in started.plan:
        return []
    told = []
    if reasons.get("dimension", BY_USER) != BY_USER:
        told.append(f"Network {started.plan['dimension']}: {reasons['dimension']}.")
    reduction = _reduction(started)
    if math.prod(reduction) > 1:
        size = " x ".join(map(str, reduction))
        why = reasons.get("reduction_zyx", "as before")
        told.append(f"A working voxel is the mean of {size} voxels (z, y, x): {why}.")
    if (window := reasons.get("window_zyx", "")).startswith(f"{BY_USER};"):
        told.append(f"Window: {window}.")
    return told


def _reduction(started: ev.Started) -> tuple[int, ...]:
    given = started.plan.get("reduction_zyx")
    return tuple(given) if isinstance(given, (list, tuple)) else ()


def _thresholds(run: RunFolder) -> dict[str, float]:
    """Return the chosen thresholds by class; of a single one its name may be empty."""
    if scores := run.scores():
        return scores[-1].thresholds
    for event in reversed(run.events()):
        if isinstance(event, ev.Validation):
            split = ((*key.rpartition("/"), value) for key, value in event.metrics.items())
            return {name: value for name, _, what, value in split if what == "threshold"}
    return {}


class _Lines:
    """A training in lines: the news, a line at each validation, and one at the end.

    Parameters
    ----------
    console : Console
        Where it is told.
    max_steps : float
    labels : str
        What the training learns from.
    """

    def __init__(self, console: Console, max_steps: float, labels: str) -> None:
        self._console = console
        self._max_steps = max_steps
        self._labels = labels
        self._score_name = ""
        self._figures: dict[str, str] = {}
        self._message = ""
        self._done = 0.0
        self._ended = False

    def show(self, event: ev.Event) -> None:
        """Take an event in."""
        if isinstance(event, ev.Step):
            self._figures |= {"step": str(event.step), "loss": f"{event.loss:.3g}"}
            done = max(event.elapsed_s / event.budget_s, event.step / self._max_steps)
            self._done = min(1.0, done)
        elif isinstance(event, ev.Finished):
            self._done = 1.0
        elif isinstance(event, ev.Validation):
            self._figures.pop(self._score_name, None)  # one figure, under its newest name
            self._score_name = score_name(event.metrics)
            self._figures |= {"step": str(event.step), self._score_name: f"{event.score:.3f}"}
        elif isinstance(event, ev.Labels):
            self._figures[self._labels] = f"{event.used}/{event.total}"
        elif isinstance(event, ev.Started):
            self._say(f"{event.device}, {event.precision}")
            for line in told_of_plan(event):
                self._say(line)
            if math.prod(_reduction(event)) > 1:
                self._labels = "labelled working voxels"
        elif isinstance(event, ev.Warning_):
            self._say(event.message)
        self._draw(event)

    def show_state(self, update: Update) -> None:
        """Take the state in."""
        # Why a run ended badly is told by the error that follows.
        if update.state not in ENDED_BADLY and update.message not in ("", self._message):
            self._message = update.message
            self._say(update.message)
        self._draw_state(update.state)

    def _draw(self, event: ev.Event) -> None:
        if isinstance(event, ev.Validation):
            self._say(f"{100 * self._done:.0f} %  {self._told()}")

    def _draw_state(self, state: State) -> None:
        if not state.alive and not self._ended:
            self._ended = True
            self._say(f"{state}  {self._told()}".rstrip())

    def _told(self) -> str:
        return "  ".join(f"{name} {value}" for name, value in self._figures.items())

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class _Bar(_Lines):
    """The same on a terminal: below the news a bar with the newest figures."""

    def __init__(self, progress: Progress, max_steps: float, labels: str) -> None:
        super().__init__(progress.console, max_steps, labels)
        self._progress = progress
        self._task = progress.add_task("starting", total=1.0, figures="", message="")

    def _draw(self, event: ev.Event) -> None:
        self._progress.update(self._task, completed=self._done, figures=self._told())

    def _draw_state(self, state: State) -> None:
        self._progress.update(self._task, description=str(state))


@contextmanager
def _shown_on(console: Console, max_steps: int | None, labels: str) -> Iterator[_Lines]:
    """Yield what shows a training: a bar, or lines where the console is a file or a pipe."""
    steps = max_steps or math.inf
    if not console.is_terminal:
        yield _Lines(console, steps, labels)
        return
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[figures]}", markup=False),
        console=console,
    ) as progress:
        yield _Bar(progress, steps, labels)


@contextmanager
def _interrupts(run: RunFolder, console: Console) -> Iterator[threading.Event]:
    """Within, Ctrl-C or a terminate signal stops the run; a second one does not wait for it.

    What is yielded is set by the first.
    """
    asked = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            launch.stop(run, timeout=0.0)
            return
        asked.set()
        console.print("Stopping with a checkpoint; once more to end at once.", highlight=False)
        launch.request_stop(run)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
