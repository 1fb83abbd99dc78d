"""Maps of a segmentation become objects in the viewer; sliders change them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.ui.segments.conftest import (
    FAINT,
    MITO_BOXES,
    VESICLE,
    SegmentingWorker,
    made_up_maps,
)

from tomoscribe.training.status import State
from tomoscribe.ui.segments import volume_decoder


def centre(box) -> tuple[int, int]:
    return (box[0] + box[2]) // 2, (box[1] + box[3]) // 2


def number_at(segments, box, z: int = 8) -> int:
    return int(segments.layer.layer.data[(z, *centre(box))])


def test_objects_of_a_segmentation_are_shown_on_its_tomogram(segmented) -> None:
    segments, layer = segmented.segments, segmented.segments.layer.layer
    found = {number_at(segments, box) for box in MITO_BOXES}
    assert len(found) == 3
    assert 0 not in found
    assert segments.objects.name_of(number_at(segments, VESICLE)) == "vesicle"
    assert number_at(segments, FAINT) == 0
    np.testing.assert_allclose(layer.scale, segmented.session.layer.scale)
    assert "<b>3</b> mito, <b>1</b> vesicle in the volume" in segmented.panel.counts.text()
    assert segmented.panel.isVisible()
    assert not segmented.dock.proposals_panel.isVisible()


def test_a_slider_changes_the_section_in_view_and_apply_the_volume(
    segmented, qtbot, process_until
) -> None:
    segments, panel = segmented.segments, segmented.panel
    for name, value in (("threshold", 0.3), ("seed_threshold", 0.35)):
        panel.sliders[name].number.setValue(value)
    process_until(lambda: number_at(segments, FAINT) > 0, "the faint one, in the section")
    assert number_at(segments, FAINT, z=3) == 0
    assert "4</b> mito" in panel.counts.text()
    assert "in this section" in panel.counts.text()
    qtbot.mouseClick(panel.apply, Qt.MouseButton.LeftButton)
    process_until(lambda: segments.objects is not None, "the volume")
    assert number_at(segments, FAINT, z=3) > 0
    qtbot.mouseClick(panel.reset, Qt.MouseButton.LeftButton)
    process_until(lambda: number_at(segments, FAINT, z=3) == 0, "the default ones")
    assert panel.sliders["threshold"].value == 0.5


def test_the_way_back_is_called_tuned_only_where_something_was_tuned(
    segmented, process_until
) -> None:
    segments, panel = segmented.segments, segmented.panel
    assert panel.state.text() == "By default settings."
    assert panel.reset.text() == "Reset"
    assert not panel.reset.isEnabled()
    assert "default" in panel.reset.toolTip()
    tuned = SegmentingWorker(segmented.session.project, "tuned", instances=True)
    tuned.decoder = {n: s.model_dump(mode="json") for n, s in segments.settings.items()}
    tuned.begin()
    tuned.train(10)
    tuned.validate(0.8)
    tuned.keep(0.8)
    tuned.preview(made_up_maps(tuned.maps))
    tuned.beat(State.FINISHED)
    segmented.session.run = tuned.run
    process_until(lambda: panel.reset.text() == "Reset to tuned", "the tuned settings")
    assert not panel.reset.isEnabled()
    assert "tuned" in panel.reset.toolTip()
    panel.sliders["threshold"].number.setValue(0.3)
    assert panel.reset.isEnabled()


class Endless:
    """A decoding that is half done and goes on until it is given up."""

    def __init__(self) -> None:
        self.given_up = threading.Event()

    def __call__(
        self,
        maps: object,
        settings: object,
        between: Callable[[], None],
        advance: Callable[[float], None],
    ) -> None:
        advance(0.5)
        try:
            while not self.given_up.wait(0.005):
                between()
        finally:
            self.given_up.set()


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Endless:
    made = Endless()
    monkeypatch.setattr(volume_decoder, "objects_of", made)
    return made


def test_decoding_a_volume_shows_how_far_it_is_and_ends_by_a_click(
    segmented, endless, qtbot, process_until, monkeypatch
) -> None:
    segments, panel = segmented.segments, segmented.panel
    assert not panel.progress.isVisible()
    panel.sliders["threshold"].number.setValue(0.3)
    qtbot.mouseClick(panel.apply, Qt.MouseButton.LeftButton)
    process_until(lambda: panel.progress.isVisible(), "the progress")
    assert panel.progress.value() == 50
    qtbot.mouseClick(panel.cancel, Qt.MouseButton.LeftButton)
    process_until(endless.given_up.is_set, "the end in the thread")
    assert not panel.progress.isVisible()
    assert not panel.cancel.isVisible()
    assert segments.objects is None
    assert "cancelled" in panel.state.text()
    monkeypatch.undo()
    qtbot.mouseClick(panel.apply, Qt.MouseButton.LeftButton)
    process_until(lambda: segments.objects is not None, "the volume after all")


def test_a_volume_that_was_cancelled_is_not_decoded_again_by_scrolling(
    segmented, endless, qtbot, process_until
) -> None:
    segments, panel = segmented.segments, segmented.panel
    segments._decoder.forget()
    segments.reset()
    process_until(lambda: panel.cancel.isVisible(), "the decoding by tuned settings")
    qtbot.mouseClick(panel.cancel, Qt.MouseButton.LeftButton)
    segmented.session.viewer.dims.set_current_step(0, 3)
    process_until(lambda: segments.section and segments.section.index == 3, "another section")
    assert not segments.busy
