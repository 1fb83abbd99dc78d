"""What a validation looks at, and objects among labels of which only a part judges."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.prediction.small_nets import predictor_of

from tomoscribe.io.volumes import open_volume
from tomoscribe.project.model import Role, TrainingSample
from tomoscribe.segmentation.labels import UNKNOWN, ArrayLabels, SampleLabels
from tomoscribe.segmentation.matching import beside
from tomoscribe.tasks.voxels.images import scale_image
from tomoscribe.tasks.voxels.sources import make_source
from tomoscribe.tasks.voxels.validation import of_held, validation_boxes


def test_objects_judge_where_most_of_them_does() -> None:
    labels = np.array([[[[7, 7, 7, 0, 9, 9, 9, UNKNOWN, 0, 1]]]], np.int32)
    held = np.array([[[True, False, False, True, True, True, False, True, False, False]]])
    u, other = UNKNOWN, int(beside(np.int32(7)))
    # Of the object that does not judge it is known where it is; of the brush it is not.
    assert of_held(labels, held).tolist() == [[[[other] * 3 + [0, 9, 9, u, u, u, u]]]]


@pytest.mark.parametrize("dense", [True, False])
def test_of_a_large_volume_several_places_are_looked_at_and_no_more_than_is_quick(
    tmp_path: Path, dense: bool
) -> None:
    shape = (96, 160, 200)
    path = str(tmp_path / "image.tif")
    tifffile.imwrite(path, np.arange(math.prod(shape), dtype=np.uint32).reshape(shape))
    labels = np.full((1, *shape), 0 if dense else UNKNOWN, np.int32)
    labels[0, ::8, ::10, ::10] = 1
    known = SampleLabels(ArrayLabels(labels), (((0, 0, 0), shape),), "labels")
    sample = TrainingSample("one", path, 40.0, Role.VALIDATE, labels=known)
    source = make_source(sample, scale_image(open_volume(path, 40.0), (1, 1, 1)), 1, 1.0, None)
    assert source.dense == dense
    boxes = validation_boxes([source], predictor_of("3d").plan, None, stacks=True)
    sizes = [math.prod(np.subtract(box.hi, box.lo).tolist()) for box in boxes]
    assert sum(sizes) < 2_000_000
    assert len(boxes) > 4
    assert all(len({box.lo[axis] for box in boxes}) > 1 for axis in range(3))
