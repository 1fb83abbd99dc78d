"""What can be done with runs: whether, why not, and doing it off the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from qtpy.QtCore import QObject, QUrl
from qtpy.QtGui import QDesktopServices, QGuiApplication
from qtpy.QtWidgets import QMessageBox, QWidget

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import launch, removal
from tomoscribe.training.status import State
from tomoscribe.ui.background import Background
from tomoscribe.ui.runs.log_window import LogWindow
from tomoscribe.ui.runs.run_columns import bytes_words
from tomoscribe.ui.runs.run_watch import RunWatch
from tomoscribe.ui.runs.tensorboards import TensorBoards

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tomoscribe.project.store import Project
    from tomoscribe.training.run import RunFolder
    from tomoscribe.training.run_summary import RunRow
    from tomoscribe.ui.session import Session

T = TypeVar("T")

CHOOSE = "Choose a run in the table first."
CHOOSE_ONE = "Choose one run only."


@dataclass(frozen=True)
class RunAction:
    """An action on the chosen runs.

    `why_not` returns one sentence where it cannot be done now; `key` is a shortcut in the table.
    """

    text: str
    tip: str
    why_not: Callable[[Sequence[RunRow]], str | None]
    do: Callable[[Sequence[RunRow]], None]
    key: str = ""
    in_bar: bool = True


class RunActions(QObject):
    """The actions of one viewer on runs."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._watch = RunWatch.of(session)
        self.table = (*self._of_watching(), *self._of_training(), *self._of_folders())

    def _of_watching(self) -> tuple[RunAction, ...]:
        return (
            RunAction(
                "Watch",
                "Shows this run in strip, curve and canvas, from its beginning (Enter).",
                self._why_not_watch,
                lambda rows: self._attach(rows[0].run),
                "Return",
            ),
            RunAction(
                "Detach",
                "Stops watching; the training itself goes on.",
                self._why_not_detach,
                lambda rows: self._attach(None),
            ),
        )

    def _of_training(self) -> tuple[RunAction, ...]:
        return (
            RunAction(
                "Pause",
                "Frees the device; the training goes on later where it was.",
                lambda rows: _none_of(rows, {State.RUNNING, State.QUEUED}, "trains or waits"),
                lambda rows: self._each(launch.pause, rows, {State.RUNNING, State.QUEUED}),
            ),
            RunAction(
                "Resume",
                "Lets a paused run go on; one that has ended goes on as a new run beside it.",
                self._why_not_resume,
                self._resume,
            ),
            RunAction(
                "Stop",
                "Saves a checkpoint, then ends the training; ended after 10 s in any case.",
                lambda rows: None if any(r.state.alive for r in rows) else _ended(rows),
                lambda rows: self._each(launch.stop, [r for r in rows if r.state.alive]),
            ),
        )

    def _of_folders(self) -> tuple[RunAction, ...]:
        return (
            RunAction(
                "Delete…",
                "Deletes the folder with its checkpoints, for ever; asks first (Del).",
                self._why_not_delete,
                self._delete,
                "Del",
            ),
            RunAction(
                "TensorBoard",
                "Shows the curves of the chosen runs in the browser; ends with the viewer.",
                lambda rows: None if rows else CHOOSE,
                lambda rows: TensorBoards.of(self._session).open([r.run for r in rows]),
            ),
            RunAction(
                "Open folder",
                "Shows the run's folder in the file manager.",
                _why_not_one,
                lambda rows: self._open(rows[0].run),
                in_bar=False,
            ),
            RunAction(
                "Show log",
                "Shows what the worker wrote: for when something went wrong.",
                _why_not_one,
                lambda rows: LogWindow(rows[0].run, self._window).show(),
                in_bar=False,
            ),
            RunAction(
                "Copy path",
                "Copies the paths of the chosen runs (Ctrl+C).",
                lambda rows: None if rows else CHOOSE,
                lambda rows: _copy("\n".join(str(r.run.path) for r in rows)),
                "Ctrl+C",
                in_bar=False,
            ),
        )

    def _why_not_watch(self, rows: Sequence[RunRow]) -> str | None:
        watched = len(rows) == 1 and rows[0].run == self._session.run
        return "This run is watched already." if watched else _why_not_one(rows)

    def _why_not_detach(self, rows: Sequence[RunRow]) -> str | None:
        return "No run is watched." if self._session.run is None else None

    def _why_not_resume(self, rows: Sequence[RunRow]) -> str | None:
        why = _why_not_one(rows)
        if why is not None or rows[0].state is State.PAUSED:
            return why
        if rows[0].state.alive:
            return f"{rows[0].name} is going on."
        if not rows[0].checkpoints:
            return f"{rows[0].name} has no checkpoint: press Train to start again."
        return None

    def _why_not_delete(self, rows: Sequence[RunRow]) -> str | None:
        living = [row.name for row in rows if row.state.alive]
        if living:
            return f"{living[0]} still trains or waits: stop it first."
        return None if rows else CHOOSE

    def _attach(self, run: RunFolder | None) -> None:
        self._session.run = run

    def _resume(self, rows: Sequence[RunRow]) -> None:
        run = rows[0].run
        if rows[0].state is State.PAUSED:
            self._work(lambda: launch.resume_in_place(run))
        else:
            self._work(lambda: launch.resume_as_child(run), self._attach)

    def _each(
        self,
        command: Callable[[RunFolder], object],
        rows: Sequence[RunRow],
        states: set[State] | None = None,
    ) -> None:
        """Give each run the command, side by side: stopping one may take ten seconds."""
        for row in rows:
            if states is None or row.state in states:
                self._work(partial(command, row.run))

    def _delete(self, rows: Sequence[RunRow]) -> None:
        model = self._session.project.model if self._session.project is not None else None
        if not confirm_deletion(self._window, question(rows, self._watch.sizes, model)):
            return
        doomed = [row.run for row in rows]
        project = self._session.project
        holds_model = any(removal.holds(run, model) for run in doomed)
        if project is not None and holds_model and not self._take_model_back(project):
            return  # it is not ours to edit, and others use the model
        if self._session.run in doomed:
            self._attach(None)

        def delete_all() -> None:
            for run in doomed:
                removal.delete(run)

        self._work(delete_all)

    def _take_model_back(self, project: Project) -> bool:
        return self._session.change(lambda: project.set_model(None))

    def _open(self, run: RunFolder) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.path))):
            self._session.status_message.emit(
                f"No file manager could be opened; the folder is {run.path}"
            )

    def _work(self, job: Callable[[], T], then: Callable[[T], None] | None = None) -> None:
        """Run a job in a thread of its own, so that none waits for or replaces another."""
        worker = Background(self)

        def done(answer: T) -> None:
            worker.close()
            worker.deleteLater()
            if then is not None:
                then(answer)
            self._watch.refresh()

        def failed(error: BaseException) -> None:
            if not isinstance(error, TomoscribeError | OSError):
                raise error
            self._session.status_message.emit(str(error))
            done_without_answer()

        def done_without_answer() -> None:
            worker.close()
            worker.deleteLater()
            self._watch.refresh()

        worker.run(job, done, failed)


