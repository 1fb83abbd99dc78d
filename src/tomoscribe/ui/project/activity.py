"""Where whoever works in the background tells of it, for the one line that says it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session


class Activity(SessionBound):
    """What goes on, by who does it. Get it with `Activity.of(session)`."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._told: dict[str, str] = {}

    def tell(self, who: str, words: str) -> None:
        """Say what `who` does, as "meshing 40 %"; nothing when it has ended."""
        before = self._told.pop(who, "")
        if words:
            self._told[who] = words
        if words != before:
            self.changed.emit()

    @property
    def words(self) -> list[str]:
        """What goes on, as it was told."""
        return list(self._told.values())
