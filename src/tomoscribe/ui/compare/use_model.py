"""*Use this one*: the checkpoint in view becomes the project's current model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.compare.checkpoint_rows import CURRENT
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.connections import connect
from tomoscribe.ui.project.read_only import READ_ONLY
from tomoscribe.ui.widgets import button, enable, hint

if TYPE_CHECKING:
    from pathlib import Path

    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.session import Session

TIP = (
    "Makes the checkpoint in view the project's current model: `tomoscribe predict PROJECT` and "
    "scripts use it. Nothing is copied."
)
NOTHING = "There is no checkpoint in view yet: train first, or open a checkpoint file."
NOT_KEPT = "The weights of this checkpoint were not kept; move the slider to another."


class UseModel(QObject):
    """The button `use`, and the line `current` that says which model is the current one."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._sides = Sides.of(session)
        self.use = button("Use this one", TIP, self.use_in_view)
        self.current = hint()
        self._asker = Background(self, reads_only=True)
        self._namer = Background(self, reads_only=True)
        self._named: tuple[Path | None, str] = (None, "")
        for signal in (self._sides.changed, self._sides.refreshed):
            connect(self, signal, self.refresh)
        connect(self, session.project_changed, self._on_project)
        self._on_project()

    def use_in_view(self) -> None:
        """Make the checkpoint in view the current model."""
        project, ref, path = self._session.project, self._sides.in_view, self._sides.file_in_view
        if project is None or ref is None or path is None:
            self._session.status_message.emit(NOT_KEPT)
            return

        def take(is_there: bool) -> None:
            if project is not self._session.project:
                return
            if not is_there:
                self._session.status_message.emit(NOT_KEPT)
            elif self._session.change(lambda: project.set_model(path)):
                said = f"{ref.source} is the project's current model now."
                self._session.status_message.emit(said)
            self.refresh()

        self._asker.run(path.is_file, take, self._failed)

    def refresh(self, *_: object) -> None:
        """Say which model is the current one, and whether the one in view can be."""
        project = self._session.project
        model = None if project is None else project.model
        enable(self.use, self._why_not(self._sides.in_view))
        self.current.setText("")
        if model is not None:
            self.current.setText(f"{CURRENT} {self._source_of(model)}")
            self.current.setToolTip(f"The project's current model: {model}")
        self.current.setVisible(model is not None)

    def _source_of(self, model: Path) -> str:
        """Return a model's name as far as it is known; a thread asks whose it is."""
        if self._named == (model, ""):
            return model.stem
        if self._named[0] == model:
            return self._named[1]
        self._named = (model, "")

        def take(ref: CheckpointRef) -> None:
            self._named = (model, ref.source)
            self.refresh()

        self._namer.run(lambda: CheckpointRef.of_file(model), take, self._failed)
        return model.stem

    def _failed(self, error: BaseException) -> None:
        self._session.status_message.emit(sentence_of(error))

    def _why_not(self, ref: CheckpointRef | None) -> str | None:
        project = self._session.project
        if project is None or ref is None:
            return NOTHING
        if project.read_only:
            return READ_ONLY
        if ref.file is None:
            return NOT_KEPT
        return "It is the current model already." if project.model == ref.where else None

    def _on_project(self, *_: object) -> None:
        project = self._session.project
        if project is not None:
            connect(self, project.model_changed, self.refresh)
        self.refresh()
