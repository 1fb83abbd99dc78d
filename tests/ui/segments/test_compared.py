"""A and B of a segmentation: their objects in turn, side by side, their difference, figures."""

from __future__ import annotations

from qtpy.QtCore import Qt
from tests.ui.segments.conftest import MITO_BOXES
from tests.ui.segments.test_decoder_panel import number_at

from tomoscribe.ui.compare.sides import Sides


def test_objects_follow_the_side_in_view(segmented, qtbot, process_until) -> None:
    """The maps of A are 0.6 of those of B: below the threshold of a seed."""
    session, segments = segmented.session, segmented.segments
    sides, layer = Sides.of(session), segmented.segments.layer
    sides.set_mode("a")
    process_until(lambda: number_at(segments, MITO_BOXES[0]) == 0, "the objects of A")
    assert segments.maps.source == "seg/step_000010"
    segmented.panel.sliders["seed_threshold"].number.setValue(0.5)
    process_until(lambda: number_at(segments, MITO_BOXES[0]) > 0, "the section of A")
    segments.reset()
    sides.set_mode("b")
    process_until(lambda: number_at(segments, MITO_BOXES[0]) > 0, "the objects of B")
    assert not segments.scores_shown
    sides.set_mode("difference")
    heat = segmented.dock.sides_panel._monitor.feed.volume
    process_until(lambda: heat.shows_difference and heat.layer.visible, "the difference")
    assert not layer.layer.visible
    sides.set_mode("side_by_side")
    canvas = segmented.dock.sides_panel.second_canvas
    process_until(lambda: canvas.view is not None, "the second canvas")
    twin = canvas._twins[0].model.layers
    process_until(lambda: "objects" in twin and twin["objects"].data[8].any(), "B beside A")
    assert layer.layer.visible
    assert not layer.layer.data[8].any()
    rings = canvas._twins[0].proposals
    process_until(lambda: not rings._finder.busy, "what is sought for B")
    assert "proposals" not in twin or not twin["proposals"].shown.any()  # there are no particles
    assert segmented.panel.counts.text().startswith("A: ")
    qtbot.mouseClick(segmented.dock.judgement_panel.fold, Qt.MouseButton.LeftButton)
    figures = segmented.dock.judgement_panel.figures
    process_until(lambda: "0.80" in figures.table.text(), "the figures")
    assert "AP of objects" in figures.table.text()
    assert not segmented.dock.judgement_panel.curves.isVisible()
