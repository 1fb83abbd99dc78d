"""Where training windows lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from tomoscribe.io.volumes import open_volume
from tomoscribe.project.model import Role, TrainingSample
from tomoscribe.segmentation.labels import UNKNOWN, ArrayLabels, SampleLabels
from tomoscribe.tasks.voxels.images import scale_image
from tomoscribe.tasks.voxels.sampler import WindowSampler
from tomoscribe.tasks.voxels.sources import make_source


def test_every_window_shows_what_a_stroke_on_a_single_section_tells(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (9, 200, 200)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "image.tif", image)
    labels = np.full((1, *image.shape), UNKNOWN, np.int32)
    labels[0, 4, 50:60, 50:150], labels[0, 4, 120:126, 30:60] = 0, 1
    boxes = (((4, 0, 0), (5, 200, 200)),)
    known = SampleLabels(ArrayLabels(labels), boxes, "strokes")
    path = str(tmp_path / "image.tif")
    sample = TrainingSample("one", path, 100.0, Role.TRAIN, labels=known)
    source = make_source(sample, scale_image(open_volume(path, 100.0), (1, 1, 1)), 1, 0.0, None)
    sampler = WindowSampler([source], (1, 64, 64), 0.5, rng)
    shown = []
    for window in sampler.draw(100):
        hi = tuple(a + n for a, n in zip(window.lo, (1, 64, 64), strict=True))
        told = source.read_labels(window.lo, hi)  # type: ignore[arg-type]
        assert (told != UNKNOWN).any()
        shown.append((told > 0).any())
    assert np.mean(shown) > 0.5
