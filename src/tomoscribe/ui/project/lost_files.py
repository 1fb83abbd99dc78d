"""Files of the project that are gone: asked about once a folder, and found where they are now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtWidgets import QFileDialog

from tomoscribe.project.relocate import find_again, find_lost, used_files, words_of
from tomoscribe.ui import style
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.connections import connect
from tomoscribe.ui.project.banner import Banner
from tomoscribe.ui.project.read_only import READ_ONLY
from tomoscribe.ui.widgets import button, enable

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from tomoscribe.project.relocate import Lost
    from tomoscribe.project.store import Project
    from tomoscribe.ui.session import Session


class LostFilesBanner(Banner):
    """Seen while files are gone that were not put off; `moved` tells that some were found.

    One folder is asked about at a time. "Not now" is remembered until the project is opened again.
    """

    moved = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        self._session = session
        self.choose = button(
            "Find them…",
            "Choose the folder that they were moved to: files are looked for at the same places "
            "below it, then by their names",
            self.ask_folder,
        )
        self.later = button("Not now", "Go on without these files; picks are kept", self.put_off)
        self.back = button("Undo", "Let the project use the old places again", self.take_back)
        super().__init__(self.back, self.later, self.choose, colour=style.BAD, parent=parent)
        self._searcher = Background(self, reads_only=True)
        self._lost: list[Lost] = []
        self._put_off: set[Path] = set()
        self._undo: dict[Path, Path] = {}
        connect(self, session.project_changed, self.take_project)
        connect(self, session.closed, self._searcher.close)
        self.take_project()

    @property
    def lost(self) -> Lost | None:
        """What is asked about now."""
        return next((lost for lost in self._lost if lost.folder not in self._put_off), None)

    def take_project(self) -> None:
        """Look, in a thread, what of the project that is open now is gone."""
        self._searcher.drop()
        self._put_off.clear()
        self._undo = {}
        self._show_lost([])
        self.look()

    def look(self) -> None:
        """Look again what is gone."""
        project = self._session.project
        if project is not None:
            files = used_files(project)
            self._searcher.run(lambda: find_lost(files), self._show_lost)

    def ask_folder(self) -> None:
        """Ask where the files are now, and look there."""
        if self.lost is not None:
            title = f"Where are the files of {self.lost.folder} now?"
            start = next(p for p in (self.lost.folder, *self.lost.folder.parents) if p.name)
            chosen = QFileDialog.getExistingDirectory(self, title, str(start.parent))
            if chosen:
                self.search(Path(chosen))

    def search(self, folder: Path) -> None:
        """Look for what is asked about in a folder, in a thread."""
        project, lost = self._session.project, self.lost
        if project is None or lost is None:
            return
        self.label.setText(f"Looking in {folder} …")

        def found(moved: dict[Path, Path]) -> None:
            if self._session.project is project:
                self._move(project, lost, folder, moved)

        self._searcher.run(lambda: find_again(lost, folder), found, self._failed)

    def put_off(self) -> None:
        """Ask no more about this folder until the project is opened again."""
        if self.lost is not None:
            self._put_off.add(self.lost.folder)
        else:
            self._undo = {}
        self._show_lost(self._lost)

    def take_back(self) -> None:
        """Use the old places of what was found last."""
        project, undo = self._session.project, self._undo
        if project is not None and undo:
            self._undo = {}
            self._session.change(lambda: project.move_files(undo))
            self.moved.emit()
            self.look()

    def _move(self, project: Project, lost: Lost, folder: Path, moved: dict[Path, Path]) -> None:
        if not moved:
            self._show_lost(self._lost)
            self.label.setText(f"{lost.words} None of them is below {folder}.")
            return
        session = self._session
        if session.change(lambda: project.move_files(moved)):
            self._undo = {new: old for old, new in moved.items()}
            session.status_message.emit(words_of(moved, lost))
            self.moved.emit()
            if session.current is None and project.tomograms:
                session.show(next(iter(project.tomograms)))
        self.look()

    def _show_lost(self, found: list[Lost]) -> None:
        self._lost = found
        lost, project = self.lost, self._session.project
        self.choose.setVisible(lost is not None)
        self.back.setVisible(bool(self._undo))
        self.later.setText("Not now" if lost is not None else "OK")
        if lost is not None:
            others = sum(one.folder not in self._put_off for one in found) - 1
            more = f" So it is in {others} more folder{'s' * (others != 1)}." if others else ""
            self.say(lost.words + more)
        else:
            count = len(self._undo)
            self.say(f"{count} file{'s' * (count != 1)} found again." if count else "")
        read_only = project is not None and project.read_only
        for widget in (self.choose, self.back):
            enable(widget, READ_ONLY if read_only else None)

    def _failed(self, error: BaseException) -> None:
        self._show_lost(self._lost)
        self._session.status_message.emit(
            f"That folder cannot be looked through: {sentence_of(error)}"
        )
