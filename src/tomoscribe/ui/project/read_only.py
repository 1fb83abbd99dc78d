"""A project that is open elsewhere: said and followed as long as it lasts, then taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

from tomoscribe.project.following import Follower
from tomoscribe.project.lock import may_be_edited
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.connections import connect
from tomoscribe.ui.project.banner import Banner
from tomoscribe.ui.widgets import button, enable

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from tomoscribe.project.following import News
    from tomoscribe.ui.session import Session

LOOK_MS = 2000
"""How often it is asked what the other one has written, and whether it has closed the project."""

READ_ONLY = "The project is open in another tomoscribe: here it is for reading only."
STILL = (
    f"{READ_ONLY} You can look, compare and follow trainings; close it there to edit here. "
    "Picks made there appear here by themselves."
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
        self._follower: Follower | None = None
        self._failure = ""
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
        self._failure = ""
        if project is None or not project.read_only:
            self._follower = None
            self._timer.stop()
            self.say("")
            return
        self._follower = Follower(project)
        self._show(free=False)
        self._timer.start()

    def ask(self) -> None:
        """Ask, in a thread, what is new in the project, and whether it may be edited now."""
        follower, project = self._follower, self._session.project
        if follower is None or project is None or self._asker.busy:
            return
        folder = project.path

        def take(found: tuple[News | None, bool]) -> None:
            news, free = found
            self._failure = ""
            self._show(free=free)
            if news is not None and news.reopen:
                self.take_over()
            elif news is not None:
                follower.take(news)

        self._asker.run(lambda: (follower.look(), may_be_edited(folder)), take, self._failed)

    def take_over(self) -> None:
        """Open the project again, to edit it where that may be; where it fails, say so."""
        session = self._session
        session.change(session.reopen)

    def _show(self, *, free: bool) -> None:
        self.say(FREE if free else STILL)
        enable(self.edit, None if free else "Close the project in the other window first.")

    def _failed(self, error: BaseException) -> None:
        sentence = sentence_of(error)
        if sentence != self._failure:  # said once, not every two seconds
            self._failure = sentence
            self._session.status_message.emit(sentence)

    def _end(self) -> None:
        self._timer.stop()
        self._asker.close()
