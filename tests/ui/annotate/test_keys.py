"""One table of keys: complete, free of collisions, alive while a dock has the focus."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from napari.utils.shortcuts import default_shortcuts
from qtpy.QtCore import Qt
from qtpy.QtGui import QAction, QKeySequence
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDoubleSpinBox

from tomoscribe.ui import keys
from tomoscribe.ui.keys_overlay import KeysOverlay
from tomoscribe.ui.widgets import main_window

NAPARI_PAINTS = {
    "napari:new_label",
    "napari:decrease_brush_size",
    "napari:increase_brush_size",
    "napari:toggle_preserve_labels",
    "napari:activate_direct_mode",
    "napari:activate_labels_fill_mode",
    "napari:activate_labels_picker_mode",
    "napari:swap_selected_and_background_labels",
    "napari:activate_vertex_insert_mode",
}

SHIFT = Qt.KeyboardModifier.ShiftModifier


def test_no_key_and_no_action_is_given_twice() -> None:
    sequences = [s for key in keys.KEYS for s in (key.sequence, *key.also)]
    assert Counter(sequences).most_common(1)[0][1] == 1
    assert Counter(key.action for key in keys.KEYS).most_common(1)[0][1] == 1


def test_no_key_is_one_of_naparis_own(hands: Any) -> None:
    napari_keys = {
        QKeySequence(str(binding)).toString()
        for bindings in default_shortcuts.values()
        for binding in bindings
    }
    window = main_window(hands.dock)
    menu_keys = {
        s.toString() for a in window.findChildren(QAction) for s in a.shortcuts() if not s.isEmpty()
    }
    ours = {QKeySequence(s).toString() for key in keys.KEYS for s in (key.sequence, *key.also)}
    # Napari's undo and redo work on Labels layers only, and have them first there.
    shared = {QKeySequence(key.sequence).toString() for key in keys.KEYS if key.napari_first}
    assert ours & (napari_keys | menu_keys) <= {"Ctrl+Z", "Ctrl+Shift+Z"} | shared
    while_painting = {
        QKeySequence(str(binding)).toString()
        for name, bindings in default_shortcuts.items()
        for binding in bindings
        if name in NAPARI_PAINTS
    }
    assert shared <= while_painting


def test_keys_that_painting_needs_are_napari_s_while_labels_are_active(hands: Any) -> None:
    labels = hands.viewer.add_labels(np.zeros((16, 64, 48), np.uint8), scale=(10, 10, 10))
    labels.units = hands.session.layer.units
    hands.viewer.layers.selection.active = labels
    size = labels.brush_size
    before = len(hands.messages)
    hands.key(Qt.Key.Key_BracketRight)
    assert (labels.brush_size, len(hands.messages)) == (size + 1, before)
    hands.viewer.layers.remove(labels)
    hands.session.picks.activate()
    hands.key(Qt.Key.Key_BracketRight)
    assert len(hands.messages) > before


def test_the_overlay_lists_every_key() -> None:
    listed = " ".join(key for _, lines in keys.table() for key, _ in lines)
    for key in keys.KEYS:
        if not key.action.startswith("class_"):
            assert key.sequence in listed
    assert "Shift+1 … 9" in listed


def test_question_mark_shows_the_keys_and_hides_them_again(hands: Any) -> None:
    hands.key(Qt.Key.Key_Question, SHIFT)
    overlay = main_window(hands.dock).findChild(KeysOverlay)
    assert overlay is not None
    assert overlay.isVisible()
    hands.key(Qt.Key.Key_Question, SHIFT)
    assert not overlay.isVisible()


def test_a_key_without_an_action_says_so(hands: Any) -> None:
    hands.session.actions.pop("accept", None)
    hands.key(Qt.Key.Key_G)
    assert hands.messages[-1].startswith("G (accept the proposal")


def test_a_key_works_while_a_dock_has_the_focus(hands: Any) -> None:
    hands.dock.classes.table.setFocus()
    called: list[str] = []
    hands.session.actions["accept"] = lambda: called.append("accept")
    QTest.keyClick(hands.dock.classes.table, Qt.Key.Key_G)
    assert called == ["accept"]
    del hands.session.actions["accept"]


def test_text_fields_keep_their_keys(hands: Any) -> None:
    field = QDoubleSpinBox(hands.dock)
    field.show()
    field.setFocus()
    field.selectAll()
    hands.click((8.0, 30.0, 20.0))
    field.setFocus()
    hands.settle()
    QTest.keyClick(field.lineEdit(), Qt.Key.Key_Comma)
    assert hands.session.picks.selected_ids() == []
    field.deleteLater()
