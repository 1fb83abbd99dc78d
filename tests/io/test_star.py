"""STAR files of RELION 3.0 to 5 and of programs that follow it, real and made."""

from __future__ import annotations

import numpy as np
import pytest

from tomoscribe.coords import Geometry, relion_rotation
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import read_picks

GEOMETRY = Geometry((400, 1000, 1000), 10.0)

# File, picks, first position x y z in the file's own units, shift subtracted, pixel size in Å.
REAL = [
    ("czi_relion3.star", 6, (4, 8, 12), None, 1.7005),
    ("czi_tomoman_relion.star", 6, (4, 8, 12), (-1.2, -2.4, -3.2), 1.96),
    ("pyto_relion3.star", 200, None, None, None),
    ("pytom_subtomo_format.star", 200, (806, 398, 208), (0, 0, 0), 6.896),
    ("relion30_warp.star", 3, (1028.455, 733.955, 422.955), (0, 0, 0), 5.364),
    ("relion31_optics.star", 3, (915.549, 1480.63, 938.008), None, 2.446),
    ("relion40.star", 300, (1700, 428, 944), (1.260416 / 1.971, 2.364176 / 1.971, None), 1.971),
    ("starfile_one_loop.star", 16, (1572.444, 1084.5, 964.5), (0, 0, 0), 5.0),
    ("starfile_single_line_middle_of_multiblock.star", 1, (587, 1268, -51.5227), (0, 0, 0), None),
    ("warp_example.star", 300, (1512.353, 1126.5, 973.5), (0, 0, 0), 5.0),
]


@pytest.mark.parametrize(("name", "count", "first", "shift", "pixel"), REAL)
def test_real_particle_file_reads(shared, name, count, first, shift, pixel):
    path = shared / "data" / "io_conformance" / "star" / name
    plain = read_picks(path)
    assert len(plain) == count
    if first is not None and shift is not None:
        for value, at, moved in zip(plain.zyx[0, ::-1], first, shift, strict=True):
            if moved is not None:
                assert value == pytest.approx(at - moved, abs=1e-5)
    if pixel is not None and count > 1:
        scaled = read_picks(path, geometry=GEOMETRY)
        assert scaled.zyx == pytest.approx(plain.zyx * pixel / 10, abs=1e-4)
        assert f"pixels of {pixel:g} Å" in scaled.notes[-1]


@pytest.mark.parametrize(
    ("name", "count", "first"),
    [
        ("cylindra_relion5_refine3d.star", 5, None),
        ("relion5_picks_particles.star", 5, (-176.94, 765.48005, 11.16)),
        ("relion5_tutorial_run_data.star", 500, None),
    ],
)
def test_real_relion5_file_needs_the_tomogram(shared, name, count, first):
    path = shared / "data" / "io_conformance" / "star" / name
    with pytest.raises(TomoscribeError, match="open it together with its tomogram"):
        read_picks(path)
    with pytest.raises(TomoscribeError, match="--voxel-size-A"):
        read_picks(path, geometry=Geometry((400, 1000, 1000)))
    read = read_picks(path, geometry=GEOMETRY)
    assert len(read) == count
    if first is not None:
        centre = np.array([500, 500, 200])
        assert read.zyx[0, ::-1] == pytest.approx(centre + np.array(first) / 10)


def test_real_orientations_point_out_of_the_virus_particles(shared):
    # RELION's tutorial: capsid positions on spheres, box and particle angles both in use.
    path = shared / "data" / "io_conformance" / "star" / "relion5_tutorial_run_data.star"
    picks = read_picks(path, geometry=GEOMETRY)
    distance = np.linalg.norm(picks.zyx[:, None] - picks.zyx[None], axis=2)
    virus = _connected(distance < 16)
    points, normals = picks.zyx[virus], picks.normals_zyx[virus]
    assert len(points) > 100
    system = np.column_stack([2 * points, np.ones(len(points))])
    centre = np.linalg.lstsq(system, (points**2).sum(axis=1))[0][:3]
    outward = points - centre
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    assert np.median((outward * normals).sum(axis=1)) > 0.99


def _connected(near: np.ndarray) -> np.ndarray:
    """Return the members of the largest connected group."""
    from scipy.sparse.csgraph import connected_components

    labels = connected_components(near)[1]
    return labels == np.bincount(labels).argmax()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("emdb_sff_test_data7.star", "not a STAR file that can be parsed"),
        ("relion5_picks_optimisation_set.star", "give its particle file, Picks/job_picks/part"),
        ("relion5_tilt_series_TS_01.star", "describes tilt series or tomograms"),
        ("relion5_tomograms.star", "describes tilt series or tomograms"),
        ("relion5_tutorial_tomograms.star", "describes tilt series or tomograms"),
        ("starfile_basic_single_quote.star", "holds no particle positions"),
        ("starfile_empty_loop.star", "lacks the column rlnCoordinateY and rlnCoordinateZ"),
        ("starfile_loop_double_quote.star", "holds no particle positions"),
        ("starfile_two_single_line_loop_blocks.star", "holds no particle positions"),
        ("stopgap_wedge_list.star", "STOPGAP list without particles"),
        ("tomoman_tomolist.star", "TOMOMAN list of tomograms"),
    ],
)
def test_real_file_without_particles_fails_with_one_sentence(shared, name, words):
    with pytest.raises(TomoscribeError, match=words) as caught:
        read_picks(shared / "data" / "io_conformance" / "star" / name, geometry=GEOMETRY)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_real_star_file_is_tested(shared):
    import inspect

    source = inspect.getsource(inspect.getmodule(_connected))
    # stopgap_motivelist.star has columns of its own and is read in test_real_pick_files.
    for path in (shared / "data" / "io_conformance" / "star").iterdir():
        assert path.name in source


