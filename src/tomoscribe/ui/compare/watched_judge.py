"""What judges in the background while somebody looks, soon after something has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

from tomoscribe.ui.background import Background
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session


class WatchedJudge(SessionBound):
    """Judges in a thread while it is watched.

    Changes that come together, within `soon_ms`, are judged together. With `postpones` each of
    them is waited for anew; otherwise changes that keep coming let an answer through.
    """

    soon_ms: int
    postpones: bool

    def __init__(self, session: Session) -> None:
        self._watchers = 0
        self._thread = Background(reads_only=True)
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(self.soon_ms)
        self._timer.timeout.connect(self.judge)
        session.closed.connect(self.close)

    def judge(self) -> None:
        """Judge what is known by now; when nobody looks, forget what was judged."""
        raise NotImplementedError

    def watch(self, on: bool) -> None:
        """Judge while somebody looks; calls with True are counted."""
        self._watchers = max(self._watchers + (1 if on else -1), 0)
        if self._watchers:
            self._timer.start()
        else:
            self._timer.stop()
            self.judge()  # at once: marks must go before those who draw them

    @property
    def busy(self) -> bool:
        """Whether something is being judged, or is about to be."""
        return self._thread.busy or self._timer.isActive()

    def close(self) -> None:
        """End the thread."""
        self._timer.stop()
        self._thread.close()

    def _soon(self, *_: object) -> None:
        if self._watchers and (self.postpones or not self._timer.isActive()):
            self._timer.start()
