"""Every format in the table: what it holds comes back, and every door knows it."""

from __future__ import annotations

import numpy as np
import pytest

from tomoscribe.coords import Geometry, orientation_to_rotation
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import PickColumns, read_picks, write_picks
from tomoscribe.io.pick_formats import FORMATS, WRITABLE
from tomoscribe.io.registry import kind_of

GEOMETRY = Geometry((200, 464, 465), 13.68, (3173.75, 0.0, -20.0))
TURNED = [n for n in WRITABLE if n not in ("cbox", "txt")]
SCORED = [n for n in WRITABLE if n not in ("imod", "portal", "deepfinder")]


def picks(count: int = 40, seed: int = 0, classes: int = 1) -> PickColumns:
    rng = np.random.default_rng(seed)
    normals = rng.normal(size=(count, 3))
    normals[:4] = [[1, 0, 0], [-1, 0, 0], [1, 1e-5, 0], [0, 0, -1]][:count]
    angles = rng.uniform(-179, 179, count)
    angles[:2] = 0.0
    return PickColumns(
        zyx=rng.uniform(0, 199, (count, 3)),
        class_names=[f"class_{i % classes + 1}" for i in range(count)],
        scores=rng.uniform(0.01, 1, count),
        normals_zyx=normals / np.linalg.norm(normals, axis=1, keepdims=True),
        angles_deg=angles,
        tomogram=["TS_07"] * count,
    )


def there_and_back(tmp_path, columns, flavour, geometry=GEOMETRY):
    path = tmp_path / f"picks{WRITABLE[flavour].suffix}"
    write_picks(path, columns, geometry=geometry, tomogram_name="TS_07", flavour=flavour)
    return read_picks(path, geometry=geometry)


@pytest.mark.parametrize("flavour", WRITABLE)
def test_positions_come_back(tmp_path, flavour):
    written = picks()
    read = there_and_back(tmp_path, written, flavour)
    assert read.zyx == pytest.approx(written.zyx, abs=1e-3)


@pytest.mark.parametrize("flavour", TURNED)
def test_orientations_come_back_to_a_thousandth_of_a_degree(tmp_path, flavour):
    written = picks()
    read = there_and_back(tmp_path, written, flavour)
    assert read.normals_zyx is not None
    assert written.normals_zyx is not None
    apart = orientation_to_rotation(read.normals_zyx, read.angles_deg) * (
        orientation_to_rotation(written.normals_zyx, written.angles_deg).inv()
    )
    assert np.degrees(apart.magnitude()).max() < 1e-3


@pytest.mark.parametrize("flavour", SCORED)
def test_scores_come_back(tmp_path, flavour):
    written = picks()
    assert there_and_back(tmp_path, written, flavour).scores == pytest.approx(
        written.scores, abs=1e-5
    )


@pytest.mark.parametrize("flavour", [n for n, row in WRITABLE.items() if not row.one_class])
def test_classes_come_back_where_there_are_several(tmp_path, flavour):
    written = picks(classes=3)
    read = there_and_back(tmp_path, written, flavour)
    if flavour in ("cbox", "txt"):
        assert read.class_names is None
    elif flavour == "imod":  # Picks lie object by object.
        assert sorted(read.class_names) == sorted(written.class_names)
    else:
        assert read.class_names == written.class_names


@pytest.mark.parametrize("flavour", WRITABLE)
def test_picks_without_orientation_score_and_class_stay_so(tmp_path, flavour):
    read = there_and_back(tmp_path, PickColumns(np.array([[1.0, 2, 3], [4, 5, 6]])), flavour)
    assert read.zyx == pytest.approx(np.array([[1.0, 2, 3], [4, 5, 6]]), abs=1e-3)
    assert read.normals_zyx is None
    assert read.scores is None
    assert read.class_names in (None, ["particle"] * 2)


@pytest.mark.parametrize("flavour", TURNED)
def test_a_flat_membrane_keeps_its_normals(tmp_path, flavour):
    flat = PickColumns(np.ones((3, 3)), normals_zyx=np.array([[1.0, 0, 0]] * 3))
    read = there_and_back(tmp_path, flat, flavour)
    assert read.normals_zyx == pytest.approx(flat.normals_zyx, abs=1e-6)


@pytest.mark.parametrize("flavour", TURNED)
def test_a_pick_without_a_normal_among_others_stays_so(tmp_path, flavour):
    written = picks(5)
    written.normals_zyx[3] = np.nan
    read = there_and_back(tmp_path, written, flavour)
    assert np.isnan(read.normals_zyx).any(axis=1).tolist() == [False, False, False, True, False]


@pytest.mark.parametrize("flavour", WRITABLE)
def test_no_picks_are_written_and_read_as_no_picks(tmp_path, flavour):
    assert len(there_and_back(tmp_path, PickColumns(np.zeros((0, 3))), flavour)) == 0


@pytest.mark.parametrize("flavour", WRITABLE)
def test_written_files_are_known_as_picks_and_belong_to_their_tomogram(tmp_path, flavour):
    read = there_and_back(tmp_path, picks(), flavour)
    path = next(p for p in tmp_path.iterdir() if p.suffix == WRITABLE[flavour].suffix)
    assert kind_of(path) == "picks"
    assert len(read.for_tomogram("TS_07.mrc", "file")) == 40


def test_lists_that_number_tomograms_find_theirs(tmp_path):
    two = PickColumns(np.arange(9.0).reshape(3, 3), tomogram=["TS_07", "TS_12", "TS_12"])
    for flavour in ("stopgap", "motl", "deepfinder"):
        read = there_and_back(tmp_path, two, flavour)
        assert read.tomogram == ["7", "12", "12"]
        mine = read.for_tomogram("TS_12_10.00Apx.mrc", "file")
        assert len(mine) == 2
        assert "Tomogram 12 of file is taken to be" in mine.notes[-1]
        with pytest.raises(TomoscribeError, match="holds picks of 12, 7, none of TS_3"):
            read.for_tomogram("TS_3.mrc", "file")


