"""Maps of a segmentation become objects in the viewer; sliders change them."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt
from tests.ui.segments.conftest import FAINT, MITO_BOXES, VESICLE


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
    process_until(lambda: number_at(segments, FAINT, z=3) == 0, "the tuned ones")
    assert panel.sliders["threshold"].value == 0.5
