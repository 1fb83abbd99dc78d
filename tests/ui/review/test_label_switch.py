"""A running training takes new labels by itself, unless it is told not to."""

from __future__ import annotations

import pytest

from tomoscribe.training import events as ev
from tomoscribe.training.status import State
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.runs.label_switch import LabelSwitch
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.run_strip import RunStrip
from tomoscribe.ui.runs.run_words import label_words


@pytest.fixture
def strip(session, fake_worker, process_until, qtbot) -> RunStrip:
    made = RunStrip(session)
    qtbot.addWidget(made)
    fake_worker.begin()
    session.run = fake_worker.run
    process_until(lambda: RunMonitor.of(session).alive, "the training")
    process_until(lambda: made.takes.isEnabled(), "the switch")
    return made


def test_the_switch_is_on_and_tells_the_worker_when_it_is_not(
    strip, fake_worker, process_until
) -> None:
    assert strip.takes.isChecked()
    assert strip.takes.isVisibleTo(strip)
    strip.takes.click()
    process_until(lambda: not fake_worker.run.control().take_labels, "the worker's control")
    fake_worker.beat(labels_wait=True)
    process_until(lambda: "some wait" in strip.takes.text(), "the word that labels wait")
    strip.takes.click()
    process_until(lambda: fake_worker.run.control().take_labels, "the worker's control")


def test_the_switch_shows_what_was_chosen_before_the_viewer_was_closed(
    session, fake_worker, process_until, qtbot
) -> None:
    fake_worker.begin()
    fake_worker.run.write_control(take_labels=False)
    strip = RunStrip(session)
    qtbot.addWidget(strip)
    session.run = fake_worker.run
    process_until(lambda: not strip.takes.isChecked(), "the choice")


def test_without_a_training_the_switch_says_why_it_does_nothing(
    strip, fake_worker, process_until
) -> None:
    fake_worker.beat(State.FINISHED)
    process_until(lambda: not strip.takes.isEnabled(), "the end")
    assert "No training is going on" in strip.takes.toolTip()


def test_where_labels_are_painted_the_switch_is_about_strokes(session, qtbot) -> None:
    switch = LabelSwitch(session)
    qtbot.addWidget(switch)
    assert switch.text() == "Take new clicks"
    LabelMode.of(session).set(on=True)
    assert switch.text() == "Take new strokes"
    assert "takes your strokes" in switch.toolTip()


def test_a_run_folder_that_is_gone_is_told_and_the_switch_stays(
    strip, fake_worker, process_until, session
) -> None:
    said: list[str] = []
    session.status_message.connect(said.append)
    fake_worker.run.path.rename(fake_worker.run.path.with_name("elsewhere"))
    strip.takes.toggle()
    process_until(lambda: said, "the sentence")
    assert "is gone" in said[-1]
    assert strip.takes.isChecked()


def test_the_strip_explains_what_becomes_of_the_clicks(strip, process_until) -> None:
    process_until(lambda: "uses 4 of 5 clicks" in strip.figures.text(), "the figures")
    assert "Of your 5 clicks 4 are learnt from, 1 are held out" in strip.figures.toolTip()
    labels = ev.Labels(time=0, step=0, used=31, total=40, held_out=6, revision=1, rejected=5)
    assert label_words(labels) == (
        "Of your 40 clicks 31 are learnt from, 6 are held out to measure how good it is, 3 lie "
        "outside, on samples that are not used, or are of no class. 5 rejected places, junk among "
        "them, teach what is no particle."
    )
