"""A and B are any two checkpoints; the main canvas shows what the mode says, on the same spot."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from tests.ui.conftest import PLACES_ZYX, gaussians

from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.ui.compare.sides import RunChoice
from tomoscribe.ui.scores.difference import EQUAL

CENTRE = 0.94
"""Share of a peak's height at the grid voxel nearest to its place."""

OLD, NEW = "old/step_000010", "new/step_000020"


def ref(worker, step: int) -> CheckpointRef:
    return CheckpointRef.of_run(worker.run, f"step_{step:06d}")


def peak(values: np.ndarray, place: int) -> int:
    """Return the stored value (z, y, x) at one of the places."""
    return int(values[tuple(np.rint((PLACES_ZYX[place] - 0.5) / 2).astype(int))])


def test_a_is_the_best_older_one_and_b_what_grows_until_the_user_chooses(compared) -> None:
    assert compared.sides.a == ref(compared.new, 10)
    assert compared.sides.b == ref(compared.new, 20)
    assert compared.sides.side("b").live
    assert compared.sides.in_view == compared.sides.b


def test_checkpoints_of_different_runs_are_blinked_between(compared, process_until) -> None:
    sides, heat = compared.sides, compared.feed.volume
    sides.choose("a", ref(compared.old, 10))
    sides.choose("b", ref(compared.new, 20))
    shown = {}
    for mode, source in (("a", OLD), ("b", NEW)):
        sides.set_mode(mode)
        process_until(lambda source=source: heat.shown == source, source)
        shown[mode] = peak(heat.layer.data, 0)
    assert shown["b"] - shown["a"] == pytest.approx(254 * 0.29 * CENTRE, abs=2)
    sides.set_mode("blink")
    before = heat.shown
    sides.flip()
    assert {before, heat.shown} == {OLD, NEW}  # both are in memory: at once


def test_a_whole_run_is_its_best_or_newest_as_it_goes_on(compared, process_until) -> None:
    sides = compared.sides
    sides.choose("a", RunChoice(compared.old.run.path.absolute(), "best"))
    assert sides.a == ref(compared.old, 20)
    compared.old.train(10)
    compared.old.validate(0.95)
    compared.old.keep(0.95)
    compared.old.preview(gaussians(PLACES_ZYX))
    process_until(lambda: sides.a == ref(compared.old, 30), "the new best")


def test_the_difference_shows_where_b_scores_higher_and_goes_away_again(
    compared, session, process_until
) -> None:
    sides, heat = compared.sides, compared.feed.volume
    sides.choose("a", ref(compared.new, 10))
    sides.choose("b", ref(compared.old, 20))
    process_until(lambda: heat.shown == "old/step_000020", "B")
    colormap, limits = heat.layer.colormap.name, tuple(heat.layer.contrast_limits)
    session.actions["difference"]()
    process_until(lambda: heat.shows_difference, "the difference")
    assert peak(heat.layer.data, 2) > EQUAL + 80  # 0.09 became 0.8
    assert heat.layer.data[0, 0, 0] == EQUAL
    low, high = heat.layer.contrast_limits
    assert (low + high) / 2 == EQUAL
    assert not compared.panel.legend.isHidden()
    assert compared.dock.review.proposals.source.endswith("step_000020")  # B's, not the map's
    session.actions["difference"]()
    assert heat.layer.colormap.name == colormap
    assert tuple(heat.layer.contrast_limits) == limits
    assert compared.panel.legend.isHidden()


def test_another_sample_keeps_a_and_b_and_computes_what_is_missing(
    compared, session, process_until, monkeypatch
) -> None:
    wished, looked = [], []

    class Service:
        def __init__(self, *_: object) -> None:
            pass

        def want(self, requests) -> None:
            wished.append([(r.ref.source, r.sample) for r in requests])

        def look(self, focus) -> None:
            looked.append(focus)

        def poll(self):
            return compared.library.predictions

        def close(self) -> None:
            pass

    monkeypatch.setattr("tomoscribe.ui.scores.score_library.PredictionService", Service)
    sides = compared.sides
    sides.choose("a", ref(compared.old, 10))
    sides.set_mode("a")
    process_until(lambda: compared.feed.volume.shown == OLD, "A")
    session.set_current("two")
    assert sides.a == ref(compared.old, 10)
    process_until(lambda: [(OLD, "two")] in wished, "the wish")
    process_until(lambda: "Computing" in compared.panel.status.text(), "the line")
    assert compared.feed.volume.content is None  # not the other sample's scores
    assert len(looked) >= 1  # also the first wish begins where the user looks
    session.close()
    compared.library.watch(True)
    compared.library.hold([(ref(compared.old, 20), "one")])
    assert [r for r in wished if r and r[0][1] == "one"] == []


