"""Real files of many programs, against what independent readers find in them."""

from __future__ import annotations

import inspect
import json
import sys

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tomoscribe.coords import Geometry, orientation_to_rotation
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_columns import NeedsTomogramError, check_inside
from tomoscribe.io.pick_files import read_picks

A = Geometry((464, 928, 928), 13.68, (3173.75, 0.0, 0.0))
"""The tomogram of the thylakoid data, with the origin of its header."""


@pytest.fixture(scope="module")
def conformance(shared):
    return shared / "data" / "io_conformance"


def turns(columns) -> Rotation:
    return orientation_to_rotation(columns.normals_zyx, columns.angles_deg)


def apart_deg(a: Rotation, b: Rotation) -> float:
    return float(np.degrees((a * b.inv()).magnitude().max()))


# STOPGAP, EM, Dynamo: shifts added, angles by matrices.


def test_stopgap_motive_list(conformance):
    import starfile

    path = conformance / "star" / "stopgap_motivelist.star"
    table = starfile.read(path)
    read = read_picks(path)
    xyz = (
        table[["orig_x", "orig_y", "orig_z"]].to_numpy()
        + table[["x_shift", "y_shift", "z_shift"]].to_numpy()
    )
    assert read.zyx[:, ::-1] == pytest.approx(xyz)
    assert read.zyx[0] == pytest.approx([678.4676, 754.6012, 824.2121])
    angles = table[["phi", "the", "psi"]].to_numpy()
    assert apart_deg(turns(read), Rotation.from_euler("zxz", angles, degrees=True)) < 1e-5
    assert read.scores == pytest.approx(table["score"].to_numpy())
    assert read.class_names[:4] == ["class_3", "class_1", "class_2", "class_2"]
    assert set(read.tomogram) == {"24", "30"}


@pytest.mark.parametrize(
    ("name", "first_zyx", "tomograms"),
    [
        ("io_conformance/em/motl_040_STAexample.em", (287.2393, 394.1583, 1250.3899), {"40"}),
        ("hiv_vlp_motl/hiv_vlp_tomos_31_53_59.em", (225.54, 1098.78, 1249.83), {"31", "53", "59"}),
        ("hiv_vlp_motl/ribosome_motl_t126.em", (98.61, 137.22, 339.02), {"126"}),
    ],
)
def test_motive_lists(shared, name, first_zyx, tomograms):
    import emfile

    path = shared / "data" / name
    rows = emfile.read(path)[1][0].astype(float)
    read = read_picks(path)
    assert read.zyx[0] == pytest.approx(first_zyx, abs=0.01)
    assert read.zyx[:, ::-1] == pytest.approx(rows[:, 7:10] + rows[:, 10:13])
    angles = rows[:, [16, 18, 17]]
    assert apart_deg(turns(read), Rotation.from_euler("zxz", angles, degrees=True)) < 1e-5
    assert read.scores == pytest.approx(rows[:, 0])
    assert set(read.tomogram) == tomograms


def test_capsid_proteins_of_virus_like_particles_look_along_the_radius(shared):
    # Independent of any convention on paper: the lattice sits on spheres.
    import emfile

    path = shared / "data" / "hiv_vlp_motl" / "hiv_vlp_tomos_31_53_59.em"
    read = read_picks(path)
    rows = emfile.read(path)[1][0]
    particle = rows[:, 4] * 1000 + rows[:, 5]
    cosines = []
    for each in np.unique(particle):
        zyx, normals = read.zyx[particle == each], read.normals_zyx[particle == each]
        if len(zyx) < 100:
            continue
        # Least squares sphere: |p|^2 = 2 c.p + k.
        system = np.column_stack([2 * zyx, np.ones(len(zyx))])
        centre = np.linalg.lstsq(system, (zyx**2).sum(axis=1), rcond=None)[0][:3]
        out = (zyx - centre) / np.linalg.norm(zyx - centre, axis=1, keepdims=True)
        cosines.append((out * normals).sum(axis=1))
    cosine = np.concatenate(cosines)
    assert len(cosine) > 5000
    assert abs(np.median(cosine)) > 0.95


