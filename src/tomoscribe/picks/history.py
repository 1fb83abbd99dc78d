"""Undo and redo for one pick table."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from tomoscribe.picks.table import Edit

if TYPE_CHECKING:
    from tomoscribe.picks.table import Pick, PickTable

DEPTH = 1000
"""Edits that can be undone; older ones are forgotten, the picks themselves never."""


class History:
    """Applies edits to a table, and takes them back.

    Parameters
    ----------
    table : PickTable
        The table that is edited.
    depth : int
        Largest number of edits that can be undone.
    """

    def __init__(self, table: PickTable, depth: int = DEPTH) -> None:
        self._table = table
        self._done: deque[Edit] = deque(maxlen=depth)
        self._undone: list[Edit] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to bring back."""
        return bool(self._undone)

    @property
    def last(self) -> Edit | None:
        """The last edit that stands."""
        return self._done[-1] if self._done else None

    @property
    def next_undo(self) -> Edit | None:
        """The edit that `undo` would apply to the table."""
        return self._done[-1].inverse() if self._done else None

    @property
    def next_redo(self) -> Edit | None:
        """The edit that `redo` would apply to the table."""
        return self._undone[-1] if self._undone else None

    def push(self, edit: Edit) -> None:
        """Apply an edit and remember it; what was undone before is forgotten.

        Raises
        ------
        KeyError
            If the edit changes or removes a pick that the table does not hold.
        """
        check_applies(self._table, edit)
        # Remembered first: a listener of the table that fails must not cost the undo.
        self._done.append(edit)
        self._undone.clear()
        self._table.apply(edit)

    def undo(self) -> Edit | None:
        """Take the last edit back; return what was applied for it, or None if there is none."""
        edit = self.next_undo
        if edit is not None:
            self._undone.append(self._done.pop())
            self._table.apply(edit)
        return edit

    def redo(self) -> Edit | None:
        """Bring the last undone edit back; return it, or None if there is none."""
        edit = self.next_redo
        if edit is not None:
            self._done.append(self._undone.pop())
            self._table.apply(edit)
        return edit

    def rename_class(self, old: str, new: str) -> None:
        """Give a class its new name in what is remembered, so that no undo brings the old one back.

        Edits that only renamed it change nothing then, and are forgotten.
        """
        done = [_renamed(edit, old, new) for edit in self._done]
        undone = [_renamed(edit, old, new) for edit in self._undone]
        self._done = deque((e for e in done if e.before != e.after), maxlen=self._done.maxlen)
        self._undone = [e for e in undone if e.before != e.after]


def _renamed(edit: Edit, old: str, new: str) -> Edit:
    def rename(picks: tuple[Pick, ...]) -> tuple[Pick, ...]:
        return tuple(replace(p, class_name=new) if p.class_name == old else p for p in picks)

    return Edit(rename(edit.before), rename(edit.after))


def check_applies(table: PickTable, edit: Edit) -> None:
    """Check that the table holds every pick that the edit changes or removes.

    Raises
    ------
    KeyError
        If one is missing.
    """
    for pick in edit.before:
        if pick.id not in table:
            raise KeyError(pick.id)
