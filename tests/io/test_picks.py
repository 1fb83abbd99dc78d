"""What every pick file has in common: round trips, refusals, and checks against the tomogram."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tomoscribe.coords import Geometry
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_columns import tomogram_key
from tomoscribe.io.pick_files import PickColumns, check_inside, read_picks, write_picks

FLAVOURS = {
    "relion3.0": "star",
    "relion3.1": "star",
    "relion4": "star",
    "relion5": "star",
    "csv": "csv",
    "txt": "txt",
}
"""Formats that hold all that we know, and the plain text; others are in test_pick_formats."""
GEOMETRY = Geometry((200, 464, 465), 13.68, (3173.75, 0.0, -20.0))


def columns(count: int = 5, seed: int = 0) -> PickColumns:
    rng = np.random.default_rng(seed)
    normals = rng.normal(size=(count, 3))
    return PickColumns(
        zyx=rng.uniform(0, 200, (count, 3)),
        class_names=[["ribosome", "50S subunit"][i % 2] for i in range(count)],
        scores=rng.uniform(0, 1, count),
        normals_zyx=normals / np.linalg.norm(normals, axis=1, keepdims=True),
        angles_deg=rng.uniform(-179, 179, count),
        tomogram=["TS_01"] * count,
    )


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_all_that_a_flavour_can_hold_comes_back(tmp_path, flavour):
    path = tmp_path / f"picks.{FLAVOURS[flavour]}"
    written = columns()
    write_picks(path, written, geometry=GEOMETRY, tomogram_name="TS_01", flavour=flavour)
    read = read_picks(path, geometry=GEOMETRY)
    assert read.zyx == pytest.approx(written.zyx, abs=1e-3)
    assert read.scores == pytest.approx(written.scores, abs=1e-5)
    if flavour == "txt":
        return
    assert read.notes == ()
    assert read.class_names == written.class_names
    assert read.tomogram == written.tomogram
    assert read.normals_zyx == pytest.approx(written.normals_zyx, abs=1e-5)
    assert read.angles_deg == pytest.approx(written.angles_deg, abs=1e-3)


@pytest.mark.parametrize("flavour", FLAVOURS)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    zyx=arrays(np.float64, st.tuples(st.integers(1, 4), st.just(3)), elements=st.floats(0, 4000)),
    voxel=st.floats(0.5, 50),
)
def test_positions_are_exact_to_a_thousandth_of_a_voxel(tmp_path, flavour, zyx, voxel):
    path = tmp_path / f"picks.{FLAVOURS[flavour]}"
    geometry = Geometry((4001, 4002, 4003), voxel)
    write_picks(path, PickColumns(zyx), geometry=geometry, tomogram_name="t", flavour=flavour)
    read = read_picks(path, geometry=geometry)
    assert read.zyx == pytest.approx(zyx, abs=1e-3)
    assert read.class_names is None
    assert read.scores is None
    assert read.normals_zyx is None


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_no_picks_are_written_and_read_as_no_picks(tmp_path, flavour):
    path = tmp_path / f"picks.{FLAVOURS[flavour]}"
    write_picks(path, columns(0), geometry=GEOMETRY, tomogram_name="TS_01", flavour=flavour)
    assert len(read_picks(path, geometry=GEOMETRY)) == 0


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_one_pick_is_enough(tmp_path, flavour):
    path = tmp_path / f"picks.{FLAVOURS[flavour]}"
    write_picks(path, columns(1), geometry=GEOMETRY, tomogram_name="TS_01", flavour=flavour)
    assert len(read_picks(path, geometry=GEOMETRY)) == 1


def test_human_picks_without_scores_come_back_without(tmp_path):
    picks = PickColumns(np.ones((2, 3)), scores=np.array([np.nan, np.nan]))
    for flavour, suffix in FLAVOURS.items():
        path = tmp_path / f"{flavour}.{suffix}"
        write_picks(path, picks, geometry=GEOMETRY, tomogram_name="t", flavour=flavour)
        scores = read_picks(path, geometry=GEOMETRY).scores
        assert scores is None or np.isnan(scores).all()


def test_some_scores_unknown_stay_unknown(tmp_path):
    picks = PickColumns(np.ones((2, 3)), scores=np.array([0.5, np.nan]))
    for flavour, suffix in FLAVOURS.items():
        path = tmp_path / f"{flavour}.{suffix}"
        write_picks(path, picks, geometry=GEOMETRY, tomogram_name="t", flavour=flavour)
        scores = read_picks(path, geometry=GEOMETRY).scores if flavour != "txt" else picks.scores
        assert scores[0] == pytest.approx(0.5)
        assert np.isnan(scores[1])


def test_relion4_counts_in_pixels_of_the_tilt_series(tmp_path):
    path = tmp_path / "picks.star"
    write_picks(
        path, columns(), geometry=GEOMETRY, tomogram_name="TS_01", flavour="relion4",
        tilt_series_pixel_size_A=3.42,
    )  # fmt: skip
    raw = read_picks(path)
    assert raw.zyx == pytest.approx(columns().zyx * 4, abs=1e-4)
    read = read_picks(path, geometry=GEOMETRY)
    assert read.zyx == pytest.approx(columns().zyx, abs=1e-3)
    assert read.notes == (
        "picks.star counts in pixels of 3.42 Å; positions are scaled to the tomogram's voxels "
        "of 13.68 Å.",
    )


@pytest.mark.parametrize("flavour", ["relion3.0", "relion3.1", "relion4", "relion5"])
def test_star_needs_a_voxel_size_and_leaves_nothing_behind(tmp_path, flavour):
    with pytest.raises(TomoscribeError, match="--voxel-size-A"):
        write_picks(
            tmp_path / "a.star", columns(), geometry=Geometry((9, 9, 9)), tomogram_name="t",
            flavour=flavour,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.tloc", b"\x80\x05hello", "Python pickle"),
        ("a.csv", b"\x80\x04hello", "Python pickle"),
        ("a.mod", b"IMODV1.2", "IMOD model that cannot be read"),
        ("a.mod", b"something", "does not begin with IMOD"),
        ("a.tbl", b"1 2 3", "3 columns; a Dynamo table with positions has at least 26"),
        ("a.cbox", b"data_", "not a CBOX file"),
        ("a.em", b"EM", "not an EM file, or it is cut off"),
        ("a.box", b"1 2 3", "Line 1 of .* is '1 2 3' where corner and size"),
        ("a.json", b"{}", "not a copick file: it has no list of points"),
        ("a.json", b"[", "not a JSON file that can be parsed"),
        ("a.ndjson", b'{"a": 1}', "Line 1 of .* is no point"),
        ("a.xml", b"<a", "not an XML file that can be parsed"),
        ("a.xml", b"<a/>", "holds <a>: of XML files, DeepFinder"),
        ("a.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a/>', "defines XML entities"),
        ("a.png", b"image", "not a file of picks"),
    ],
)
def test_other_formats_are_refused_with_one_sentence(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TomoscribeError, match=words):
        read_picks(tmp_path / name)


def test_missing_file_and_folder_are_sentences(tmp_path):
    with pytest.raises(TomoscribeError, match="There is no file"):
        read_picks(tmp_path / "gone.star")
    with pytest.raises(TomoscribeError, match="is a folder"):
        read_picks(tmp_path)


def test_real_pickle_is_refused(shared):
    with pytest.raises(TomoscribeError, match="Python pickle"):
        read_picks(shared / "data" / "io_conformance" / "box_cbox_tloc" / "valid.tloc")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("TS_01", "ts_01"),
        ("tomo_1.tomostar", "tomo_1"),
        ("/data/warp/mrc/01006_10.73Apx.mrc", "01006"),
        ("tomo_ts01.mrc_15.00Apx.mrc", "tomo_ts01"),
        ("C:\\data\\tomo.rec", "tomo"),
        ("image.ome.zarr", "image"),
        ("a.mrc.gz", "a"),
        (".mrc", ".mrc"),
    ],
)
def test_names_of_one_tomogram_agree(name, key):
    assert tomogram_key(name) == key


def test_picks_of_one_tomogram_are_chosen_by_name():
    picks = PickColumns(
        np.arange(9.0).reshape(3, 3), ["a", "b", "c"], np.arange(3.0), np.ones((3, 3)),
        np.arange(3.0), ["x/tomo_1.tomostar", "tomo_2", "tomo_1_8.00Apx.mrc"],
    )  # fmt: skip
    mine = picks.for_tomogram("tomo_1.mrc", "p.star")
    assert mine.class_names == ["a", "c"]
    assert mine.zyx.tolist() == [[0, 1, 2], [6, 7, 8]]
    with pytest.raises(TomoscribeError, match=r"p\.star holds picks of .*none of tomo_3"):
        picks.for_tomogram("tomo_3", "p.star")
    nameless = PickColumns(np.zeros((1, 3)))
    assert nameless.for_tomogram("any", "p.csv") is nameless


def test_picks_inside_raise_no_warning():
    picks = PickColumns(np.array([[-0.5, 0, 0], [199.4, 463, 464.4]]))
    assert check_inside(picks, GEOMETRY) is None


INSIDE = np.random.default_rng(0).uniform([20, 20, 20], [190, 460, 460], (50, 3))
SQUARE = Geometry((200, 464, 464), 13.68, (3173.75, 0.0, 0.0))


@pytest.mark.parametrize(
    ("zyx", "words"),
    [
        (INSIDE * 13.68 + [3173.75, 0, 0], "like Å instead of voxels"),
        (INSIDE * 13.68, "like Å, without the header's origin"),
        (INSIDE * 4, "binned 4 times less"),
        (INSIDE - [100, 232, 232], "from the centre"),
        (INSIDE[:, ::-1], "axes look like z y x"),
        (INSIDE + 3000, "another tomogram"),
    ],
)
def test_picks_outside_raise_a_warning_with_the_likely_mistake(zyx, words):
    warning = check_inside(PickColumns(zyx), SQUARE)
    assert warning is not None
    assert words in warning
    assert "464 x 464 x 200" in warning


def test_angstrom_and_binning_are_both_named_where_both_fit():
    fine = Geometry((200, 464, 464), 4.0)
    warning = check_inside(PickColumns(INSIDE * 4), fine)
    assert "they look like Å instead of voxels, or voxels of a tomogram binned 4" in str(warning)


def test_a_few_picks_outside_are_counted_without_a_guess():
    zyx = np.vstack([INSIDE, [[500, 500, 500]]])
    assert check_inside(PickColumns(zyx), SQUARE) == (
        "1 of 51 picks lie outside of the tomogram (464 x 464 x 200 voxels, x y z)."
    )
