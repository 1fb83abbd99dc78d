"""Angles between found and true normals."""

import json

import numpy as np
import pytest

from tomoscribe.cli.main import main
from tomoscribe.coords import Geometry
from tomoscribe.evaluation.membranes import normal_errors
from tomoscribe.io.pick_files import PickColumns, write_picks

AT = np.array([[0.0, 0, 0], [0, 0, 20], [0, 0, 40]])
UP = np.tile([1.0, 0, 0], (3, 1))


def tilted(degrees):
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle), np.zeros(len(angle))], axis=1)


def test_median_angle_of_matched_pairs_whatever_the_order_and_length():
    found = 3 * tilted(np.array([4.0, 12.0, 8.0]))
    errors = normal_errors(AT[::-1] + 1, found[::-1], AT, UP, 2.0)
    assert errors.count == 3
    assert errors.median_deg == pytest.approx(8)
    assert errors.flipped == 0


def test_normals_to_the_other_side_are_counted():
    errors = normal_errors(AT, tilted(np.array([0.0, 180, 175])), AT, UP, 1.0)
    assert errors.flipped == pytest.approx(2 / 3)


def test_unmatched_and_unknown_normals_say_nothing():
    normals = np.array([[1.0, 0, 0], [np.nan] * 3, [0, 0, 0]])
    assert normal_errors(AT, normals, AT, UP, 1.0).count == 1
    nothing = normal_errors(AT + 9, UP, AT, UP, 1.0)
    assert (nothing.count, nothing.median_deg) == (0, None)


def test_command_tells_the_normal_error_and_takes_voxels(tmp_path, capsys):
    geometry = Geometry((50, 50, 50), 10.0)
    for name, normals in (("found", tilted(np.array([5.0, 9, 7]))), ("true", UP)):
        columns = PickColumns(AT, normals_zyx=normals)
        write_picks(
            tmp_path / f"{name}.star",
            columns,
            geometry=geometry,
            tomogram_name="t.mrc",
            flavour="relion3.1",
        )
    files = [str(tmp_path / f"{name}.star") for name in ("found", "true")]
    with pytest.raises(SystemExit) as end:
        main(["evaluate", *files, "--tolerance-voxels", "4", "--json"])
    assert end.value.code == 0
    figures = json.loads(capsys.readouterr().out)["all"]
    assert figures["f1"] == 1.0
    assert figures["median_normal_error_deg"] == pytest.approx(7, abs=0.01)
    with pytest.raises(SystemExit) as end:
        main(["evaluate", *files])
    assert end.value.code == 1
    assert "--tolerance-A or with --tolerance-voxels" in capsys.readouterr().err
