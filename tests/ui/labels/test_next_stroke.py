"""The place where a stroke tells most is flown to, framed, and left when it has its stroke."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from tests.ui.segments.conftest import SegmentingWorker, made_up_maps

from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.ui.labels.label_actions import label_actions
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.labels.next_stroke import FRAME
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.view import fly_to, focus_of, keep_in_view


@pytest.mark.parametrize(("zoom", "center"), [(2.0, (25.0, 50.0)), (0.5, (49.5, 99.5))])
def test_a_place_in_a_corner_leaves_the_canvas_filled_with_the_image(zoom, center) -> None:
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((5, 100, 200), np.uint8))
    viewer.canvas.size = (101, 201)
    viewer.scene.camera.zoom = zoom
    fly_to(viewer, image, (3, 2, 2))
    keep_in_view(viewer, image)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], center, atol=0.5)
    assert focus_of(viewer, image).lo_zyx == (3, 0, 0)


def test_the_next_place_is_framed_until_it_has_a_stroke(session, project, process_until) -> None:
    project.set_label_classes([LabelClass("mito"), LabelClass("vesicle")])
    LabelMode.of(session).set(on=True)
    painter = LabelPainter.of(session)
    process_until(lambda: painter.copy is not None, "the labels")
    worker = SegmentingWorker(project, instances=False)
    worker.begin()
    worker.train(5)
    maps = made_up_maps(worker.maps)
    maps[:, :, 10:40, 10:30] = 128
    worker.announce()
    worker.block(maps)
    session.run = worker.run
    layers = session.viewer.layers
    actions = label_actions(session)
    said: list[str] = []
    session.status_message.connect(said.append)

    def framed() -> bool:
        if not any("tells most" in text for text in said):
            actions["next_stroke"]()
        return FRAME in layers and layers[FRAME].visible

    process_until(framed, "the frame")
    z = int(session.focus().center_zyx[0])
    sides = layers[FRAME].data
    assert (sides[:, 0, 0] == z).all()
    np.testing.assert_allclose(sides[:, 0] + sides[:, 1], np.roll(sides[:, 0], -1, axis=0))
    painter.layer.data_setitem(tuple(np.array([[z], [20], [20]])), 2)
    assert not layers[FRAME].visible
