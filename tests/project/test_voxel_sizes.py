from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.voxel_size import VoxelSize, parse_voxel_size, voxel_size_text
from tomoscribe.project.file import PROJECT_FILE
from tomoscribe.project.painted import PaintedLabels
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.project.training_data import load_training_data
from tomoscribe.segmentation.labels import LabelClass

SECTIONS = (500.0, 40.0, 40.0)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("13.5", 13.5),
        ("13.5 Å", 13.5),
        ("8 nm", 80.0),
        ("50, 4, 4 nm", SECTIONS),
        ("500 40 40", SECTIONS),
        ("50x4×4nm", SECTIONS),
    ],
)
def test_a_voxel_size_is_one_edge_or_three(text: str, size: VoxelSize) -> None:
    assert parse_voxel_size(text) == size
    assert parse_voxel_size(voxel_size_text(size)) == size


@pytest.mark.parametrize("text", ["", "nm", "50, 4 nm", "4 parsec", "0", "1e9", "13,5", "-4"])
def test_what_is_no_voxel_size_is_refused(text: str) -> None:
    with pytest.raises(TomoscribeError, match="voxel size"):
        parse_voxel_size(text)


def test_thick_sections_are_thick_after_reopening_and_in_training(tmp_path: Path) -> None:
    image = tmp_path / "stack.tif"
    tifffile.imwrite(image, np.zeros((5, 64, 64), np.uint8), photometric="minisblack")
    folder = tmp_path / "project"
    project = Project.create(folder)
    name = project.add_tomogram(image, voxel_size_A=SECTIONS).name
    project.set_label_classes([LabelClass("mito")])
    painted = PaintedLabels(folder, name, (5, 64, 64))
    painted.write((0, 0, 0), np.full((1, 8, 8), 2))
    painted.write((0, 20, 0), np.full((1, 8, 8), 1))
    project.close()
    entry = Project.open(folder, read_only=True).tomograms[name]
    assert (entry.size, entry.voxel_size_A) == (SECTIONS, 40.0)
    (sample,) = load_training_data(DataSource(path=folder), "semantic").samples
    assert (sample.voxel_sizes_zyx_A, sample.voxel_size_A) == (SECTIONS, 40.0)

    project = Project.open(folder)
    project.set_voxel_size(name, 20.0)
    project.close()
    # Older versions open what they know.
    assert "voxel_sizes_zyx_A" not in (folder / PROJECT_FILE).read_text()
    assert Project.open(folder, read_only=True).tomograms[name].size == 20.0