@pytest.mark.parametrize(
    ("name", "count", "first_zyx"),
    [
        ("dynamo_example.tbl", 500, (321.8319, 375.6725, 506.8349)),
        ("dynamo_4class.tbl", 1343, (167.1847, 548.6602, 507.5651)),
        ("dynamo_complex_values.tbl", 300, (642.6685, 759.43826, 1016.9803)),
    ],
)
def test_dynamo_tables(conformance, name, count, first_zyx):
    path = conformance / "tbl" / name
    read = read_picks(path)
    raw = np.array([line.split()[:26] for line in path.read_text().splitlines()], dtype=float)
    assert len(read) == count
    assert read.zyx[0] == pytest.approx(first_zyx, abs=1e-4)
    assert read.zyx[:, ::-1] == pytest.approx(raw[:, 23:26] + raw[:, 3:6] - 0.5)
    expected = Rotation.from_euler("zxz", raw[:, 6:9], degrees=True).inv()
    assert apart_deg(turns(read), expected) < 1e-5
    assert read.scores == pytest.approx(raw[:, 9])


def test_dynamo_tomograms_are_named_by_the_map_beside_the_table(conformance):
    read = read_picks(conformance / "tbl" / "dynamo_example.tbl")
    assert read.tomogram[0].endswith("tomo_ts01.mrc_15.00Apx.mrc")
    assert len(read.for_tomogram("tomo_ts01.mrc", "file")) == read.tomogram.count(read.tomogram[0])
    assert read_picks(conformance / "tbl" / "dynamo_complex_values.tbl").tomogram[0] == "1"


# IMOD.


@pytest.mark.parametrize(
    ("name", "count", "classes"),
    [
        ("two_contour_example.mod", 25, None),
        ("meshed_curvature_example.mod", 1176, {"object_1", "object_2"}),
        ("slicer_angle_example.mod", 4, None),
        ("czi_oriented_points.mod", 4, None),
        ("cryocat_correct111.mod", 161, None),
        ("cryocat_empty111.mod", 162, {"object_1", "object_2"}),
    ],
)
def test_imod_models(conformance, name, count, classes):
    import imodmodel

    read = read_picks(conformance / "mod" / name)
    xyz = imodmodel.read(conformance / "mod" / name)[["x", "y", "z"]].to_numpy()
    assert len(read) == count
    assert read.zyx[:, ::-1] == pytest.approx(xyz - [0.5, 0.5, 0.0])
    assert (None if read.class_names is None else set(read.class_names)) == classes


@pytest.mark.parametrize("name", ["slicer_angle_example.mod", "czi_oriented_points.mod"])
def test_slicer_angles_orient_the_points_beside_them(conformance, name):
    import imodmodel

    read = read_picks(conformance / "mod" / name)
    angles = imodmodel.read(conformance / "mod" / name, annotation="slicer_angles")
    assert read.normals_zyx.shape == (4, 3)
    volume_to_slice = Rotation.from_euler(
        "zyx", angles[["z_rot", "y_rot", "x_rot"]].to_numpy(), degrees=True
    )
    known = np.isfinite(read.angles_deg)
    assert known.all() or any("have slicer angles" in note for note in read.notes)
    for i in np.flatnonzero(known):
        found = turns(read.take(np.array([i])))
        assert (found * volume_to_slice).magnitude().min() < 1e-6


def test_a_model_with_a_surface_only_is_one_sentence(conformance):
    with pytest.raises(TomoscribeError, match="holds a surface mesh and no points"):
        read_picks(conformance / "mod" / "emdb_sff_meshed.mod")


# Boxes.


@pytest.mark.parametrize("name", ["2d_center.box", "2d_left.box"])
def test_boxes_are_read_at_their_centre(conformance, name):
    read = read_picks(conformance / "box_cbox_tloc" / name)
    assert read.zyx.tolist() == [[0, 40, 24], [0, 62, 36], [0, 51, 78]]
    assert "two dimensions" in read.notes[0]


@pytest.mark.parametrize(
    ("name", "count", "first_zyx"),
    [
        ("2d_particles.cbox", 3, (0, 40.459892, 24.1877)),
        ("3d_particle.cbox", 3, (50, 40.221405, 24.757084)),
        ("3d_many.cbox", 1500, (114.5625, 683.5, 733)),
        ("ActLifeact_03047.cbox", 56, (0, 3469.789672, 654.093198)),
        ("TcdA1-0018_frames_sum.cbox", 120, (0, 3984.455551, 3810.367188)),
    ],
)
def test_cboxes(conformance, name, count, first_zyx):
    read = read_picks(conformance / "box_cbox_tloc" / name)
    assert len(read) == count
    assert read.zyx[0] == pytest.approx(first_zyx, abs=1e-5)


