"""*Use this one*: the checkpoint in view becomes the project's current model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.run import RunFolder
from tomoscribe.ui import style
from tomoscribe.ui.compare.checkpoint_rows import CURRENT
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.connections import connect
from tomoscribe.ui.widgets import button, enable, hint

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

TIP = (
    "Makes the checkpoint in view the project's current model: `tomoscribe predict PROJECT` and "
    "scripts use it. Nothing is copied."
)


class UseModel(QWidget):
    """The button, and which model is the current one."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._sides = Sides.of(session)
        self.use = button("Use this one", TIP, self.use_in_view)
        self.current = hint()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addWidget(self.use)
        layout.addWidget(self.current)
        connect(self, self._sides.changed, self.refresh)
        connect(self, session.project_changed, self._on_project)
        self._on_project()

    def use_in_view(self) -> None:
        """Make the checkpoint in view the current model."""
        project, ref = self._session.project, self._fresh()
        if project is None or ref is None or ref.file is None:
            self.refresh()
            return
        path = ref.file
        if self._session.change(lambda: project.set_model(path)):
            self._session.status_message.emit(f"{ref.source} is the project's current model now.")

    def refresh(self, *_: object) -> None:
        """Say which model is the current one, and whether the one in view can be."""
        project, ref = self._session.project, self._sides.in_view
        model = None if project is None else project.model
        enable(self.use, self._why_not(ref))
        if model is None:
            self.current.setText("")
        else:
            self.current.setText(f"{CURRENT} {CheckpointRef.of_file(model).source}")
            self.current.setToolTip(f"The project's current model: {model}")
        self.current.setVisible(model is not None)

    def _why_not(self, ref: CheckpointRef | None) -> str | None:
        project = self._session.project
        if project is None or ref is None:
            return "There is no checkpoint in view yet: train first, or open a checkpoint file."
        if project.read_only:
            return "The project is open for reading only here."
        if ref.file is None:
            return "The weights of this checkpoint were not kept; move the slider to another."
        if project.model == ref.where:
            return "It is the current model already."
        return None

    def _fresh(self) -> CheckpointRef | None:
        """Return the checkpoint in view as the disk knows it now: its weights may be gone."""
        ref = self._sides.in_view
        if ref is None or ref.run is None:
            return ref if ref is None or (ref.file is not None and ref.file.is_file()) else None
        return CheckpointRef.of_run(RunFolder(ref.run), ref.name)

    def _on_project(self, *_: object) -> None:
        project = self._session.project
        if project is not None:
            connect(self, project.model_changed, self.refresh)
        self.refresh()
