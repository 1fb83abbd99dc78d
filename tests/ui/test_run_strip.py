"""The strip says how the training is doing, and its buttons reach the worker."""

from __future__ import annotations

import pytest

from tomoscribe.training import events as ev
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State
from tomoscribe.ui.runs import run_strip
from tomoscribe.ui.runs.run_strip import RunStrip


@pytest.fixture
def strip(session, qtbot) -> RunStrip:
    made = RunStrip(session)
    qtbot.addWidget(made)
    return made


def test_idle_it_says_what_to_do(strip) -> None:
    assert strip.word.text() == "Idle"
    assert strip.sentence.text() == (
        "No training yet: click particles or paint labels, then press Train."
    )
    assert strip.stop.isHidden()
    assert strip.pause.isHidden()


def test_figures_of_a_running_training(strip, session, fake_worker, process_until) -> None:
    fake_worker.begin()
    fake_worker.train(120)
    fake_worker.validate(0.87, threshold=0.42)
    session.run = fake_worker.run
    process_until(lambda: "F1" in strip.figures.text(), "the figures")
    assert strip.word.text() == "Training"
    text = strip.figures.text()
    for part in ("step 120", "F1 0.87 (best 0.87)", "threshold 0.42", "uses 4 of 5 clicks"):
        assert part in text
    assert "left" in text
    assert not strip.stop.isHidden()
    assert not strip.pause.isHidden()
    assert strip.resume.isHidden()


def test_stop_and_pause_reach_the_worker(strip, session, fake_worker, process_until) -> None:
    session.run = fake_worker.run
    process_until(lambda: not strip.stop.isHidden(), "the buttons")
    strip.pause.click()
    process_until(lambda: fake_worker.run.control().desired == "pause", "pause")
    fake_worker.beat(State.PAUSED)
    process_until(lambda: strip.word.text() == "Paused", "the word")
    strip.resume.click()
    process_until(lambda: fake_worker.run.control().desired == "run", "resume")
    strip.stop.click()
    process_until(lambda: fake_worker.run.control().desired == "stop", "stop")
    fake_worker.beat(State.STOPPING)
    process_until(lambda: strip.word.text() == "Saving", "the word")
    assert not strip.stop.isEnabled()


def test_a_worker_that_does_not_stop_is_ended(
    strip, session, fake_worker, process_until, monkeypatch
) -> None:
    ended = []
    monkeypatch.setattr(run_strip.launch, "stop", lambda run, timeout: ended.append((run, timeout)))
    session.run = fake_worker.run
    process_until(lambda: not strip.stop.isHidden(), "the buttons")
    strip._patience.setInterval(0)
    strip.stop.click()
    process_until(lambda: ended, "the end")
    assert ended == [(fake_worker.run, 0)]


def test_why_a_queued_run_waits(strip, session, fake_worker, process_until) -> None:
    fake_worker.beat(State.QUEUED, message="Waiting for cuda:0: run_7 has it.")
    session.run = fake_worker.run
    process_until(lambda: strip.word.text() == "Queued", "the word")
    assert strip.sentence.text() == "Waiting for cuda:0: run_7 has it."


def test_an_unanswered_command_is_told(strip, session, fake_worker, process_until) -> None:
    fake_worker.run.write_control(desired="pause")
    control = fake_worker.run.control_path
    old = fake_worker.run.control().written
    control.write_text(control.read_text().replace(str(old), str(old - 60)))
    fake_worker.beat(control_revision=0)
    session.run = fake_worker.run
    process_until(lambda: "has not answered" in strip.sentence.text(), "the sentence")


def test_a_lost_run_offers_to_resume_as_a_child(
    strip, session, fake_worker, process_until, monkeypatch
) -> None:
    fake_worker.train(10)
    fake_worker.keep()
    fake_worker.beat(pid=2**22 + 1, heartbeat=1.0)
    child = RunFolder(fake_worker.run.path.parent / "child")
    monkeypatch.setattr(run_strip.launch, "resume_as_child", lambda run: child)
    session.run = fake_worker.run
    process_until(lambda: strip.word.text() == "Lost", "the word")
    assert "gone without a word" in strip.sentence.text()
    process_until(lambda: strip.resume.isEnabled(), "the button")
    strip.resume.click()
    process_until(lambda: session.run == child, "the child")


def test_out_of_memory_offers_half_the_batch(
    strip, session, fake_worker, process_until, monkeypatch
) -> None:
    fake_worker.emit(ev.Failed, kind="oom", message="The GPU is full.", hint="Halve the batch.")
    fake_worker.beat(State.FAILED, message="The GPU is full.")
    again = RunFolder(fake_worker.run.path.parent / "again")
    monkeypatch.setattr(run_strip.launch, "retry_with_half_batch", lambda run: again)
    session.run = fake_worker.run
    process_until(lambda: not strip.retry.isHidden(), "the button")
    assert strip.sentence.text() == "The GPU is full. Halve the batch."
    assert strip.resume.isHidden()
    strip.retry.click()
    process_until(lambda: session.run == again, "the new run")
