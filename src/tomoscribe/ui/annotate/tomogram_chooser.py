"""Which tomogram is shown and what it is used for; asks for a voxel size that no header tells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.model import Role
from tomoscribe.ui import style
from tomoscribe.ui.annotate.tomogram_menu import TomogramMenu
from tomoscribe.ui.connections import connect
from tomoscribe.ui.voxel_size_field import VoxelSizeField
from tomoscribe.ui.widgets import button, enable, heading, hint, row

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

ROLE_TIPS = {
    Role.TRAIN: "Its picks train the model.",
    Role.VALIDATE: "Its picks only measure the model; it never trains on them.",
    Role.UNUSED: "Neither trains nor validates.",
}
BY_MEMBRANE = "by membrane"
BY_MEMBRANE_TIP = "Each of its membranes has a role of its own; the volume itself does not train."
LIKELY_VOXEL_SIZE_A = 10.0
"""Offered where neither header nor reader has a hint: the usual binned tomogram."""


class VoxelSizeForm(QFrame):
    """Asks, in line, for the voxel size of a volume that does not tell it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.question = hint()
        self.use = button("Use", "Open the tomogram with this voxel size", self.answer)
        self.voxel_size = VoxelSizeField(self.use)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addWidget(self.question)
        layout.addWidget(self.voxel_size)
        layout.addWidget(self.use)
        connect(self, session.pending_changed, self.ask)
        self.ask(session.pending)

    def ask(self, path: str | None) -> None:
        """Show the question for a volume, or hide it."""
        self.setVisible(path is not None)
        volume = self._session.volume
        if path is None or volume is None:
            return
        why = volume.notes[0] if volume.notes else "The file does not tell the voxel size."
        self.question.setText(f"{Path(path).name}: {why} What is it?")
        self.voxel_size.show_size(volume.hint_A or LIKELY_VOXEL_SIZE_A)

    def answer(self) -> None:
        """Open the pending volume with the size in the field."""
        self._session.change(lambda: self._session.answer_voxel_size(self.voxel_size.size))


class TomogramChooser(QWidget):
    """Project name, tomogram, role, and buttons to open more."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.title = heading("")
        self.open_button = button(
            "Open…",
            "Open tomograms or pick files; dropping them on the viewer does the same",
            self.ask_files,
        )
        self.project_button = button("Project…", "Open a project folder", self.ask_project)
        self.tomogram = QComboBox()
        self.tomogram.setToolTip("The tomogram that is shown")
        self.tomogram.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.role = QComboBox()
        self.role.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for value in Role:
            self.role.addItem(str(value), value)
        self.menu = TomogramMenu(session, lambda: self.selected, self)
        self.more = button("…", "Mend this tomogram's voxel size, or remove it", self._open_menu)
        self.more.setFixedWidth(28)
        self.form = VoxelSizeForm(session)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addLayout(row(self.title, self.open_button, self.project_button, stretch=0))
        layout.addLayout(row(self.tomogram, self.role, self.more, stretch=0))
        layout.addWidget(self.form)
        self.tomogram.activated.connect(self._choose)
        self.role.activated.connect(self._set_role)
        connect(self, session.project_changed, self._on_project)
        connect(self, session.current_changed, self.refresh)
        connect(self, session.pending_changed, self.refresh)
        self._on_project()

    def _on_project(self) -> None:
        project = self._session.project
        if project is not None:
            connect(self, project.tomograms_changed, self.refresh)
            connect(self, project.membranes_changed, self._show_role)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the project's tomograms as they are."""
        project, current = self._session.project, self._session.current
        self.title.setText(project.name if project else "No project")
        self.title.setToolTip(str(project.path) if project else "")
        self.tomogram.clear()
        names = list(project.tomograms) if project else []
        self.tomogram.addItems(names)
        if self._session.pending is not None:
            self.tomogram.addItem(Path(self._session.pending).name)
            self.tomogram.setCurrentIndex(self.tomogram.count() - 1)
        elif current in names:
            self.tomogram.setCurrentIndex(names.index(current))
        if not names and self._session.pending is None:
            self.tomogram.addItem("no tomogram")
        enable(self.tomogram, None if names else "Open or drop a tomogram first.")
        self._show_role()

    @property
    def selected(self) -> str | None:
        """The tomogram of the project that is chosen here, also where it cannot be shown."""
        names = list(self._session.project.tomograms) if self._session.project else []
        index = self.tomogram.currentIndex()
        return names[index] if 0 <= index < len(names) else None

    def _show_role(self, *_: object) -> None:
        project, name = self._session.project, self.selected
        entry = None if project is None or name is None else project.tomograms[name]
        enable(self.role, None if entry else "Open a tomogram first.")
        enable(self.more, None if entry else "Open a tomogram first.")
        if entry is not None:
            on_membranes = project is not None and any(
                m.tomogram == name and m.role is not Role.UNUSED for m in project.membranes.values()
            )
            unused = list(Role).index(Role.UNUSED)
            self.role.setItemText(unused, BY_MEMBRANE if on_membranes else str(Role.UNUSED))
            self.role.setCurrentIndex(list(Role).index(entry.role))
            by_membrane = on_membranes and entry.role is Role.UNUSED
            tip = BY_MEMBRANE_TIP if by_membrane else ROLE_TIPS[entry.role]
            self.role.setToolTip(f"What this tomogram is used for. {tip}")

    def _choose(self, index: int) -> None:
        project = self._session.project
        if project is not None and index < len(project.tomograms):
            name = list(project.tomograms)[index]
            if name != self._session.current or self._session.layer is None:
                self._session.show(name)
                self._show_role()

    def _set_role(self, index: int) -> None:
        project, name = self._session.project, self.selected
        if project is not None and name is not None:
            self._session.change(lambda: project.set_role(name, list(Role)[index]))

    def _open_menu(self) -> None:
        self.menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def ask_files(self) -> None:
        """Ask for files and open them."""
        names, _ = QFileDialog.getOpenFileNames(
            self, "Open tomograms or picks", self._start_folder()
        )
        self._open([Path(name) for name in names])

    def ask_project(self) -> None:
        """Ask for a project folder and open it."""
        name = QFileDialog.getExistingDirectory(self, "Open a project", self._start_folder())
        self._open([Path(name)] if name else [])

    def _start_folder(self) -> str:
        project = self._session.project
        return str(project.path.parent) if project else ""

    def _open(self, paths: list[Path]) -> None:
        if not paths:
            return
        try:
            self._session.open_paths(paths)
        except TomoscribeError as error:
            self._session.status_message.emit(str(error))