def question(
    rows: Sequence[RunRow], sizes: dict[RunFolder, int], model: Path | None = None
) -> tuple[str, str]:
    """Return the title and the text that ask whether runs are to be deleted."""
    count = f"{len(rows)} runs" if len(rows) > 1 else rows[0].name
    known = [sizes[row.run] for row in rows if row.run in sizes]
    size = f" ({bytes_words(sum(known))})" if len(known) == len(rows) else ""
    checkpoints = sum(len(row.checkpoints) for row in rows)
    text = f"{checkpoints} checkpoints and all previews are lost for ever{size}."
    holder = next((r.name for r in rows if removal.holds(r.run, model)), None)
    if holder is not None:
        text += f"\n\nThe project's current model is in {holder}: the project will have none."
    if len(rows) > 1:
        text += "\n\n" + "\n".join(row.name for row in rows[:10])
        text += f"\nand {len(rows) - 10} more" if len(rows) > 10 else ""
    return f"Delete {count}?", text


def confirm_deletion(window: QWidget, asked: tuple[str, str]) -> bool:
    """Ask, modally, since it is a loss of data; return whether the user wants it."""
    box = QMessageBox(window)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle("Delete runs")
    box.setText(asked[0])
    box.setInformativeText(asked[1])
    delete = box.addButton("Delete", QMessageBox.ButtonRole.DestructiveRole)
    keep = box.addButton("Keep", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    box.exec()
    clicked = box.clickedButton()
    box.deleteLater()
    return clicked is delete


def _why_not_one(rows: Sequence[RunRow]) -> str | None:
    if not rows:
        return CHOOSE
    return CHOOSE_ONE if len(rows) > 1 else None


def _none_of(rows: Sequence[RunRow], states: set[State], verb: str) -> str | None:
    if any(row.state in states for row in rows):
        return None
    return f"None of the chosen runs {verb}." if rows else CHOOSE


def _ended(rows: Sequence[RunRow]) -> str:
    return "The chosen runs have ended." if rows else CHOOSE


def _copy(text: str) -> None:
    clipboard = QGuiApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)