def test_cbox_confidences_and_filaments(conformance):
    box = conformance / "box_cbox_tloc"
    assert read_picks(box / "TcdA1-0018_frames_sum.cbox").scores[:2] == pytest.approx(
        [0.6578449010848999, 0.1309560239315033]
    )
    assert read_picks(box / "ActLifeact_03047.cbox").class_names[0] == "filament_0"
    assert read_picks(box / "3d_many.cbox").scores is None


# JSON and XML.


def test_copick(conformance):
    path = conformance / "json_csv" / "copick.json"
    with pytest.raises(NeedsTomogramError, match="Å"):
        read_picks(path)
    read = read_picks(path, geometry=Geometry((99, 99, 99), 2.0, (50.0, 0, 0)))
    points = json.loads(path.read_text())["points"]
    assert read.zyx[0].tolist() == [15, 10, 20]
    assert read.zyx.tolist() == [[p["location"][a] / 2 for a in "zyx"] for p in points]
    matrices = np.array([p["transformation_"] for p in points])[:, :3, :3]
    assert apart_deg(turns(read), Rotation.from_matrix(matrices)) < 1e-5
    assert read.class_names == ["ribosome"] * 4


def test_copick_and_relion_agree_about_the_same_particles(conformance):
    copick = read_picks(conformance / "json_csv" / "copick.json", geometry=Geometry((9, 9, 9), 2.0))
    star = read_picks(conformance / "star" / "czi_relion3.star")
    assert apart_deg(turns(copick)[0], turns(star)[0]) < 1e-3


def test_deepfinder(conformance):
    read = read_picks(conformance / "other" / "deepfinder_object_list.xml")
    assert len(read) == 2498
    assert read.zyx[0].tolist() == [144, 261, 46]
    assert read.class_names[:3] == ["class_11", "class_5", "class_7"]
    first = Rotation.from_euler("zxz", [-142, 83, 20], degrees=True)
    assert apart_deg(turns(read)[0], first) < 1e-5


def test_pytom(conformance):
    read = read_picks(conformance / "other" / "pytom_pickpos.xml")
    assert len(read) == 10
    assert set(read.tomogram) == {"tomo1.tomostar"}
    first = Rotation.from_euler(
        "zxz", [303.99186654901735, 75.7028845495521, 272.8635850585089], degrees=True
    )
    assert apart_deg(turns(read)[0], first) < 1e-5


@pytest.mark.parametrize("name", ["T1S2M15", "T1S4M8"])
def test_membranorama_sessions_agree_with_the_converted_tables(shared, name):
    import csv

    folder = shared / "data" / "thylakoid_membranes"
    read = read_picks(folder / f"{name}.membranorama.xml", geometry=A)
    with (folder / f"{name}_particles.csv").open() as file:
        rows = list(csv.DictReader(file))
    xyz_A = np.array([[float(row[a]) for a in "xyz"] for row in rows])
    assert read.zyx[:, ::-1] == pytest.approx((xyz_A - [0, 0, 3173.75]) / 13.68)
    assert check_inside(read, A) is None
    assert [n.split("_", 1)[1] for n in read.class_names] == [row["class"] for row in rows]


def test_the_thylakoid_tables_without_a_unit_are_told_to_be_in_angstrom(shared):
    read = read_picks(shared / "data" / "thylakoid_membranes" / "T1S2M15_particles.csv", geometry=A)
    assert "they look like Å instead of voxels" in check_inside(read, A)


# What is refused.


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("box_cbox_tloc/2d_corrupt_has_string.box", "Line 2 of .* is 'sixty_three 62 0 0'"),
        ("box_cbox_tloc/valid.tloc", "Python pickle"),
        ("em/human_ribo_21A.em", "EM volume of 32 x 32 x 32 voxels"),
        ("em/int16_type2.em", "EM volume of 64 x 64 x 1 voxels"),
        ("tbl/dynamo_example_tomograms.doc", "not a file of picks"),
        ("tbl/dynamo_complex_tomograms.doc", "not a file of picks"),
    ],
)
def test_refusals_are_one_sentence(conformance, name, words):
    with pytest.raises(TomoscribeError, match=words) as caught:
        read_picks(conformance / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_real_pick_file_is_tested(conformance):
    from tests.io import test_tables

    source = inspect.getsource(sys.modules[__name__]) + inspect.getsource(test_tables)
    for folder in ("box_cbox_tloc", "em", "mod", "tbl", "json_csv", "other"):
        for path in (conformance / folder).iterdir():
            assert path.name in source
