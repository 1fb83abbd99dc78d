"""The dock says what to do, what is selected, what is saved, and why something cannot be done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.table import PickState
from tomoscribe.project.model import ParticleClass, Role
from tomoscribe.ui.annotate.class_table import COUNT, DIAMETER, parse_diameter
from tomoscribe.ui.annotate.instant import SOURCE, question_of
from tomoscribe.ui.annotate.save_line import saved_text
from tomoscribe.ui.annotate.task_card import TARGET, card_text
from tomoscribe.ui.class_rows import NAME


def add(hands: Any, count: int, **fields: Any) -> None:
    places = [[8.0, 4.0 + 2 * i, 20.0] for i in range(count)]
    hands.session.edit(hands.session.entry.picks.make_add(places, "ribosome", **fields))


def test_the_card_counts_clicks_and_then_sends_to_training(hands: Any) -> None:
    add(hands, 3)
    assert hands.dock.card.progress.text() == f"3 / {TARGET}"
    assert hands.dock.card.title.text() == "Click 20 particles of ribosome"
    add(hands, TARGET)
    assert "enough to train" in hands.dock.card.title.text()


def test_what_a_model_found_is_no_click(hands: Any) -> None:
    add(hands, 2, source="run/step_1", scores=[0.9, 0.8])
    add(hands, 1, state=PickState.REJECTED)
    assert hands.dock.card.progress.value == 0
    assert hands.dock.counts.text() == "2 accepted · 1 rejected"


def test_without_a_tomogram_the_card_says_how_to_open_one() -> None:
    assert "Open Sample" in card_text(0, None, has_tomogram=False)[1]
    assert card_text(0, None, has_tomogram=False, asking=True)[0] == "Enter the voxel size"


def test_disabled_buttons_say_why(hands: Any) -> None:
    assert hands.dock.undo.toolTip() == "There is nothing to undo."
    assert hands.dock.export.toolTip() == "There are no picks to export yet."
    add(hands, 1)
    assert hands.dock.undo.isEnabled()
    assert "Ctrl+Z" in hands.dock.undo.toolTip()
    assert hands.dock.export.isEnabled()
    assert "1 picks have this class" in hands.dock.classes.remove_button.toolTip()


def test_undo_and_redo_buttons_do_what_they_say(hands: Any) -> None:
    add(hands, 1)
    hands.dock.undo.click()
    assert hands.picks == []
    hands.dock.redo.click()
    assert len(hands.picks) == 1


def test_the_chooser_switches_tomogram_and_role(hands: Any) -> None:
    chooser = hands.dock.chooser
    chooser.tomogram.setCurrentIndex(1)
    chooser.tomogram.activated.emit(1)
    hands.until(lambda: hands.session.current == "two", "the other tomogram")
    assert chooser.role.currentText() == "validate"
    chooser.role.activated.emit(list(Role).index(Role.UNUSED))
    assert hands.session.project.tomograms["two"].role == Role.UNUSED


def test_names_and_diameters_are_edited_in_the_table(hands: Any) -> None:
    add(hands, 2)
    table = hands.dock.classes.table
    table.item(0, DIAMETER).setText("240 Å")
    table.item(0, NAME).setText("80S")
    assert hands.session.classes[0] == ParticleClass("80S", 240.0)
    assert {p.class_name for p in hands.picks} == {"80S"}
    assert table.item(0, COUNT).text() == "2"
    np.testing.assert_allclose(hands.session.picks.layer.size, [24.0, 24.0])


def test_a_class_name_that_is_taken_is_refused_in_one_sentence(hands: Any) -> None:
    hands.dock.classes.table.item(0, NAME).setText("proteasome")
    assert [c.name for c in hands.session.classes] == ["ribosome", "proteasome"]
    assert "'ribosome' stays" in hands.messages[-1]


def test_classes_are_added_with_free_names_and_removed_when_unused(hands: Any) -> None:
    hands.dock.classes.add()
    assert hands.session.active_class == "particle 1"
    assert len({c.color for c in hands.session.classes}) == 3
    hands.dock.classes.remove()
    assert len(hands.session.classes) == 2


@pytest.mark.parametrize(
    ("text", "diameter"), [("150 Å", 150), ("87,5", 87.5), ("wide", 100), ("-3", 100)]
)
def test_a_diameter_is_read_with_or_without_its_unit(text: str, diameter: float) -> None:
    assert parse_diameter(text, ParticleClass("a", 100.0)) == diameter


def test_the_voxel_size_is_asked_for_in_the_dock(hands: Any, tmp_path: Path) -> None:
    path = tmp_path / "unknown.mrc"
    with mrcfile.new(path) as file:
        file.set_data(np.zeros((4, 16, 16), np.float32))
        file.voxel_size = 0.0
    hands.session.open_paths([path])
    form = hands.dock.chooser.form
    assert form.isVisible()
    assert "unknown.mrc" in form.question.text()
    form.voxel_size.text.setText("0.75 nm")
    form.use.click()
    assert not form.isVisible()
    assert hands.session.entry.voxel_size_A == 7.5


def test_the_save_line_tells_the_age_and_what_went_wrong(
    hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(hands, 1)
    assert hands.dock.line.saved.text() == "saved just now"

    def full(*_: object) -> None:
        raise TomoscribeError("There is no space left on the disk.")

    monkeypatch.setattr("tomoscribe.picks.journal.Journal.append", full)
    hands.click((8.0, 50.0, 40.0))
    assert len(hands.picks) == 2
    assert hands.dock.line.message.text() == "There is no space left on the disk."
    assert hands.dock.line.message.isVisible()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "saved just now"), (42, "saved 42 s ago"), (600, "saved 10 min ago")],
)
def test_ages_are_told_in_words(seconds: float, text: str) -> None:
    assert saved_text(seconds) == text


def test_the_third_click_brings_a_heatmap_and_a_training_keeps_its_own(hands: Any) -> None:
    instant = hands.dock.instant
    places = [[8.0, 16.0, 16.0], [8.0, 40.0, 20.0], [8.0, 30.0, 36.0]]
    table = hands.session.entry.picks
    hands.session.edit(table.make_add(places[:2], "ribosome"))
    hands.until(lambda: not instant.busy, "the preparation")
    assert "heatmap" not in hands.viewer.layers
    hands.session.edit(table.make_add(places[2:], "ribosome"))
    hands.until(lambda: "heatmap" in hands.viewer.layers, "the instant heatmap")
    assert instant._monitor.feed.layer.shown == SOURCE
    assert "N reviews it" in hands.dock.card.answer.text()
    assert question_of(hands.session).clicks == tuple(map(tuple, places))
    assert hands.session.entry is not None
    threshold = instant._monitor.record.threshold(SOURCE, "one", "ribosome")
    assert threshold is not None
    assert 0 < threshold < 1


def test_the_instant_heatmap_comes_back_with_its_tomogram(hands: Any) -> None:
    places = [[8.0, 16.0, 16.0], [8.0, 40.0, 20.0], [8.0, 30.0, 36.0]]
    hands.session.edit(hands.session.entry.picks.make_add(places, "ribosome"))
    layer = hands.dock.instant._monitor.feed.volume
    hands.until(lambda: layer.shown == SOURCE, "the instant heatmap")
    for name in ("two", "one"):
        hands.session.show(name)  # read in a thread, as from the list
        hands.until(lambda n=name: hands.session.current == n, "the tomogram")
        hands.until(lambda: hands.session.opening is None, "its data")
    hands.until(lambda: layer.shown == SOURCE, "the instant heatmap again")


def test_accepted_proposals_teach_but_are_no_clicks(hands: Any) -> None:
    table = hands.session.entry.picks
    for source, z in (("human", 4.0), ("instant", 8.0)):
        hands.session.edit(table.make_add([[z, 30.0, 20.0]], "ribosome", source=source))
    hands.session.edit(
        table.make_add([[12.0, 30.0, 20.0]], "ribosome", state=PickState.REJECTED, source="instant")
    )
    question = question_of(hands.session)
    assert question.clicks == ((4.0, 30.0, 20.0),)
    assert question.accepted == ((8.0, 30.0, 20.0),)
    assert question.rejected == ((12.0, 30.0, 20.0),)
    assert not question.answerable
