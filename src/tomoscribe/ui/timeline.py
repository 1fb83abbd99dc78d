"""One undo for picks and for patches: what was done last is taken back first.

The project remembers the picks' edits; of patches this room remembers what they were.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
        if session.change(lambda: project.set_patches(entry.name, after)):
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
        step = steps.done.pop() if steps.done else PICKS
        if self._history_step("undo") if step is PICKS else self._set(step[0]):
            steps.undone.append(step)

    def redo(self) -> None:
        """Bring the last undone step back."""
        steps = self._of_current
        step = steps.undone.pop() if steps.undone else PICKS
        if self._history_step("redo") if step is PICKS else self._set(step[1]):
            steps.done.append(step)

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

    def _history_step(self, name: str) -> bool:
        """Undo or redo an edit of picks; return whether there was one."""
        project, current, there = self._session.project, self._session.current, False

        def step() -> None:
            nonlocal there
            there = getattr(project, name)(current)

        return project is not None and current is not None and self._session.change(step) and there

    def _set(self, patches: Sequence[Patch]) -> bool:
        project, current = self._session.project, self._session.current
        if project is None or current is None:
            return False
        return self._session.change(lambda: project.set_patches(current, patches))
