import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pyvista as pv
import scipy
import skimage

from tomoscribe.segmentation import statistics, surfaces
from tomoscribe.segmentation.object_meshes import write_object_meshes, write_object_points
from tomoscribe.segmentation.statistics import object_table, write_object_table

NM = (20.0, 10.0, 10.0)


def ball_and_box() -> np.ndarray:
    """A ball of 150 nm (number 7) and a box of 2 x 3 x 4 voxels in the corner (number 2)."""
    z, y, x = np.mgrid[:30, :50, :50]
    labels = np.zeros((30, 50, 50), dtype=np.uint32)
    labels[((z - 15) * 20) ** 2 + ((y - 25) * 10) ** 2 + ((x - 27) * 10) ** 2 < 150**2] = 7
    labels[:2, :3, :4] = 2
    return labels


def test_each_object_has_a_row_in_nm_and_the_background_has_none():
    class_of = np.array([-1, 0, 1, 0, 0, 0, 0, 0])
    box, ball = object_table(ball_and_box(), NM, ("ball", "box"), class_of)
    assert (box.number, box.class_name, ball.number, ball.class_name) == (2, "box", 7, "ball")
    assert (box.voxels, box.volume_nm3) == (24, 24 * 2000)
    assert (box.lo_zyx, box.hi_zyx) == ((0, 0, 0), (2, 3, 4))
    assert box.centroid_zyx == (0.5, 1.0, 1.5)
    assert box.centroid_zyx_nm == (10.0, 10.0, 15.0)
    assert box.touches_border
    assert not ball.touches_border
    assert ball.centroid_zyx == pytest.approx((15, 25, 27))
    assert ball.volume_nm3 == pytest.approx(4 / 3 * np.pi * 150**3, rel=0.02)
    assert ball.surface_nm2 == pytest.approx(4 * np.pi * 150**2, rel=0.03)
    assert object_table(np.zeros((3, 3, 3), int), NM) == []
    high = np.where(ball_and_box() == 7, 4_000_000_007, 0).astype(np.uint32)
    assert [r.number for r in object_table(high, NM)] == [4_000_000_007]
    assert [r.number for r in object_table(high + np.uint64(2**63), NM, surfaces=False)] == [
        2**63,
        2**63 + 4_000_000_007,
    ]


def test_of_a_single_section_only_what_its_edges_cut_is_at_the_border():
    labels = np.zeros((1, 20, 20), dtype=np.uint8)
    labels[0, 5:9, 5:9], labels[0, 12:, 3:8] = 1, 2
    assert [row.touches_border for row in object_table(labels, NM)] == [False, True]


def test_of_objects_in_one_section_each_only_what_the_edges_cut_is_at_the_border():
    labels = np.zeros((3, 20, 20), dtype=np.uint8)
    for z, section in enumerate(labels):
        section[5:9, 5:9], section[12:, 3:8] = 2 * z + 1, 2 * z + 2

    def at_border(values: np.ndarray, **told: object) -> list[bool]:
        return [row.touches_border for row in object_table(values, NM, **told)]

    assert at_border(labels) == [False, True] * 3
    again = np.where(labels == 0, 0, (labels + 1) % 2 + 1)
    again[1] = np.where(again[1] == 0, 0, 3 - again[1])  # numbers begin anew in each section
    assert at_border(again[:, :11]) == [False, False]
    through = np.where(labels == 0, 0, (labels + 1) % 2 + 1)
    assert at_border(through) == [True, True]

    class_of = np.array([-1, *3 * [0, 1]])
    classes = {"class_names": ("cell", "dot"), "class_of": class_of}
    assert at_border(labels[:, :11], **classes, in_sections=("cell",)) == [False] * 3
    assert at_border(labels[:, :11], **classes, in_sections=("dot",)) == [True, False, True]
    assert at_border(labels, **classes, in_sections=()) == [True, True, False, True, True, True]


def test_an_object_in_one_section_has_a_surface_near_that_of_its_plate():
    labels = np.zeros((3, 40, 40), dtype=np.uint8)
    labels[1, 10:30, 10:30] = 1
    (row,) = object_table(labels, NM)
    assert row.surface_nm2 == pytest.approx(2 * 200 * 200 + 4 * 200 * 20, rel=0.1)


