"""TensorBoards that were opened from the viewer, and end with it."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices

from tomoscribe.training.tensorboard import TensorBoard
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.training.run import RunFolder
    from tomoscribe.ui.session import Session


class TensorBoards(SessionBound):
    """Starts TensorBoards of one viewer. Get it with `TensorBoards.of(session)`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._starter = Background()
        self._closed = False
        self.running: list[TensorBoard] = []
        session.closed.connect(self.close)
        atexit.register(self.close)  # a viewer that ends by an error closes no session

    def open(self, runs: Sequence[RunFolder]) -> None:
        """Show runs in the browser; what goes wrong is said where the user looks."""
        runs = list(runs)
        self._session.status_message.emit("Starting TensorBoard…")
        self._starter.run(lambda: self._start(runs), self._show, self._failed)

    def close(self) -> None:
        """End them all."""
        self._closed = True
        self._starter.close()
        while self.running:
            self.running.pop().close()
        atexit.unregister(self.close)

    def _start(self, runs: list[RunFolder]) -> str:
        self.running = [board for board in self.running if board.alive]
        board = TensorBoard(runs)
        self.running.append(board)
        if self._closed:  # while it was being started
            board.close()
        return board.wait()

    def _show(self, url: str) -> None:
        if QDesktopServices.openUrl(QUrl(url)):
            self._session.status_message.emit(f"TensorBoard is at {url} until the viewer closes.")
        else:
            self._session.status_message.emit(
                f"TensorBoard is at {url}, but no browser could be opened: open it there yourself."
            )

    def _failed(self, error: BaseException) -> None:
        self._session.status_message.emit(sentence_of(error))