def test_a_dynamo_table_names_its_tomograms_in_a_map_beside_it(tmp_path):
    two = PickColumns(np.arange(9.0).reshape(3, 3), tomogram=["one", "two", "two"])
    assert there_and_back(tmp_path, two, "dynamo").tomogram == ["one", "two", "two"]
    assert (tmp_path / "picks.doc").read_text() == "1 one\n2 two\n"


def test_stopgap_is_truly_stopgap(tmp_path):
    # Normal along x: theta 90 and psi 90, which RELION calls tilt 90 and psi 180.
    one = PickColumns(np.array([[3.25, 2, 1]]), normals_zyx=np.array([[0.0, 0, 1]]))
    there_and_back(tmp_path, one, "stopgap")
    text = (tmp_path / "picks.star").read_text()
    assert "data_stopgap_motivelist" in text
    assert "rln" not in text
    row = dict(
        zip(
            [line.split()[0][1:] for line in text.splitlines() if line.startswith("_")],
            text.strip().splitlines()[-1].split(),
            strict=True,
        )
    )
    assert [float(row[c]) for c in ("orig_x", "orig_y", "orig_z", "z_shift")] == [1, 2, 3, 0.25]
    assert float(row["the"]) == pytest.approx(90)
    assert float(row["psi"]) % 360 == pytest.approx(90)


def test_motive_lists_are_read_in_both_orders(tmp_path):
    import emfile

    read = there_and_back(tmp_path, picks(7), "motl")
    rows = emfile.read(tmp_path / "picks.em")[1]
    emfile.write(tmp_path / "turned.em", np.ascontiguousarray(rows.transpose(0, 2, 1)))
    turned = read_picks(tmp_path / "turned.em")
    assert turned.zyx.tolist() == read.zyx.tolist()
    assert turned.normals_zyx == pytest.approx(read.normals_zyx)


def test_dynamo_counts_from_the_corner_and_imod_from_the_middle_of_a_slice(tmp_path):
    first = PickColumns(np.zeros((1, 3)))
    there_and_back(tmp_path, first, "dynamo")
    assert np.loadtxt(tmp_path / "picks.tbl")[23:26].tolist() == [0.5, 0.5, 0.5]
    there_and_back(tmp_path, first, "imod")
    import imodmodel

    assert imodmodel.read(tmp_path / "picks.mod")[["x", "y", "z"]].to_numpy().tolist() == [
        [0.5, 0.5, 0.0]
    ]


def test_boxes_are_as_wide_as_the_particles(tmp_path):
    one = PickColumns(np.array([[30.0, 20, 10]]), diameters_A=np.array([273.6]))
    there_and_back(tmp_path, one, "cbox")
    row = next(
        line for line in (tmp_path / "picks.cbox").read_text().splitlines() if line[:1].isdigit()
    )
    assert [float(v) for v in row.split()[:6]] == [0, 10, 30, 20, 20, 20]


def test_copick_holds_one_class(tmp_path):
    with pytest.raises(TomoscribeError, match="one object, not 2"):
        there_and_back(tmp_path, picks(classes=2), "copick")
    with pytest.raises(TomoscribeError, match="voxel size"):
        there_and_back(tmp_path, picks(), "copick", Geometry((9, 9, 9)))


def test_matrices_that_are_no_rotations_are_refused(tmp_path):
    path = tmp_path / "a.ndjson"
    matrix = "[[1, 0, 0], [0, 1, 0], [0, 0, -1]]"
    path.write_text(
        '{"location": {"x": 1, "y": 2, "z": 3}, "xyz_rotation_matrix": ' + matrix + "}\n"
    )
    with pytest.raises(TomoscribeError, match=r"matrix of point 1 .* is no rotation"):
        read_picks(path)
    path.write_text('{"location": {"x": 1, "y": 2}}\n')
    with pytest.raises(TomoscribeError, match=r"Point 1 .* has no numbers x, y and z"):
        read_picks(path)


def test_the_table_says_how_or_why_not():
    for row in FORMATS:
        assert row.reader
        assert bool(row.writer) != bool(row.not_written)
        assert row.holds.endswith(".")


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("readme.txt", "Read me first, please.\n", None),
        ("a.txt", "# TOMONAME x\n 1 2 3\n", "picks"),
        ("a.txt", "4v94 1 2 3\n", "picks"),
        ("a.tsv", "name\tx\ty\tz\n", "picks"),
        ("settings.json", '{"points": 3}', None),
        ("page.xml", "<html/>", None),
        ("a.xml", "<objlist>\n</objlist>", "picks"),
        ("a.mod", "module", None),
    ],
)
def test_suffixes_that_may_be_anybodys_are_judged_by_content(tmp_path, name, text, kind):
    (tmp_path / name).write_text(text)
    assert kind_of(tmp_path / name) == kind


def test_a_damaged_model_is_refused_before_it_fills_the_memory(tmp_path):
    there_and_back(tmp_path, picks(), "imod")
    data = bytearray((tmp_path / "picks.mod").read_bytes())
    at = data.index(b"CONT") + 4
    data[at : at + 4] = (2**31 - 1).to_bytes(4, "big")
    (tmp_path / "picks.mod").write_bytes(data)
    with pytest.raises(TomoscribeError, match="cannot be read: it is cut off"):
        read_picks(tmp_path / "picks.mod")
