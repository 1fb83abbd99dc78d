"""Objects among labels of which only a part judges."""

from __future__ import annotations

import numpy as np

from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.tasks.voxels.validation import of_held


def test_objects_judge_where_most_of_them_does() -> None:
    labels = np.array([[[[7, 7, 7, 0, 9, 9, UNKNOWN]]]], np.int32)
    held = np.array([[[True, False, False, True, True, True, True]]])
    u = UNKNOWN
    assert of_held(labels, held).tolist() == [[[[u, u, u, 0, 9, 9, u]]]]
