"""A project that is open elsewhere: said as long as it lasts, and taken over when it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

from tomoscribe.project.lock import may_be_edited
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.project.banner import Banner
from tomoscribe.ui.widgets import button, enable

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.session import Session

LOOK_MS = 2000
"""How often it is asked whether the other one has closed the project."""

READ_ONLY = "The project is open in another tomoscribe: here it is for reading only."
STILL = (
    f"{READ_ONLY} You can look, compare and follow trainings; close it there to edit here. "
    "Picks made there since are seen once you open the project again."
)
FREE = "Nobody else edits the project any more."


class ReadOnlyBanner(Banner):
    """Seen while the project is for reading only."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        self._session = session
        self.edit = button(
            "Edit here", "Opens the project again as it is now, to be edited here", self.take_over
        )
        super().__init__(self.edit, parent=parent)
        self._asker = Background(self, reads_only=True)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.ask)
        connect(self, session.project_changed, self.take_project)
        connect(self, session.closed, self._end)
        self.take_project()

    def take_project(self) -> None:
        """Begin to ask, or end, with the project that is open now."""
        project = self._session.project
        self._asker.drop()
        if project is None or not project.read_only:
            self._timer.stop()
            self.say("")
            return
        self._show(free=False)
        self._timer.start()

    def ask(self) -> None:
        """Ask, in a thread, whether the project may be edited now."""
        project = self._session.project
        if project is not None and project.read_only and not self._asker.busy:
            folder = project.path
            self._asker.run(lambda: may_be_edited(folder), lambda free: self._show(free=free))

    def take_over(self) -> None:
        """Open the project to edit it; where that fails, say so."""
        session = self._session
        session.change(session.reopen)

    def _show(self, *, free: bool) -> None:
        self.say(FREE if free else STILL)
        enable(self.edit, None if free else "Close the project in the other window first.")

    def _end(self) -> None:
        self._timer.stop()
        self._asker.close()
