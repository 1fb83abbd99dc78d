"""Maps of a training that goes on: the section in view is decoded as blocks come."""

from __future__ import annotations

import numpy as np
from tests.ui.segments.conftest import (
    MITO_BOXES,
    VESICLE,
    SegmentingWorker,
    made_up_maps,
    segmenting_run,
    show_compare,
)
from tests.ui.segments.test_decoder_panel import centre, number_at

from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.runs.label_switch import LabelSwitch
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.segments.segments import Segments


def test_the_section_in_view_fills_in_its_classes_colours(session, project, process_until) -> None:
    project.set_label_classes([LabelClass("mito", "#009e73"), LabelClass("vesicle", "#cc79a7")])
    worker = SegmentingWorker(project, instances=False)
    worker.begin()
    worker.train(5)
    maps = made_up_maps(worker.maps)
    worker.announce()
    worker.block(maps[:, :, :40])
    segments = Segments.of(session)
    with show_compare(session) as dock:
        assert "paint a few strokes" in dock.decoder_panel.counts.text()
        assert dock.decoder_panel.isVisible()
        session.run = worker.run
        process_until(lambda: segments.section is not None, "the section")
        process_until(lambda: number_at(segments, MITO_BOXES[0]) == 1, "what is predicted")
        assert number_at(segments, VESICLE) == 0
        worker.block(maps[:, :, 40:], (0, 40, 0))
        process_until(lambda: number_at(segments, VESICLE) == 2, "the rest")
        layer = segments.layer.layer
        colors = [layer.colormap.map(layer.data[8][centre(b)]) for b in (MITO_BOXES[0], VESICLE)]
        np.testing.assert_allclose(
            np.array(colors)[:, :3] * 255, [(0, 158, 115), (204, 121, 167)], atol=1
        )
        assert segments.scores_shown  # a young model's scores are seen before they are objects
        assert "as the prediction grows" in dock.decoder_panel.state.text()
        assert not dock.decoder_panel.apply.isEnabled()


def test_the_layer_of_objects_is_there_before_the_first_block(
    session, project, process_until
) -> None:
    project.set_label_classes([LabelClass("mito", "#e69f00"), LabelClass("vesicle", "#56b4e9")])
    LabelMode.of(session).set(on=True, objects=False)
    worker = SegmentingWorker(project, instances=False)
    segments = Segments.of(session)
    with show_compare(session):
        session.run = worker.run
        process_until(lambda: segments.layer.layer is not None, "the layer")
        prepared = segments.layer.layer
        assert not prepared.data.any()
        colors = prepared.colormap
        worker.begin()
        worker.train(10)
        worker.preview(made_up_maps(worker.maps))
        process_until(lambda: segments.layer.layer.data.any(), "objects")
        assert segments.layer.layer is prepared
        assert prepared.colormap is colors


def test_the_next_training_is_awaited_among_labels_not_among_particles(
    session, project, process_until, qtbot
) -> None:
    project.set_label_classes([LabelClass("mito", "#e69f00"), LabelClass("vesicle", "#56b4e9")])
    LabelMode.of(session).set(on=True, objects=False)
    switch = LabelSwitch(session)
    qtbot.addWidget(switch)
    first = segmenting_run(project, "first", instances=False)
    segments = Segments.of(session)
    with show_compare(session) as dock:
        judgement = dock.judgement_panel
        judgement.fold.click()
        session.run = first.run
        process_until(lambda: segments.objects is not None, "the objects")
        heat = RunMonitor.of(session).feed.volume.layer
        assert heat.blending == "translucent_no_depth"
        second = SegmentingWorker(project, "second", instances=False)
        session.run = second.run
        process_until(lambda: segments.maps is None, "the next run")
        process_until(lambda: RunMonitor.of(session).alive, "the next worker")
        assert dock.decoder_panel.isVisible()
        assert not dock.proposals_panel.isVisible()
        assert judgement.figures.isVisible()
        assert "no checkpoint yet" in judgement.figures.sides.text()
        assert "just begun" in judgement.figures.about.text()
        for of_particles in (judgement.words["a"], judgement.matches, judgement.curves):
            assert not of_particles.isVisible()
        process_until(lambda: "no maps" in dock.decoder_panel.counts.text(), "what is awaited")
        assert heat.blending == "translucent_no_depth"  # what the first has left is still of labels
        process_until(lambda: "strokes" in switch.text(), "what the training takes")
