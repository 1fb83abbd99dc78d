import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import tomoscribe
from tomoscribe.cli.main import main
from tomoscribe.io.label_write import write_labels
from tomoscribe.io.score_maps import MapsHeader, create_score_maps
from tomoscribe.io.volumes import open_volume

NM = (20.0, 10.0, 10.0)


def run(*args: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(a) for a in args])
    return int(end.value.code or 0)


def two_touching() -> tuple[np.ndarray, np.ndarray]:
    """Maps (2, z, y, x) uint8 of two boxes that touch, and their labels."""
    truth = np.zeros((4, 30, 40), dtype=np.uint8)
    truth[1:3, 5:25, 5:20], truth[1:3, 5:25, 20:35] = 1, 2
    maps = np.zeros((2, 4, 30, 40), dtype=np.uint8)
    maps[0][truth > 0] = 250
    maps[1, 1:3, 5:25, 19:21] = 240
    return maps, truth


def test_maps_are_decoded_measured_and_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    maps, truth = two_touching()
    header = MapsHeader(("mito", "mito contour"), ("mito",), True, {}, NM)
    create_score_maps(tmp_path / "maps.zarr", (4, 30, 40), header)[...] = maps
    write_labels(tmp_path / "truth.tif", truth, NM)

    found = tmp_path / "found.mrc"
    deep = ("--dimension", "3d", "--table", tmp_path / "t.csv")
    assert run("decode", tmp_path / "maps.zarr", "-o", found, *deep) == 0
    assert "2 × mito" in capsys.readouterr().out
    volume = open_volume(found)
    assert volume.voxel_sizes_zyx_A == (200.0, 100.0, 100.0)
    assert sorted(np.unique(volume.data[...])) == [0, 1, 2]

    judge = ("evaluate", found, tmp_path / "truth.tif", "--objects", "--hausdorff", "--json")
    assert run(*judge) == 0
    figures = json.loads(capsys.readouterr().out)["objects"]
    assert figures["AP at IoU 0.5"] == figures["F1 at IoU 0.5"] == 1
    assert figures["median Hausdorff distance, nm"] <= 10
    known = (*judge, "--unlabelled", "2")
    assert run(*known) == 0
    assert json.loads(capsys.readouterr().out)["objects"]["found and true"] == 1
    assert run("evaluate", found, tmp_path / "truth.tif", "--class", "mito", "--json") == 0
    assert 0.9 < json.loads(capsys.readouterr().out)["mito"]["IoU"] <= 1

    assert run("stats", found, "--meshes", "stl", "--points", "csv", "--class", "1=mito") == 0
    assert capsys.readouterr().out.startswith("2 objects, 0 at the border")
    with (tmp_path / "found_objects.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["id"], r["class"]) for r in rows] == [("1", "mito"), ("2", "")]
    assert {float(r["volume_nm3"]) for r in rows} == {600 * 2000.0}
    for given, classes in ((("--class", "mito"), ["mito", "mito"]), ((), ["", ""])):
        assert run("stats", found, *given, "-o", tmp_path / "s.csv") == 0
        with (tmp_path / "s.csv").open() as file:
            assert [r["class"] for r in csv.DictReader(file)] == classes
        assert ("with --class mito, or" in capsys.readouterr().err) is (not given)
    assert len(list((tmp_path / "found_objects_meshes").glob("*.stl"))) == 2
    assert len(list((tmp_path / "found_objects_points").glob("*.csv"))) == 2


def test_predictions_of_autoseg_are_decoded_with_its_own_numbers_or_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    maps, _ = two_touching()
    with h5py.File(tmp_path / "OUT.h5", "w") as file:
        file["vol0"] = maps
    out = tmp_path / "labels.tif"
    assert run("decode", tmp_path / "OUT.h5", "-o", out) == 1
    assert "--voxel-size-nm" in capsys.readouterr().err
    turned = ("--voxel-size-nm", "4,4,50", "--preset", "Instance3D")
    assert run("decode", tmp_path / "OUT.h5", "-o", out, *turned) == 0
    assert "give 50,4,4 if they are meant as X,Y,Z" in capsys.readouterr().err
    decode = ("decode", tmp_path / "OUT.h5", "-o", out, "--voxel-size-nm", "5")
    assert run(*decode, "--preset", "Instance3D") == 0
    assert "0 × object" in capsys.readouterr().out  # both are smaller than 1024 voxels
    assert run(*decode, "--preset", "Instance3D", "--min-volume-nm3", "10000") == 0
    assert "2 × object" in capsys.readouterr().out
    assert run(*decode, "--kind", "components", "--dimension", "3d") == 0
    told = capsys.readouterr()
    assert "1 × object" in told.out
    assert not told.err
    assert run(*decode, "--threshold", "7") == 1
    assert "threshold 7" in capsys.readouterr().err


def test_options_that_do_not_count_and_what_left_no_object_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps, truth = two_touching()
    maps[1, truth > 0] = np.maximum(maps[1, truth > 0], 102)
    header = MapsHeader(("mito", "mito contour"), ("mito",), True, {}, NM)
    create_score_maps(tmp_path / "maps.zarr", truth.shape, header)[...] = maps
    decode = ("decode", tmp_path / "maps.zarr", "-o", tmp_path / "out.tif")

    def told(*options: object) -> str:
        assert run(*decode, *options) == 0
        return capsys.readouterr().err

    in_sections = ("--dimension", "2d", "--contour-threshold", 0.5)
    assert not told(*in_sections)
    unused = told(*in_sections, "--min-volume-nm3", "2e6", "--distance-threshold", 0.1)
    assert "--min-volume-nm3 does not count for mito" in unused
    assert "there --min-area-nm2 counts" in unused
    assert "--distance-threshold does not count" in unused
    none = told("--contour-threshold", 0.2)
    assert "No seed is left of mito" in none
    assert "score is 0.40 or more, and --contour-threshold 0.2 allows less only; raise it" in none
    assert "at most 0.98 where" in told("--seed-threshold", 0.99)
    assert "the highest score is 0.98, below --threshold 1" in told("--threshold", 1)
    assert "smaller than --min-area-nm2 1e+09 or" in told(*in_sections, "--min-area-nm2", "1e9")

    maps[0, truth > 0] = 254
    create_score_maps(tmp_path / "high.zarr", truth.shape, header)[...] = maps
    high = ("decode", tmp_path / "high.zarr", "-o", tmp_path / "out.tif")
    assert run(*high, "--seed-threshold", 0.999) == 0
    assert "at most 0.996 where" in capsys.readouterr().err


def test_crop_is_scored_as_the_challenge_does_from_a_file_a_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    _, mito = two_touching()
    er = (mito == 1).astype(np.uint8)
    for folder, objects, voxels in (("truth", mito, er), ("found", mito * (mito == 1), er * 0 + 1)):
        (tmp_path / folder).mkdir()
        write_labels(tmp_path / folder / "mito.tif", objects, NM)
        write_labels(tmp_path / folder / "er.zarr", voxels, NM)
    judge = ("evaluate", tmp_path / "found", tmp_path / "truth", "--challenge", "--class", "mito")
    assert run(*judge, "--class", "er", "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    # One of two objects is found, exactly; all is called er.
    assert figures["mito"]["F1"] == pytest.approx(2 / 3)
    assert figures["mito"]["Hausdorff score"] == pytest.approx(0.5)
    assert figures["er"] == {"IoU": pytest.approx(er.mean())}
    expected = ((2 / 3 * 0.5) ** 0.5 * er.mean()) ** 0.5
    assert figures["all"]["overall"] == pytest.approx(expected)
    assert run(*judge, "--class", "er") == 0
    assert "overall" in capsys.readouterr().out
    assert run(*judge, "--class", "ld") == 1
    assert "no file of labels of 'ld'" in capsys.readouterr().err
    assert run(*judge[:4]) == 1
    assert "Name each class" in capsys.readouterr().err


def test_objects_decoded_in_sections_are_judged_in_sections_by_command_and_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps, truth = two_touching()
    truth = np.repeat(truth[1:2], 4, axis=0)
    header = MapsHeader(("mito", "mito contour"), ("mito",), True, {}, NM)
    create_score_maps(tmp_path / "maps.zarr", truth.shape, header)[...] = np.repeat(
        maps[:, 1:2], 4, axis=1
    )
    found, true = tmp_path / "found.tif", tmp_path / "truth.tif"
    write_labels(true, truth, NM)
    preset = ("--preset", "Instance2D", "--threshold", "0.5", "--seed-threshold", "0.7")
    preset += ("--min-area-nm2", "0", "--min-seed-nm2", "0", "--table", tmp_path / "t.csv")
    assert run("decode", tmp_path / "maps.zarr", "-o", found, *preset) == 0
    assert "8 × mito (numbered anew in each section)" in capsys.readouterr().out
    with (tmp_path / "t.csv").open() as file:
        assert [row["touches_border"] for row in csv.DictReader(file)] == 8 * ["no"]
    assert run("stats", found) == 0
    assert "8 objects, 0 at the border" in capsys.readouterr().out
    assert run("evaluate", found, true, "--objects", "--json") == 0
    told = capsys.readouterr()
    assert f"{found} numbers its objects anew in each section" in told.err
    figures = json.loads(told.out)["objects"]
    assert figures["objects matched"] == "in each section"
    assert figures["found and true"] == 8
    frame = tomoscribe.evaluate_labels(found, true, objects=True)
    assert frame.loc["objects"].to_dict() == figures
    assert run("evaluate", found, true, "--objects", "--through") == 0
    told = capsys.readouterr()
    assert (told.err, "through volume" in told.out, "0.000" in told.out) == ("", True, True)


def test_a_class_that_was_never_found_has_no_precision(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, truth = two_touching()
    write_labels(tmp_path / "truth.tif", truth, NM)
    write_labels(tmp_path / "found.tif", np.where(truth == 1, 1, 0), NM)
    judge = ("evaluate", tmp_path / "found.tif", tmp_path / "truth.tif")
    judge += ("--class", "1=cell", "--class", "2=blob")
    assert run(*judge) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    told = {row[1]: row[3:8:2] for row in rows if row[0] == "│"}
    assert told["precision"][:2] == ["1.000", "–"]
    assert told["recall"][:2] == ["1.000", "0.000"]
    assert run(*judge, "--json") == 0
    blob = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["blob"]
    assert blob == {"IoU": 0, "Dice": 0, "precision": None, "recall": 0}


def test_that_the_truth_has_no_object_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = two_touching()
    write_labels(tmp_path / "found.tif", found, NM)
    write_labels(tmp_path / "empty.tif", found * 0, NM)
    judge = ("evaluate", tmp_path / "found.tif", tmp_path / "empty.tif", "--objects")
    assert run(*judge, "--json") == 0
    told = capsys.readouterr()
    assert told.err.startswith(f"{tmp_path / 'empty.tif'} has no object")
    figures = json.loads(told.out, parse_constant=pytest.fail)["objects"]
    assert (figures["found only"], figures["VOI split, bits"]) == (2, None)
    assert run("evaluate", *2 * [tmp_path / "empty.tif"], "--objects") == 1
    assert "nothing to compare" in capsys.readouterr().err


def test_label_volumes_that_do_not_fit_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_labels(tmp_path / "a.tif", np.ones((2, 3, 4), np.uint8), NM)
    write_labels(tmp_path / "b.tif", np.ones((2, 4, 3), np.uint8), NM)
    write_labels(tmp_path / "empty.tif", np.zeros((2, 3, 4), np.uint8), NM)
    assert run("evaluate", tmp_path / "a.tif", tmp_path / "b.tif") == 1
    assert "2 x 3 x 4 voxels" in capsys.readouterr().err
    assert run("evaluate", tmp_path / "a.tif", tmp_path / "empty.tif") == 1
    assert "all background" in capsys.readouterr().err
    assert run("stats", tmp_path / "a.tif", "--class", "mito=1") == 1
    assert "write it as 1=mito" in capsys.readouterr().err


def test_function_of_the_user_decodes_block_by_block_only_where_it_is_trusted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps, truth = two_touching()
    header = MapsHeader(("mito", "mito contour"), ("mito",), True, {}, NM)
    create_score_maps(tmp_path / "maps.zarr", truth.shape, header)[...] = maps
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\n"
        "def decode(maps, voxel_size_zyx_nm):\n"
        "    assert voxel_size_zyx_nm == (20, 10, 10)\n"
        "    left = np.arange(maps.shape[-1]) < 20\n"
        "    return (maps[0] > 0.5) * np.where(left, 7, 9)\n"
    )
    given = ("decode", tmp_path / "maps.zarr", "--function", file, "--halo", "1,4,4")
    assert run(*given, "-o", tmp_path / "a.zarr") == 1
    assert "--trust-function" in capsys.readouterr().err
    assert run(*given, "-o", tmp_path / "a.zarr", "--trust-function") == 0
    assert "2 × object" in capsys.readouterr().out
    assert np.array_equal(open_volume(tmp_path / "a.zarr").data[...], truth)
    assert run(*given, "-o", tmp_path / "a.tif", "--trust-function") == 1
    assert "as .zarr or .h5" in capsys.readouterr().err


def test_classes_whose_objects_are_not_told_apart_have_a_share_and_no_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps, truth = two_touching()
    header = MapsHeader(("pore",), ("pore",), True, {}, NM)
    create_score_maps(tmp_path / "maps.zarr", truth.shape, header)[...] = maps[:1]
    share = 100 * (truth > 0).mean()
    for out, halo in (("a.tif", ()), ("a.zarr", ("--halo", "1,4,4"))):
        made = ("-o", tmp_path / out, "--kind", "threshold", *halo)
        assert run("decode", tmp_path / "maps.zarr", *made) == 0
        told = capsys.readouterr().out
        assert f"{out}: pore: {share:.3g} % of the voxels" in told
    write_labels(tmp_path / "im.tif", truth, NM)
    assert run("decode", tmp_path / "im.tif", "-o", tmp_path / "b.tif") == 1
    assert "im.tif is no file of predicted maps: those are the .zarr or" in capsys.readouterr().err
