"""What is made once for a session, when somebody first asks for it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from tomoscribe.ui.session import Session


class SessionBound:
    """One object a session. Get it with `of`; a subclass says what it is for.

    It is kept as long as the session's viewer, which it must not hold: the session holds it weakly.
    """

    _made: weakref.WeakKeyDictionary[ViewerModel, Self]

    def __init_subclass__(cls) -> None:
        cls._made = weakref.WeakKeyDictionary()

    def __init__(self, session: Session) -> None:
        """Begin to follow a session."""

    @classmethod
    def of(cls, session: Session) -> Self:
        """Return the one of a session."""
        viewer = session.viewer
        if viewer not in cls._made:
            cls._made[viewer] = cls(session)
        return cls._made[viewer]
