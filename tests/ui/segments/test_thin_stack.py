"""A stack of thick sections is decoded as the commands decode it."""

from __future__ import annotations

import numpy as np

from tomoscribe.io.volumes import write_mrc
from tomoscribe.segmentation.decoder_settings import THICK
from tomoscribe.training.events import Segmented
from tomoscribe.ui.scores.score_map import ScoreGrid
from tomoscribe.ui.scores.stored_scores import About, KnownScores
from tomoscribe.ui.segments.maps_in_view import known_maps

SHAPE_ZYX = (THICK, 64, 48)


def test_thick_sections_are_linked_not_decoded_through_the_volume(
    session, project, tmp_path, process_until
) -> None:
    path = tmp_path / "thin.mrc"
    write_mrc(path, np.random.default_rng(0).normal(size=SHAPE_ZYX).astype(np.float32), 40.0)
    project.add_tomogram(path, name="thin", voxel_size_A=(500.0, 40.0, 40.0))
    session.set_current("thin")
    process_until(lambda: session.layer.data.shape == SHAPE_ZYX, "the stack")
    grid = ScoreGrid(SHAPE_ZYX, 1, ("mito", "mito contour"))
    about = About(grid, 1.0, {}, "volume", Segmented(["mito"], instances=True))
    maps = known_maps(session, KnownScores(about, grid.empty()), "seg/step_000005")
    assert maps.voxel_size_zyx_nm == (50.0, 4.0, 4.0)
    assert maps.tuned()["mito"].dimension == "linked"
