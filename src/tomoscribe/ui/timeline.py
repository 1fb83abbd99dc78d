"""One undo for picks and for patches: what was done last is taken back first.

The project remembers the picks' edits; of patches this room remembers what they were.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.project.model import Patch
    from tomoscribe.ui.session import Session

DEPTH = 1000
"""Steps that can be undone, as many as of picks alone."""

PICKS = None
"""Stands for an edit of picks, which the project knows."""

Step = tuple["tuple[Patch, ...]", "tuple[Patch, ...]"] | None


@dataclass
class _Steps:
    done: list[Step] = field(default_factory=list)
    undone: list[Step] = field(default_factory=list)


class Timeline:
    """The order of edits of picks and patches, a tomogram each."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._steps: dict[str, _Steps] = {}
        session.project_changed.connect(self._forget)

    def _forget(self) -> None:
        self._steps.clear()

    def note_picks(self) -> None:
        """Remember that picks were edited now."""
        self._push(PICKS)

    def paint(self, patches: Sequence[Patch]) -> None:
        """Set the patches of the current tomogram, and remember what they were."""
        session, project, entry = self._session, self._session.project, self._session.entry
        if project is None or entry is None:
            return
        before, after = tuple(entry.patches), tuple(patches)
        session.change(lambda: project.set_patches(entry.name, after))
        if tuple(entry.patches) != before:  # also where they could not be written
            self._push((before, after))

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back."""
        return self._can(self._of_current.done, "can_undo")

    @property
    def can_redo(self) -> bool:
        """Whether there is something to bring back."""
        return self._can(self._of_current.undone, "can_redo")

    def undo(self) -> None:
        """Take the last step back, of picks or of patches."""
        steps = self._of_current
        self._move("undo", steps.done, steps.undone)

    def redo(self) -> None:
        """Bring the last undone step back."""
        steps = self._of_current
        self._move("redo", steps.undone, steps.done)

    @property
    def _of_current(self) -> _Steps:
        return self._steps.setdefault(self._session.current or "", _Steps())

    def _push(self, step: Step) -> None:
        steps = self._of_current
        steps.done.append(step)
        del steps.done[:-DEPTH]
        steps.undone.clear()

    def _can(self, steps: list[Step], name: str) -> bool:
        project, current = self._session.project, self._session.current
        if project is None or current is None:
            return False
        return any(step is not PICKS for step in steps) or getattr(project.history(current), name)

    def _move(self, name: Literal["undo", "redo"], origin: list[Step], target: list[Step]) -> None:
        """Undo or redo the newest step of `origin`; one that is refused stays there."""
        step = origin[-1] if origin else PICKS
        if step is PICKS:
            well, made = self._history_step(name)
        else:
            well, made = self._set(step[0] if name == "undo" else step[1])
        if origin and (well or made):
            origin.pop()
        if made:
            target.append(step)

    def _history_step(self, name: Literal["undo", "redo"]) -> tuple[bool, bool]:
        """Undo or redo an edit of picks; return whether it was saved, and whether it was made.

        What cannot be written is made in memory all the same.
        """
        session, project, current = self._session, self._session.project, self._session.current
        if project is None or current is None:
            return False, False
        history = project.history(current)
        before = history.last
        well = session.change(lambda: getattr(project, name)(current))
        return well, history.last is not before

    def _set(self, patches: Sequence[Patch]) -> tuple[bool, bool]:
        """Set the patches; return whether they were saved, and whether they were set."""
        session, project, entry = self._session, self._session.project, self._session.entry
        if project is None or entry is None:
            return False, False
        well = session.change(lambda: project.set_patches(entry.name, patches))
        return well, list(entry.patches) == list(patches)
