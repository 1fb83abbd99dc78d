"""Every key of tomoscribe, in one table, and how keys reach the session's actions.

Qt shortcuts of the window are used, not napari's key bindings: they follow the keyboard's
layout (Shift+1 is `!` on one and `+` on another), work while a dock has the focus, and
leave text fields alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Labels, Shapes
from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QKeySequence, QShortcut

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.session import Session


@dataclass(frozen=True)
class Key:
    """A key, the name of the session's action that it calls, and what it does in a few words.

    `also` are further ways in which layouts and input methods tell the same key. A key that is
    napari's own on Labels or Shapes stays napari's while one of these is active: `napari_first`.
    """

    sequence: str
    action: str
    text: str
    group: str
    also: tuple[str, ...] = ()
    napari_first: bool = False


PICKING, LABELS, MEMBRANES, REVIEW, COMPARE, VIEW = GROUPS = (
    "Picking", "Labels", "Membranes", "Review", "Checkpoints", "View"
)  # fmt: skip

KEYS: tuple[Key, ...] = (
    Key("Q", "add_under_cursor", "add a pick under the cursor", PICKING),
    Key("Shift+0", "class_0", "paint background", LABELS),
    Key("Shift+Q", "take_object", "lock the predicted object under the cursor", LABELS),
    Key("Shift+N", "next_stroke", "fly to where a stroke tells most", LABELS),
    *(
        Key(f"Shift+{n}", f"class_{n}", f"class {n}, also of the selected picks", PICKING)
        for n in range(1, 10)
    ),
    Key("X", "junk", "junk: no particle of any class", PICKING, napari_first=True),
    Key(",", "previous_pick", "fly to the previous pick", PICKING),
    Key(".", "next_pick", "fly to the next pick", PICKING),
    Key("Ctrl+Z", "undo", "undo", PICKING),
    Key("Ctrl+Shift+Z", "redo", "redo", PICKING),
    Key("M", "next_membrane", "next membrane of the list", MEMBRANES, napari_first=True),
    Key("Shift+M", "previous_membrane", "previous membrane", MEMBRANES),
    Key("[", "turn_left", "turn the selected pick by 5°", MEMBRANES, napari_first=True),
    Key("]", "turn_right", "turn it the other way", MEMBRANES, napari_first=True),
    Key("B", "toggle_brush", "brush for complete patches", MEMBRANES, napari_first=True),
    Key("Shift+B", "toggle_eraser", "brush that takes patches back", MEMBRANES),
    Key("D", "depth_out", "paint the density further outside", MEMBRANES, napari_first=True),
    Key("Shift+D", "depth_in", "paint it further inside", MEMBRANES),
    Key("G", "accept", "accept the proposal, go to the next", REVIEW),
    Key("H", "reject", "reject the proposal, go to the next", REVIEW),
    Key("N", "next_uncertain", "fly to the next proposal", REVIEW),
    Key("L", "next_place", "fly to where a label tells most", REVIEW, napari_first=True),
    Key("F", "next_mismatch", "fly to the next missed or extra one", REVIEW, napari_first=True),
    Key("Shift+F", "previous_mismatch", "fly to the one before", REVIEW),
    Key("J", "older_checkpoint", "show the older checkpoint", COMPARE),
    Key("K", "newer_checkpoint", "show the newer checkpoint", COMPARE),
    Key("Shift+K", "play_checkpoints", "play through the checkpoints", COMPARE),
    Key("U", "blink", "blink between checkpoints A and B", COMPARE),
    Key("Shift+U", "side_by_side", "A and B side by side", COMPARE),
    Key("I", "difference", "difference of B and A", COMPARE, napari_first=True),
    Key("W", "toggle_plane", "slice or 3D: membrane, else a plane", VIEW),
    Key("Shift+W", "toggle_averaging", "mean of slices or single slice", VIEW),
    Key("?", "show_keys", "show these keys", VIEW, ("Shift+?", "Shift+/")),
)

NAPARI_KEYS: tuple[tuple[str, str], ...] = (
    ("click", "add a pick; on a pick: select it"),
    ("drag a pick", "move it"),
    ("Backspace", "delete the selected picks"),
    ("Ctrl+wheel", "next or previous slice, or move the plane"),
)
"""What the mouse and napari's own keys do, for the overlay."""

LABEL_KEYS: tuple[tuple[str, str], ...] = (
    ("Shift+1 … 9", "paint this class"),
    ("M", "paint a new object"),
    ("2  4  1  5  6", "brush, bucket, eraser, picker, move"),
    ("[  ]", "smaller or larger brush"),
    ("right button", "encircle and fill"),
)

MEMBRANE_MOUSE: tuple[tuple[str, str], ...] = (
    ("click the mesh", "add a pick with its normal"),
    ("click near an outline", "add one on the membrane there"),
    ("Alt+click", "add one exactly there, on no membrane"),
    ("drag the arrow", "turn the selected pick"),
    ("Alt+wheel", "paint the density further out or in"),
)

REPEATED = {
    "previous_pick",
    "next_pick",
    "turn_left",
    "turn_right",
    "undo",
    "redo",
    "depth_out",
    "depth_in",
}
"""Actions that go on while the key is held."""


def table() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the groups of (key, text) as the overlay shows them, class keys in one row."""
    groups: dict[str, list[tuple[str, str]]] = {name: [] for name in GROUPS}
    groups[PICKING] += NAPARI_KEYS
    groups[LABELS] += LABEL_KEYS
    groups[MEMBRANES] += MEMBRANE_MOUSE
    for key in KEYS:
        if key.action == "class_1":
            groups[key.group].append(("Shift+1 … 9", "class of the next and the selected picks"))
        elif not key.action.startswith("class_") or key.action == "class_0":
            groups[key.group].append((key.sequence, key.text))
    return list(groups.items())


class KeyMap(QObject):
    """Connects the keys of one window to the actions of its session."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._yielding: list[QShortcut] = []
        for key in KEYS:
            for sequence in (key.sequence, *key.also):
                shortcut = QShortcut(QKeySequence(sequence), window)
                shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
                shortcut.setAutoRepeat(key.action in REPEATED)
                shortcut.activated.connect(partial(self.press, key))
                if key.napari_first:
                    self._yielding.append(shortcut)
        session.viewer.layers.selection.events.active.connect(self._on_active)

    def _on_active(self) -> None:
        active = self._session.viewer.layers.selection.active
        for shortcut in self._yielding:
            shortcut.setEnabled(not isinstance(active, (Labels, Shapes)))

    def press(self, key: Key) -> None:
        """Do what a key stands for, or say that nothing does it now."""
        action = self._session.actions.get(key.action)
        if action is None:
            self._session.status_message.emit(
                f"{key.sequence} ({key.text}): there is nothing for it to do yet."
            )
        else:
            action()
