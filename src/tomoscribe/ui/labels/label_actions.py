"""The actions of painting, by the names that the table of keys uses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tomoscribe.ui.labels.next_stroke import NextStroke
from tomoscribe.ui.labels.painter import LabelPainter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomoscribe.ui.session import Session


def label_actions(session: Session) -> dict[str, Callable[[], None]]:
    """Return the actions that mean painting while voxels are labelled."""
    painter = LabelPainter.of(session)
    return {
        "undo": painter.undo,
        "redo": painter.redo,
        "next_stroke": NextStroke.of(session).go,
        "add_under_cursor": partial(
            session.status_message.emit, "Q adds particles; here you paint voxels."
        ),
        **{f"class_{n}": partial(painter.choose, n) for n in range(10)},
    }
