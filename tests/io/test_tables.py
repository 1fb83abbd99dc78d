"""CSV, TSV and TXT tables of picks, with and without a header."""

from __future__ import annotations

import numpy as np
import pytest

from tomoscribe.coords import Geometry
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import read_picks

GEOMETRY = Geometry((100, 100, 100), 10.0, (50.0, 0.0, 0.0))


def table(tmp_path, text: str, name: str = "a.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "x,y,z\n1,2,3\n",
        "z;y;x\n3;2;1\n",
        "X\tZ\tY\n1\t3\t2\n",
        "x y z\n1 2 3\n",
        "  x   y  z\n\n  1   2  3\n\n",
        "# made by hand\n1 2 3\n",
        "1, 2, 3\n",
        "\ufeffx,y,z\n1,2,3\n",
        "x_coord,y_coord,z_coord\n1,2,3\n",
        '"index","axis-0","axis-1","axis-2"\n0.0,3.0,2.0,1.0\n',
        "rlnCoordinateX,rlnCoordinateY,rlnCoordinateZ\r\n1,2,3\r\n",
        "location_x,location_y,location_z\n1,2,3",
    ],
)
def test_columns_and_delimiters_are_found(tmp_path, text):
    assert read_picks(table(tmp_path, text)).zyx.tolist() == [[3, 2, 1]]


def test_class_score_tomogram_and_orientation_are_found(tmp_path):
    text = (
        "image_name,particle_type,x,y,z,confidence,nx,ny,nz,angle_deg,comment\n"
        "t1,ribosome,1,2,3,0.9,0,0,1,30,good\nt2,,4,5,6,,1,0,0,,\n"
    )
    picks = read_picks(table(tmp_path, text))
    assert picks.tomogram == ["t1", "t2"]
    assert picks.class_names == ["ribosome", ""]
    assert picks.scores == pytest.approx(np.array([0.9, np.nan]), nan_ok=True)
    assert picks.normals_zyx.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert picks.angles_deg == pytest.approx(np.array([30, np.nan]), nan_ok=True)


@pytest.mark.parametrize(
    "text",
    [
        "X [A],Y [A],Z [A]\n100,200,350\n",
        "x (nm),y (nm),z (nm)\n10,20,35\n",
        "x_angstrom,y_angstrom,z_angstrom\n100,200,350\n",
        "x_A,y_A,z_A\n100,200,350\n",
    ],
)
def test_units_in_the_header_are_followed(tmp_path, text):
    path = table(tmp_path, text)
    with pytest.raises(TomoscribeError, match="open it together with its tomogram"):
        read_picks(path)
    picks = read_picks(path, geometry=GEOMETRY)
    assert picks.zyx.tolist() == [[30, 20, 10]]  # The origin in z is 50 Å.
    assert "converted" in picks.notes[0]


def test_four_numbers_are_position_and_score(tmp_path):
    picks = read_picks(table(tmp_path, "1 2 3 0.5\n4 5 6 0.25\n", "a.txt"))
    assert picks.scores.tolist() == [0.5, 0.25]
    assert "x y z score" in picks.notes[0]


@pytest.mark.parametrize("extra", ["", " 10 20 30"])
def test_class_name_before_the_position(tmp_path, extra):
    picks = read_picks(table(tmp_path, f"4v94 1 2 3{extra}\n3d2f 4 5 6{extra}\n", "a.txt"))
    assert picks.class_names == ["4v94", "3d2f"]
    assert picks.zyx.tolist() == [[3, 2, 1], [6, 5, 4]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x,y\n1,2\n", "lacks the column z; its columns are: x, y"),
        ("x,y,z\n1,2,3\n4,5\n", "Line 3 of .* has 2 columns"),
        ("x,y,z\n1,2,here\n", "Line 2 of .* has 'here'"),
        ("x,y,z\n1,2,nan\n", "Line 2 of .* has 'nan'"),
        ("1 2\n", "2 columns without a header"),
        ("1 2 3 4 5 6 7\n", "7 columns without a header"),
        ("x [A],y [nm],z\n1,2,3\n", "different units"),
    ],
)
def test_broken_table_fails_with_one_sentence(tmp_path, text, words):
    with pytest.raises(TomoscribeError, match=words):
        read_picks(table(tmp_path, text), geometry=GEOMETRY)


def test_binary_file_is_no_table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xff\xfe\x00\x81" * 9)
    with pytest.raises(TomoscribeError, match="not a text file"):
        read_picks(path)


def test_empty_table_has_no_picks(tmp_path):
    assert len(read_picks(table(tmp_path, ""))) == 0
    assert len(read_picks(table(tmp_path, "x,y,z\n"))) == 0


@pytest.mark.parametrize(
    ("name", "count", "first_zyx"),
    [
        ("io_conformance/json_csv/points.csv", 3, (3, 2, 1)),
        ("io_conformance/json_csv/points_with_header.csv", 3, (3, 2, 1)),
        ("io_conformance/json_csv/tardis.csv", 6, (-3.8, 0.8, 0.4)),
        ("io_conformance/other/deepfinder_particles.txt", 300, (118, 480, 180)),
        ("io_conformance/other/pytom_coords.txt", 2, (232, 60, 68)),
        ("thylakoid_membranes/T1S2M15_particles.csv", 44, (6424.774, 9482.036, 5265.287)),
    ],
)
def test_real_tables_read(shared, name, count, first_zyx):
    picks = read_picks(shared / "data" / name, geometry=GEOMETRY)
    assert len(picks) == count
    assert picks.zyx[0] == pytest.approx(first_zyx)