@pytest.mark.parametrize("name", ["atpase_mito", "hsp60_mito", "ps2", "rubisco"])
def test_columns_are_found_by_name_in_any_order(shared, name):
    picks = read_picks(shared / "data" / "chlamy_empiar11830" / f"{name}.star")
    assert picks.tomogram is not None
    assert picks.tomogram[0].startswith("tomo_00")
    assert picks.class_names is not None
    assert len(set(picks.class_names)) == 1
    assert picks.normals_zyx == pytest.approx(
        relion_rotation(_angles(shared, name)).apply([0, 0, 1])[:, ::-1], abs=1e-6
    )


def _angles(shared, name):
    import starfile

    table = starfile.read(shared / "data" / "chlamy_empiar11830" / f"{name}.star")
    return table[["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]].to_numpy(float)


# Files made here.


def star(tmp_path, columns: str, *rows: str, optics: str = "", block: str = "particles"):
    labels = "\n".join(f"_{c}" for c in columns.split())
    path = tmp_path / "p.star"
    path.write_text(f"{optics}\ndata_{block}\n\nloop_\n{labels}\n" + "\n".join(rows) + "\n")
    return path


XYZ = "rlnCoordinateX rlnCoordinateY rlnCoordinateZ"
OPTICS = "data_optics\n\nloop_\n_rlnOpticsGroup\n_rlnTomoTiltSeriesPixelSize\n1 2.5\n2 5.0\n"


def test_positions_without_any_size_are_voxels_of_the_tomogram(tmp_path):
    picks = read_picks(star(tmp_path, XYZ, "1 2 3", "4 5 6"), geometry=GEOMETRY)
    assert picks.zyx.tolist() == [[3, 2, 1], [6, 5, 4]]
    assert picks.notes == ()


def test_each_optics_group_has_its_own_pixel(tmp_path):
    path = star(tmp_path, XYZ + " rlnOpticsGroup", "8 8 8 1", "8 8 8 2", optics=OPTICS)
    assert read_picks(path, geometry=GEOMETRY).zyx.tolist() == [[2, 2, 2], [4, 4, 4]]
    assert read_picks(path).zyx.tolist() == [[8, 8, 8], [8, 8, 8]]


def test_shifts_in_angstrom_are_subtracted_in_pixels_of_the_file(tmp_path):
    shifts = " rlnOriginXAngst rlnOriginYAngst rlnOriginZAngst rlnOpticsGroup"
    path = star(tmp_path, XYZ + shifts, "8 8 8 5 0 -5 1", optics=OPTICS)
    assert read_picks(path).zyx.tolist() == [[10, 8, 6]]


def test_shifts_are_along_the_axes_of_the_box(tmp_path):
    shifts = " rlnOriginXAngst rlnOriginYAngst rlnOriginZAngst"
    box = " rlnTomoSubtomogramRot rlnTomoSubtomogramTilt rlnTomoSubtomogramPsi"
    path = star(tmp_path, XYZ + shifts + box, "50 50 50 20 0 0 0 90 0")
    # The box's x axis is along -z or +z of the tomogram: tilt 90 turns x into z.
    moved = relion_rotation([[0, 90, 0]]).apply([2, 0, 0])[0]
    read = read_picks(path, geometry=GEOMETRY).zyx[0, ::-1]
    assert read == pytest.approx(50 - moved)
    assert abs(moved[2]) == pytest.approx(2)


def test_shifts_in_angstrom_without_any_size_are_left_out_and_said(tmp_path):
    shifts = " rlnOriginXAngst rlnOriginYAngst rlnOriginZAngst"
    picks = read_picks(star(tmp_path, XYZ + shifts, "8 8 8 5 0 -5"))
    assert picks.zyx.tolist() == [[8, 8, 8]]
    assert "left out" in picks.notes[0]


def test_names_that_look_like_numbers_stay_text(tmp_path):
    picks = read_picks(star(tmp_path, XYZ + " rlnTomoName", "1 2 3 007", "1 2 3 010"))
    assert picks.tomogram == ["007", "010"]


def test_class_numbers_count_only_if_there_are_several(tmp_path):
    one = read_picks(star(tmp_path, XYZ + " rlnClassNumber", "1 2 3 1", "1 2 3 1"))
    two = read_picks(star(tmp_path, XYZ + " rlnClassNumber", "1 2 3 1", "1 2 3 2"))
    assert one.class_names is None
    assert two.class_names == ["class_1", "class_2"]


def test_value_that_is_no_number_is_named(tmp_path):
    with pytest.raises(TomoscribeError, match=r"Particle 2 of .* has 'far' in rlnCoordinateY"):
        read_picks(star(tmp_path, XYZ, "1 2 3", "4 far 6"))
    with pytest.raises(TomoscribeError, match=r"Particle 1 of .* has 'nan' in rlnCoordinateX"):
        read_picks(star(tmp_path, XYZ, "nan 2 3", "4 5 6"))


@pytest.mark.parametrize("content", ["", "just text\n", "\0\1\2", "data_\nloop_\n"])
def test_what_is_no_star_file_is_a_sentence(tmp_path, content):
    path = tmp_path / "a.star"
    path.write_text(content)
    with pytest.raises(TomoscribeError, match=r"a\.star"):
        read_picks(path)
