"""Where whoever works in the background tells of it, for the one line that says it all."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from psygnal import Signal

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from tomoscribe.ui.session import Session

_activities: weakref.WeakKeyDictionary[ViewerModel, Activity] = weakref.WeakKeyDictionary()


class Activity:
    """What goes on, by who does it. Get it with `Activity.of(session)`."""

    changed = Signal()

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    @classmethod
    def of(cls, session: Session) -> Activity:
        """Return the one of a session."""
        viewer = session.viewer
        if viewer not in _activities:
            _activities[viewer] = cls()
        return _activities[viewer]

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