def test_a_large_object_is_measured_piece_by_piece_as_it_is_whole(
    monkeypatch: pytest.MonkeyPatch,
):
    labels = ball_and_box()
    labels[18:, :9, :45] = 7  # and a part far away, at the border
    whole = object_table(labels, NM)
    monkeypatch.setattr(statistics, "_SLAB_VOXELS", 4 * 50 * 50)
    monkeypatch.setattr(surfaces, "_WHOLE_VOXELS", 1000)
    monkeypatch.setattr(surfaces, "_PIECE", 17)
    pieces = object_table(labels, NM)
    for one, other in zip(whole, pieces, strict=True):
        assert other.surface_nm2 == pytest.approx(one.surface_nm2, rel=0.03)
        assert replace(other, surface_nm2=0) == replace(one, surface_nm2=0)


def test_random_objects_measure_as_scikit_image_says():
    rng = np.random.default_rng(3)
    blobs = scipy.ndimage.gaussian_filter(rng.normal(size=(40, 60, 50)), (2, 4, 4)) > 0.03
    labels, count = scipy.ndimage.label(blobs)
    numbers = rng.permutation(np.arange(1, 10 * count))[:count]
    labels = np.concatenate([[0], numbers])[labels]
    rows = object_table(labels, NM)
    theirs = skimage.measure.regionprops(labels, spacing=NM)
    assert [r.number for r in rows] == [p.label for p in theirs]
    assert len(rows) > 10
    for row, prop in zip(rows, theirs, strict=True):
        assert row.volume_nm3 == pytest.approx(prop.area)
        assert row.centroid_zyx_nm == pytest.approx(prop.centroid)
        assert (*row.lo_zyx, *row.hi_zyx) == prop.bbox
        if row.voxels < 1000:
            continue
        # Between what a mask measures with its stairs, and blurred by a voxel, which takes them.
        mask = np.pad((labels == row.number).astype(float), 6)
        stairs, smooth = (
            skimage.measure.mesh_surface_area(
                *skimage.measure.marching_cubes(values, 0.5, spacing=NM)[:2]
            )
            for values in (mask, scipy.ndimage.gaussian_filter(mask, 1))
        )
        assert 0.97 * smooth < row.surface_nm2 < 1.03 * stairs


def test_numbers_of_64_bits_stay_as_they_are_also_where_nothing_is_background():
    labels = np.full((2, 8, 8), 720575940621039145, np.uint64)
    labels[:, :, 4:] += np.uint64(1)
    rows = object_table(labels, NM)
    assert [r.number for r in rows] == [720575940621039145, 720575940621039146]
    assert rows[0].surface_nm2 == pytest.approx(rows[1].surface_nm2)


def test_the_table_is_written_with_units_in_its_heads(tmp_path: Path):
    write_object_table(tmp_path / "objects.csv", object_table(ball_and_box(), NM))
    with (tmp_path / "objects.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [r["id"] for r in rows] == ["2", "7"]
    assert rows[0]["volume_nm3"] == "48000"
    assert rows[0]["centroid_z_nm"] == "10.000"
    assert (rows[0]["last_x_voxel"], rows[0]["touches_border"]) == ("3", "yes")


@pytest.mark.parametrize("kind", ["ply", "stl", "obj"])
def test_meshes_of_objects_lie_where_they_are_in_nm(tmp_path: Path, kind):
    labels = ball_and_box()
    rows = object_table(labels, NM, surfaces=False)
    files = write_object_meshes(tmp_path / "meshes", labels, rows, NM, kind)
    assert [f.name for f in files] == [f"object_2.{kind}", f"object_7.{kind}"]
    ball = pv.read(files[1])
    assert ball.center == pytest.approx((270, 250, 300), abs=2)
    assert ball.volume == pytest.approx(4 / 3 * np.pi * 150**3, rel=0.04)
    assert ball.n_open_edges == 0


def test_point_clouds_have_one_point_a_voxel(tmp_path: Path):
    labels = ball_and_box()
    rows = object_table(labels, NM, surfaces=False)[:1]
    (table,) = write_object_points(tmp_path, labels, rows, NM, "csv")
    (cloud,) = write_object_points(tmp_path, labels, rows, NM, "ply")
    xyz = np.loadtxt(table, delimiter=",", skiprows=1)
    assert xyz.shape == (24, 3)
    assert xyz.max(axis=0) == pytest.approx((30, 20, 20))
    assert pv.read(cloud).n_points == 24
