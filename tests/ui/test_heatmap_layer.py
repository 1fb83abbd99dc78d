"""The heatmap fills in place, sits where the tomogram is, and keeps the old until the new comes."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from tomoscribe.ui.scores.heatmap_layer import HeatmapLayer
from tomoscribe.ui.scores.score_map import AREA_SPAN, ScoreGrid, contrast_of, resampled
from tomoscribe.ui.session import Session

GRID = ScoreGrid((4, 8, 8), 4, ("ribosome", "proteasome"))


@pytest.fixture
def model() -> ViewerModel:
    viewer = ViewerModel()
    viewer.add_image(
        np.zeros((16, 32, 32)), name="tomogram", scale=(10.0,) * 3, translate=(0.0, 0.0, 300.0),
        units=("angstrom",) * 3,
    )  # fmt: skip
    return viewer


@pytest.fixture
def heatmap(model: ViewerModel) -> HeatmapLayer:
    made = HeatmapLayer(Session.of(model))
    made.begin(GRID)
    return made


def test_a_grid_voxel_is_centred_on_the_tomogram_voxels_that_it_averages(
    model: ViewerModel, heatmap: HeatmapLayer
) -> None:
    layer, tomogram = heatmap.layer, model.layers["tomogram"]
    assert layer is not None
    expected = tomogram.data_to_world([1.5, 5.5, 9.5])
    np.testing.assert_allclose(layer.data_to_world([0, 1, 2]), expected)
    np.testing.assert_allclose(GRID.to_tomogram(np.array([[0, 1, 2]])), [[1.5, 5.5, 9.5]])
    assert model.layers.index(layer) == model.layers.index(tomogram) + 1


def test_a_new_layer_leaves_the_selection_to_the_user(model: ViewerModel) -> None:
    points = model.add_points(np.zeros((1, 3)), name="picks")
    HeatmapLayer(Session.of(model)).begin(GRID)
    assert model.layers.selection.active is points


def test_a_prepared_layer_takes_the_first_block_s_grid(model: ViewerModel) -> None:
    made = HeatmapLayer(Session.of(model))
    made.prepare()
    waiting = made.layer
    assert waiting is not None
    assert made.content is None
    made.begin(GRID)
    assert made.layer is waiting
    assert waiting.data.shape == GRID.shape_zyx
    expected = model.layers["tomogram"].data_to_world([1.5, 5.5, 9.5])
    np.testing.assert_allclose(waiting.data_to_world([0, 1, 2]), expected)


def test_zeros_of_a_block_keep_the_old_content(heatmap: HeatmapLayer) -> None:
    heatmap.write((0, 0, 0), np.full((2, 2, 2, 2), 100, np.uint8))
    torn = np.zeros((2, 2, 2, 2), np.uint8)
    torn[:, 0] = 7
    heatmap.write((0, 0, 0), torn)
    assert heatmap.flush()
    assert heatmap.layer is not None
    assert heatmap.layer.data[0, 0, 0] == 7
    assert heatmap.layer.data[1, 0, 0] == 100
    assert heatmap.layer.data[2, 0, 0] == 0


def test_nothing_is_redrawn_while_hidden_or_unchanged(heatmap: HeatmapLayer) -> None:
    assert not heatmap.flush()
    heatmap.write((0, 0, 0), np.full((2, 2, 2, 2), 9, np.uint8))
    assert heatmap.layer is not None
    heatmap.layer.visible = False
    assert not heatmap.flush()
    heatmap.layer.visible = True
    assert heatmap.flush()


def test_live_blocks_leave_a_checkpoint_in_view_alone(heatmap: HeatmapLayer) -> None:
    values = GRID.empty()
    heatmap.show("old", GRID, values)
    heatmap.write((0, 0, 0), np.full((2, 1, 1, 1), 50, np.uint8))
    assert heatmap.content is not None
    assert not heatmap.content.any()
    values[:, 1, 1, 1] = 60  # more of it was read
    heatmap.touch()
    assert heatmap.flush()
    assert heatmap.layer is not None
    assert heatmap.layer.data[1, 1, 1] == 60
    heatmap.show_live()
    assert heatmap.content[0, 0, 0, 0] == 50


def test_a_checkpoint_on_another_grid_leaves_the_live_one_as_it_is(
    model: ViewerModel, heatmap: HeatmapLayer
) -> None:
    heatmap.write((0, 0, 0), np.full((2, 1, 1, 1), 50, np.uint8))
    finer = ScoreGrid((8, 16, 16), 2, ("ribosome",))
    heatmap.show("other", finer, np.full((1, 8, 16, 16), 90, np.uint8))
    layer, tomogram = heatmap.layer, model.layers["tomogram"]
    assert layer is not None
    expected = tomogram.data_to_world([0.5, 2.5, 4.5])
    np.testing.assert_allclose(layer.data_to_world([0, 1, 2]), expected)
    heatmap.begin(GRID)
    assert heatmap.shown == "other"
    heatmap.show_live()
    assert heatmap.grid == GRID
    assert layer.data[0, 0, 0] == 50
    np.testing.assert_allclose(
        layer.data_to_world([0, 1, 2]), tomogram.data_to_world([1.5, 5.5, 9.5])
    )


def test_classes_are_switched(heatmap: HeatmapLayer) -> None:
    block = np.stack([np.full((1, 1, 1), 10, np.uint8), np.full((1, 1, 1), 20, np.uint8)])
    heatmap.write((0, 0, 0), block)
    heatmap.show_class("proteasome")
    assert heatmap.layer is not None
    assert heatmap.layer.data[0, 0, 0] == 20


def test_another_grid_begins_with_what_was_seen_before(heatmap: HeatmapLayer) -> None:
    answer = np.full((2, 4, 8, 8), 200, np.uint8)
    heatmap.show("instant", GRID, answer)
    heatmap.keep_as_live()
    finer = ScoreGrid((8, 16, 16), 2, ("ribosome",))
    heatmap.begin(finer)
    assert heatmap.shown is None
    assert heatmap.content is not None
    assert heatmap.content.shape == (1, 8, 16, 16)
    assert (heatmap.content == 200).all()


def test_resampling_keeps_places() -> None:
    coarse, fine = ScoreGrid((2, 2, 2), 4, ("a",)), ScoreGrid((8, 8, 8), 1, ("a",))
    values = np.arange(8, dtype=np.uint8).reshape(1, 2, 2, 2)
    result = resampled(values, coarse, fine)
    np.testing.assert_array_equal(result[0, ::4, ::4, ::4], values[0])
    np.testing.assert_array_equal(resampled(result, fine, coarse), values)


def test_what_only_waits_to_be_replaced_is_no_result(heatmap: HeatmapLayer) -> None:
    heatmap.show("instant", GRID, np.full((2, 4, 8, 8), 200, np.uint8))
    heatmap.keep_as_live()
    heatmap.write((0, 0, 0), np.full((2, 1, 1, 1), 50, np.uint8))
    assert heatmap.content is not None
    assert heatmap.content[0, 1, 1, 1] == 200
    assert heatmap.computed is not None
    assert heatmap.computed[0, 0, 0, 0] == 50
    assert heatmap.computed[0, 1, 1, 1] == 0


def test_the_contrast_is_that_of_the_only_section_that_is_computed() -> None:
    rng = np.random.default_rng(0)
    for axis in range(3):
        values = np.zeros((10, 400, 400), np.uint8)
        at = [slice(None)] * 3
        at[axis] = 5
        part = values[tuple(at)]
        part[...] = rng.integers(20, 25, part.shape)
        low, high = contrast_of(values, 0.002)
        assert 20 <= low < 24 <= high
    noise = rng.integers(100, 105, (10, 400, 400), np.uint8)
    low, _ = contrast_of(noise, 0.002, AREA_SPAN)
    assert low > noise.max()


def test_areas_shine_through_a_bright_image_and_peaks_come_back(heatmap: HeatmapLayer) -> None:
    layer = heatmap.layer
    heatmap.show_areas(True)
    colors = layer.colormap.map(np.array([0.0, 1.0]))
    assert layer.blending == "translucent_no_depth"  # added to white, nothing would be seen
    assert colors[0, 3] == 0
    assert colors[1, 3] == 1
    assert colors[1, :3].min() < 0.5
    heatmap.show_areas(False)
    assert (layer.blending, layer.colormap.name) == ("additive", "inferno")


def test_colours_that_the_user_has_chosen_stay_where_areas_are_shown(heatmap: HeatmapLayer) -> None:
    layer = heatmap.layer
    layer.colormap = "viridis"
    layer.opacity = 0.9
    heatmap.show_areas(True)
    assert (layer.blending, layer.colormap.name) == ("additive", "viridis")
    assert layer.opacity == 0.9
