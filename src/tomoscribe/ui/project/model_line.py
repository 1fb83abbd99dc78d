"""The project's current model, with how good it was when it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QWidget
from superqt import QElidingLabel

from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.run import RunFolder
from tomoscribe.training.run_summary import ESTIMATED, RunSummary
from tomoscribe.ui import style
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.project.read_only import READ_ONLY
from tomoscribe.ui.widgets import button, enable

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.ui.session import Session

NONE = "No current model: Compare ▸ Use this one"
NONE_TIP = "The current model predicts. Train, then choose a checkpoint in the dock Compare."


class ModelWords(NamedTuple):
    """What is said of a model: its name, how good it is, and whether its file is gone."""

    name: str
    quality: str
    gone: bool


def model_words(path: Path) -> ModelWords:
    """Read what is known of a checkpoint file; in a thread, since it asks the disk."""
    ref = CheckpointRef.of_file(path)
    quality = ""
    if ref.run is not None:
        row = RunSummary(RunFolder(ref.run)).poll()
        scores = {info.name: info.score for info in row.checkpoints}
        score = scores.get(ref.name)
        quality = "" if score is None else f"{row.best_name or ESTIMATED} {score:.2f}"
    return ModelWords(ref.source, quality, not path.exists())


class ModelLine(QWidget):
    """Name and quality of the current model, and a button that takes it back."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._reader = Background(self, reads_only=True)
        self.label = QElidingLabel()
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.clear = button("✕", "Have no current model any more; its file stays", self._clear)
        self.clear.setFixedWidth(24)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.clear)
        connect(self, session.project_changed, self.take_project)
        connect(self, session.closed, self._reader.close)
        self.take_project()

    def take_project(self) -> None:
        """Follow the project that is open now."""
        project = self._session.project
        if project is not None:
            connect(self, project.model_changed, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Say which model is the current one; how good it is follows."""
        project = self._session.project
        path = None if project is None else project.model
        self._reader.drop()
        self.setVisible(project is not None)
        self.clear.setVisible(path is not None)
        enable(self.clear, None if project is None or not project.read_only else READ_ONLY)
        if path is None:
            self._say(NONE, NONE_TIP, style.quiet_text())
            return
        self._say(f"Model {CheckpointRef(path.stem).source}", str(path), "")
        self._reader.run(lambda: model_words(path), lambda words: self._take(path, words))

    def _take(self, path: Path, words: ModelWords) -> None:
        if words.gone:
            self._say(f"Model {words.name} is gone", f"{path} is not there.", style.BAD)
            return
        parts = [f"Model {words.name}", *([words.quality] if words.quality else [])]
        tip = f"The current model, which predicts: {path}"
        self._say(" · ".join(parts), f"{tip}\n{words.quality} when it was written", "")

    def _say(self, text: str, tip: str, colour: str) -> None:
        self.label.setText(text)
        self.label.setToolTip(tip)
        self.label.setStyleSheet(f"color: {colour};" if colour else "font-weight: 600;")

    def _clear(self) -> None:
        project = self._session.project
        if project is not None:
            self._session.change(lambda: project.set_model(None))
