from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tomoscribe.coords import Geometry
from tomoscribe.io.pick_columns import PickColumns
from tomoscribe.io.pick_files import read_picks, write_picks
from tomoscribe.io.volumes import write_mrc
from tomoscribe.picks.table import PickState
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.store import Project

Run = Callable[..., int | str | None]

TRUTH = "x,y,z,class\n10,10,5,0\n20,10,5,0\n30,20,5,1\n"
PICKS = "x,y,z,score\n10,10,6,0.9\n20,11,5,0.8\n35,35,5,0.2\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder of a project with two accepted picks and a rejected one, left open."""
    write_mrc(tmp_path / "TS_1.mrc", np.zeros((12, 20, 30), np.float32), 10.0)
    made = Project.create(tmp_path / "project")
    made.add_class(ParticleClass("ribo", 250.0))
    table = made.add_tomogram(tmp_path / "TS_1.mrc").picks
    made.edit("TS_1", table.make_add([[1, 2, 3], [4, 5, 6]], "ribo"))
    made.edit("TS_1", table.make_add([[7, 7, 7]], "ribo", state=PickState.REJECTED))
    return made.path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Return a file of picks and one of the truth."""
    paths = tmp_path / "picks.csv", tmp_path / "truth.csv"
    paths[0].write_text(PICKS)
    paths[1].write_text(TRUTH)
    return paths


def test_export_writes_reads_back_and_says_so(
    project: Path, tmp_path: Path, exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("export", project, "--out", tmp_path / "out") == 0
    out = capsys.readouterr().out
    assert "2 written, 2 read back" in out
    assert "rlnCenteredCoordinateXAngst" in (tmp_path / "out" / "TS_1.star").read_text()


def test_export_of_another_state_format_and_class(
    project: Path, tmp_path: Path, exit_code: Run
) -> None:
    options = ("--state", "rejected", "--state", "accepted", "--format", "csv", "--class", "ribo")
    assert exit_code("export", project, "--out", tmp_path / "out", *options) == 0
    assert len((tmp_path / "out" / "TS_1.csv").read_text().splitlines()) == 4


def test_export_to_relion4_in_pixels_of_the_tilt_series(
    project: Path, tmp_path: Path, exit_code: Run
) -> None:
    options = ("--format", "relion4", "--tilt-series-pixel-size-A", "2.5")
    assert exit_code("export", project, "--out", tmp_path / "out", *options) == 0
    raw = read_picks(tmp_path / "out" / "TS_1.star")
    assert raw.zyx.tolist() == [[4, 8, 12], [16, 20, 24]]  # A voxel is 10 Å.


def test_export_of_a_training_folder(
    project: Path, tmp_path: Path, exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("export", project, "--out", tmp_path / "data", "--training-folder") == 0
    assert (tmp_path / "data" / "train" / "TS_1.star").is_file()
    assert "--diameter-A 250" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--state", "proposed"), "no proposed picks"),
        (("--format", "xls"), "There is no format 'xls'"),
        (("--tilt-series-pixel-size-A", "2"), "Only relion4 counts"),
        (("--format", "relion4", "--tilt-series-pixel-size-A", "0"), "0 Å is not possible"),
        (("--training-folder", "--tilt-series-pixel-size-A", "2"), "counts in voxels"),
        (("--training-folder", "--state", "accepted"), "leave --state and --class out"),
    ],
)
def test_export_tells_errors_in_one_sentence(
    project: Path,
    tmp_path: Path,
    exit_code: Run,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    message: str,
) -> None:
    assert exit_code("export", project, "--out", tmp_path / "out", *options) == 1
    err = capsys.readouterr().err
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_export_of_no_project_is_told(
    tmp_path: Path, exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("export", tmp_path, "--out", tmp_path / "out") == 1
    assert "no tomoscribe project" in capsys.readouterr().err


def test_evaluate_prints_a_table(
    files: tuple[Path, Path], exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("evaluate", *files, "--tolerance-A", 20, "--voxel-size-A", 10) == 0
    out = capsys.readouterr().out
    for word in ("precision", "recall", "best F1", "average precision", "0.667", "10.0 Å"):
        assert word in out


def test_evaluate_prints_json_at_a_threshold(
    files: tuple[Path, Path], exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--tolerance-A", 20, "--voxel-size-A", 10, "--threshold", 0.5, "--json")
    assert exit_code("evaluate", *files, *options, "--truth-class", "0") == 0
    row = json.loads(capsys.readouterr().out)["all"]
    assert (row["found_count"], row["truth_count"]) == (2, 2)
    assert (row["precision"], row["recall"], row["f1"]) == (1.0, 1.0, 1.0)
    assert row["median_distance_A"] == pytest.approx(10.0)
    assert "median_distance" not in row


def test_evaluate_gives_common_classes_a_row_each(
    files: tuple[Path, Path], exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    files[0].write_text("x,y,z,class\n10,10,5,0\n30,20,5,1\n31,40,5,1\n")
    assert exit_code("evaluate", *files, "--tolerance-A", 20, "--voxel-size-A", 10, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows["0"]["recall"] == 0.5
    assert rows["1"]["precision"] == 0.5


def test_evaluate_never_matches_across_tomograms(
    files: tuple[Path, Path], exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    files[0].write_text("tomogram,x,y,z\nA,1,1,1\nB,9,9,9\n")
    files[1].write_text("tomogram,x,y,z\nA.mrc,9,9,9\nB.mrc,9,9,9\n")
    assert exit_code("evaluate", *files, "--tolerance-A", 20, "--voxel-size-A", 10, "--json") == 0
    assert json.loads(capsys.readouterr().out)["all"]["recall"] == 0.5


def test_evaluate_takes_the_voxel_size_of_a_tomogram(
    files: tuple[Path, Path], tmp_path: Path, exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    write_mrc(tmp_path / "t.mrc", np.zeros((12, 40, 40), np.float32), 8.0)
    options = ("--tolerance-A", 16, "--tomogram", tmp_path / "t.mrc", "--json")
    assert exit_code("evaluate", *files, *options) == 0
    row = json.loads(capsys.readouterr().out)["all"]
    assert row["median_distance_A"] == pytest.approx(8.0)


def write_star(path: Path, voxel_size_A: float) -> Path:
    """Write one pick as a STAR file that tells its pixel size."""
    columns = PickColumns(zyx=np.array([[5.0, 10.0, 10.0]]))
    geometry = Geometry((12, 40, 40), voxel_size_A)
    write_picks(path, columns, geometry=geometry, tomogram_name="t.mrc", flavour="relion3.1")
    return path


def test_evaluate_takes_the_voxel_size_that_a_star_tells(
    files: tuple[Path, Path], tmp_path: Path, exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    star = write_star(tmp_path / "picks.star", 10.0)
    assert exit_code("evaluate", star, files[1], "--tolerance-A", 5, "--json") == 0
    assert json.loads(capsys.readouterr().out)["all"]["precision"] == 1.0


def test_evaluate_refuses_files_that_count_in_different_voxels(
    tmp_path: Path, exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    stars = (write_star(tmp_path / "a.star", 10.0), write_star(tmp_path / "b.star", 5.0))
    assert exit_code("evaluate", *stars, "--tolerance-A", 5) == 1
    assert "--tomogram" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("truth", "options", "message"),
    [
        (TRUTH, (), "--voxel-size-A"),
        (TRUTH, ("--voxel-size-A", 0), "not possible"),
        (TRUTH, ("--voxel-size-A", 10, "--truth-class", "9"), "its classes are: 0, 1"),
        (TRUTH, ("--voxel-size-A", 10, "--picks-class", "9"), "its classes are: none"),
        ("a,b\n1,2\n", ("--voxel-size-A", 10), "lacks the column"),
    ],
)
def test_evaluate_tells_errors_in_one_sentence(
    files: tuple[Path, Path],
    exit_code: Run,
    capsys: pytest.CaptureFixture[str],
    truth: str,
    options: tuple[object, ...],
    message: str,
) -> None:
    files[1].write_text(truth)
    assert exit_code("evaluate", *files, "--tolerance-A", 20, *options) == 1
    assert message in capsys.readouterr().err


def test_evaluate_refuses_a_threshold_without_scores(
    files: tuple[Path, Path], exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    files[0].write_text(TRUTH)
    options = ("--tolerance-A", 20, "--voxel-size-A", 10, "--threshold", 0.5)
    assert exit_code("evaluate", *files, *options) == 1
    assert "has no scores" in capsys.readouterr().err


def test_evaluate_refuses_files_of_different_tomograms(
    files: tuple[Path, Path], exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    files[0].write_text("tomogram,x,y,z\nA,1,1,1\n")
    files[1].write_text("tomogram,x,y,z\nB,1,1,1\n")
    assert exit_code("evaluate", *files, "--tolerance-A", 20, "--voxel-size-A", 10) == 1
    assert "same tomogram" in capsys.readouterr().err