def test_weights_that_were_not_kept_are_said_to_be_missing(
    compared, session, process_until
) -> None:
    compared.old.run.checkpoint_path("step_000010").unlink()
    compared.sides.choose("a", ref(compared.old, 10))
    compared.sides.set_mode("a")
    session.set_current("two")
    process_until(lambda: "were not kept" in compared.panel.status.text(), "why")


def test_weights_that_the_training_removed_since_are_not_offered(compared, process_until) -> None:
    """A training keeps the newest and the best; its events tell only what it wrote."""
    sides = compared.sides
    sides.choose("b", ref(compared.new, 10))
    assert sides.file_in_view is not None
    sides.file_in_view.unlink()
    compared.library.poll()
    process_until(lambda: sides.side("b").stops[0].path is None, "the news")
    assert sides.b.name == "step_000010"
    assert sides.file_in_view is None
    assert not compared.dock.actions_row.model.use.isEnabled()
    assert not compared.dock.actions_row.go_on.isEnabled()


def test_a_file_from_anywhere_is_a_side(compared, tmp_path, qtbot) -> None:
    path = tmp_path / "theirs.pt"
    path.write_bytes(b"weights")
    compared.panel.pickers["a"].take_file(path)
    assert compared.sides.a == CheckpointRef.of_file(path)
    assert "theirs" in compared.panel.pickers["a"].toolTip()


def test_a_class_that_one_side_does_not_know_is_said(compared, session, process_until) -> None:
    compared.sides.choose("a", ref(compared.old, 10))
    compared.sides.set_mode("a")
    process_until(lambda: compared.feed.volume.shown == OLD, "A")
    compared.feed.layer.show_class("proteasome")
    compared.panel.refresh()
    assert "A knows no class 'proteasome', only ribosome" in compared.panel.status.text()
    assert not compared.feed.volume.layer.data.any()


def test_a_run_folder_deleted_while_it_is_shown_leaves_the_viewer_well(
    compared, process_until
) -> None:
    compared.sides.choose("a", ref(compared.old, 10))
    compared.sides.set_mode("a")
    process_until(lambda: compared.feed.volume.shown == OLD, "A")
    shutil.rmtree(compared.old.run.path)
    process_until(lambda: len(compared.library.catalog.checkpoints()) == 2, "the run to be gone")
    process_until(lambda: compared.library.get(compared.sides.a, "one") is None, "its scores")
    compared.sides.set_mode("b")
    assert compared.feed.volume.shown is None


def test_a_heatmap_layer_that_is_renamed_goes_on_and_one_that_is_deleted_comes_back(
    compared, session, process_until
) -> None:
    heat = compared.feed.volume
    process_until(lambda: heat.layer is not None and heat.layer.data.any(), "the heatmap")
    heat.layer.name = "mine"
    compared.sides.choose("b", ref(compared.new, 10))
    process_until(lambda: heat.shown == "new/step_000010", "the older one")
    assert [x.name for x in session.viewer.layers].count("mine") == 1
    assert "heatmap" not in session.viewer.layers
    session.viewer.layers.remove("mine")
    compared.sides.choose("b", ref(compared.new, 20))
    process_until(lambda: "heatmap" in session.viewer.layers, "a layer again")


def test_another_project_forgets_the_sides(compared, session, tmp_path) -> None:
    compared.sides.choose("a", ref(compared.old, 10))
    session.set_project(type(session.project).create(tmp_path / "empty"))
    assert compared.sides.a is None
    assert compared.sides.b is None
    assert "Train first" in compared.panel.checkpoints.label.text()
    assert "Train first" in compared.panel.modes.buttons["blink"].toolTip()


def test_playing_shows_every_preview_in_turn_and_stops_at_the_newest(
    compared, session, process_until
) -> None:
    seen: list[str | None] = []
    compared.feed.changed.connect(lambda: seen.append(compared.feed.layer.shown))
    session.actions["play_checkpoints"]()
    bar = compared.panel.checkpoints
    assert bar.play.isChecked()
    process_until(lambda: not bar.play.isChecked(), "the end")
    order = [source for i, source in enumerate(seen) if source not in seen[:i]]
    assert order == ["new/step_000010", "new/step_000020", None]
    assert compared.sides.side("b").live
