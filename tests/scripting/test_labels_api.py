"""Painted labels from scripts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tomoscribe
from tomoscribe.errors import TomoscribeError


def test_labels_of_a_file_become_paint_and_come_back_as_an_array(tmp_path: Path) -> None:
    with tomoscribe.sample_project(tmp_path / "sample", "labels", clicks=2) as project:
        strokes = tomoscribe.painted_labels(project, "em_volume")
        assert set(np.unique(strokes)) == {0, 1, 2, 3}
        truth = project.path / "truth" / "classes.tif"
        names = ("mitochondrion", "membrane")
        assert tomoscribe.import_labels(project, "em_volume", truth, classes=names) == []
        painted = tomoscribe.painted_labels(project, "em_volume")
        assert (painted[strokes > 0] == strokes[strokes > 0]).all()
        assert (painted > 0).all()
        with pytest.raises(TomoscribeError, match="no tomogram 'other'"):
            tomoscribe.painted_labels(project, "other")
