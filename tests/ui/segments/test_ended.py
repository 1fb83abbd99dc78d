"""A segmentation whose training has ended: what of the volume is missing is predicted by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
from PyQt6 import sip
from tests.ui.segments.conftest import SegmentingWorker, made_up_maps, show_compare

from tomoscribe.training.predictions import PredictionUpdate
from tomoscribe.training.status import State
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.scores import score_library
from tomoscribe.ui.scores.score_library import ScoreLibrary
from tomoscribe.ui.segments.segments import Segments

SAID = "Predicting one with step_000005: 0%."


class RecordingService:
    """Takes wishes down instead of starting a process."""

    wanted: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, *_: object) -> None: ...

    def want(self, requests) -> None:
        RecordingService.wanted = [(r.ref.name, r.sample) for r in requests]

    def look(self, _focus: object) -> None: ...

    def poll(self) -> PredictionUpdate:
        return PredictionUpdate(State.RUNNING, SAID)

    def close(self) -> None: ...


@pytest.fixture
def service(monkeypatch) -> type[RecordingService]:
    RecordingService.wanted = []
    monkeypatch.setattr(score_library, "PredictionService", RecordingService)
    return RecordingService


def half_previewed(project) -> SegmentingWorker:
    """Return a run that goes on; half of the tomogram is previewed by weights that were kept."""
    worker = SegmentingWorker(project, instances=True)
    worker.begin()
    worker.train(5)
    worker.validate(0.8)
    worker.keep(0.8)
    worker.announce()
    worker.block(made_up_maps(worker.maps)[:, :, :32])
    return worker


def test_the_newest_of_an_ended_training_is_predicted_whole_and_decoded_by_itself(
    session, project, process_until: Callable[..., None], service
) -> None:
    worker = half_previewed(project)
    segments = Segments.of(session)
    with show_compare(session) as dock:
        session.run = worker.run
        panel = dock.decoder_panel
        process_until(lambda: segments.maps is not None and segments.maps.live, "the maps")
        process_until(lambda: "training has ended" in panel.apply.toolTip(), "why not yet")
        assert "training has ended" in panel.table.toolTip()
        assert service.wanted == []
        worker.beat(State.FINISHED)
        process_until(lambda: service.wanted == [("step_000005", "one")], "the wish")
        process_until(lambda: SAID in panel.apply.toolTip(), "how far it is")
        status, bar = dock.sides_panel.status, dock.sides_panel.checkpoints
        process_until(lambda: SAID in status.text(), "the line")
        process_until(lambda: "computed" not in bar.label.text(), "one figure only")
        assert "step 5" in bar.label.text()
        said: list[str] = []
        session.status_message.connect(said.append)
        dock.actions_row.objects.run(lambda *_: "")
        assert "predicted whole" in said[-1]
        worker.block(made_up_maps(worker.maps)[:, :, 32:], (0, 32, 0))
        process_until(lambda: segments.objects is not None, "the objects of the volume")
        assert panel.apply.isEnabled()
        assert panel.table.isEnabled()
        process_until(lambda: service.wanted == [], "the end of the wish")


def test_the_last_weights_are_shown_at_the_end_though_no_preview_of_them_was_begun(
    session, project, process_until: Callable[..., None], service
) -> None:
    worker = half_previewed(project)
    worker.train(5)
    worker.validate(0.9)
    worker.keep(0.9)
    sides, segments = Sides.of(session), Segments.of(session)
    with show_compare(session):
        session.run = worker.run
        process_until(lambda: segments.maps is not None and segments.maps.live, "the maps")
        worker.beat(State.FINISHED)
        process_until(lambda: sides.b is not None and sides.b.name == "step_000010", "the last")
        process_until(lambda: ("step_000010", "one") in service.wanted, "the wish")
        assert [stop.name for stop in sides.side("b").stops] == ["step_000005", "step_000010"]


def test_weights_that_were_not_kept_are_not_waited_for(
    session, project, process_until: Callable[..., None], service
) -> None:
    worker = SegmentingWorker(project, instances=True)
    worker.begin()
    worker.train(5)
    worker.announce()
    worker.block(made_up_maps(worker.maps)[:, :, :32])
    worker.beat(State.FINISHED)
    segments = Segments.of(session)
    with show_compare(session) as dock:
        session.run = worker.run
        process_until(lambda: segments.section is not None, "the section")
        assert "were not kept" in dock.decoder_panel.apply.toolTip()
        assert "waits" not in dock.decoder_panel.apply.toolTip()
        assert "follows" not in dock.decoder_panel.state.text()


def test_a_dock_that_goes_after_qt_has_taken_the_timers_raises_nothing(
    session, project, qapp, process_until
) -> None:
    """As at the exit of a script, where Qt's objects go in any order."""
    library = ScoreLibrary.of(session)
    worker = half_previewed(project)
    worker.beat(State.FINISHED)
    with show_compare(session) as dock:
        session.run = worker.run
        process_until(lambda: Sides.of(session).b is not None, "a checkpoint")
        sip.delete(library._timer)
        sip.delete(dock)
    assert library._held == ()
