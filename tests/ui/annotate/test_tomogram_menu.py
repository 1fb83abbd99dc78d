"""A tomogram leaves the project, or gets another voxel size, from the menu beside its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qtpy.QtWidgets import QInputDialog, QMessageBox

from tomoscribe.project.store import Project


def test_a_removed_tomogram_makes_room_for_the_next(
    hands: Any, reopened: Callable[[], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def yes(_parent: object, _title: str, question: str, *_: object) -> Any:
        asked.append(question)
        return QMessageBox.StandardButton.Yes

    monkeypatch.setattr(QMessageBox, "question", yes)
    session = hands.session
    file = session.project.tomograms["one"].path
    session.edit(session.entry.picks.make_add([[8, 20, 20]], "ribosome"))
    hands.dock.chooser.menu.removal.trigger()
    assert "1 pick " in asked[0]
    assert session.current == "two"
    assert hands.dock.chooser.tomogram.currentText() == "two"
    assert list(reopened().tomograms) == ["two"]
    assert file.exists()
    hands.dock.chooser.menu.removal.trigger()
    assert len(asked) == 1
    assert session.current is None
    assert not hands.dock.chooser.more.isEnabled()


def test_a_tomogram_whose_file_is_gone_can_be_chosen_and_removed(hands: Any) -> None:
    session, chooser = hands.session, hands.dock.chooser
    session.project.tomograms["two"].path.unlink()
    chooser.tomogram.setCurrentIndex(1)
    chooser.tomogram.activated.emit(1)
    hands.until(lambda: "two.mrc" in (hands.messages or [""])[-1], "the sentence")
    assert session.current == "one"
    assert chooser.selected == "two"
    chooser.menu.removal.trigger()
    assert list(session.project.tomograms) == ["one"]
    assert (session.current, chooser.selected) == ("one", "one")


def test_another_voxel_size_is_saved_and_shown_at_once(
    hands: Any, reopened: Callable[[], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, text: ("1.25 nm", True))
    session = hands.session
    session.edit(session.entry.picks.make_add([[8, 20, 20]], "ribosome"))
    hands.dock.chooser.menu.voxel_size.trigger()
    assert reopened().tomograms["one"].voxel_size_A == 12.5
    np.testing.assert_allclose(session.layer.scale, (12.5,) * 3)
    np.testing.assert_allclose(session.picks.layer.scale, (12.5,) * 3)
    np.testing.assert_allclose(session.picks.layer.data, [[8, 20, 20]])
    np.testing.assert_allclose(session.picks.layer.size, [8.0])
