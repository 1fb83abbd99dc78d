"""`tomoscribe info` shows how each file is understood, and fails after showing the others."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from tomoscribe.cli.info import describe, info
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.score_maps import MapsHeader, create_score_maps
from tomoscribe.io.volumes import write_mrc


def test_volume_is_described(tmp_path):
    path = tmp_path / "a.mrc"
    write_mrc(path, np.arange(24, dtype=np.float32).reshape(2, 3, 4), 13.68, (3173.75, 0, 0))
    lines = "\n".join(describe(str(path)))
    assert "2 x 3 x 4" in lines
    assert "float32" in lines
    assert "13.68 Å" in lines
    assert "3173.75, 0, 0 Å" in lines
    assert "mean 11.5, std 6.922" in lines


def test_nan_voxels_and_unknown_sizes_are_told(tmp_path):
    values = np.ones((2, 3, 4), np.float32)
    values[0, 0, 0] = np.nan
    write_mrc(tmp_path / "a.mrc", values, 1.0)
    lines = "\n".join(describe(str(tmp_path / "a.mrc")))
    assert "voxel size      unknown" in lines
    assert "placeholder" in lines
    assert "1 of these voxels are NaN" in lines


def test_picks_are_described(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("tomogram,x,y,z,class,score\nt1,1,2,3,a,0.5\nt1,4,5,6,b,0.75\nt2,4,5,6,b,1\n")
    lines = "\n".join(describe(str(path)))
    assert "3 picks" in lines
    assert "b 2, a 1" in lines
    assert "t1 2, t2 1" in lines
    assert "x               1.0 to 4.0 in the file's unit (voxels unless" in lines
    assert "0.5 to 1" in lines


def test_picks_in_angstrom_are_described_as_they_are(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x [A],y [A],z [A]\n10,20,30\n")
    assert "  x               10.0 to 10.0 Å" in describe(str(path))
    star = tmp_path / "a.star"
    labels = "".join(f"_rlnCenteredCoordinate{a}Angst\n" for a in "XYZ")
    star.write_text(f"data_particles\n\nloop_\n{labels}-10 20 30\n10 20 30\n")
    assert "  x               -10.0 to 10.0 Å from the tomogram's centre" in describe(str(star))


def test_folders_are_one_sentence(tmp_path):
    (tmp_path / "train").mkdir()
    assert describe(str(tmp_path)) == [
        f"{tmp_path}: a folder of training data: give it to `tomoscribe train`."
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [("a.mod", "IMOD model that cannot be read"), ("a.doc", "not a file of picks")],
)
def test_other_files_are_one_sentence(tmp_path, name, words):
    (tmp_path / name).write_bytes(b"IMOD")
    with pytest.raises(TomoscribeError, match=words):
        describe(str(tmp_path / name))


def test_good_files_are_shown_before_bad_ones_fail(tmp_path, capsys):
    write_mrc(tmp_path / "a.mrc", np.ones((2, 3, 4), np.float32), 10)
    bad = [str(tmp_path / "gone.mrc"), str(tmp_path)]
    with pytest.raises(TomoscribeError) as caught:
        info([bad[0], str(tmp_path / "a.mrc"), bad[1]])
    assert str(caught.value).splitlines() == [
        f"There is no file {bad[0]}.",
        f"{bad[1]} is nothing that tomoscribe reads.",
    ]
    assert "2 x 3 x 4" in capsys.readouterr().out


def test_predicted_maps_are_told_from_images_ours_and_autosegs(tmp_path):
    ours = tmp_path / "maps.zarr"
    header = MapsHeader(("mito", "mito contour"), ("mito",), True, {}, (40.0, 8.0, 8.0))
    create_score_maps(ours, (3, 8, 9), header)
    lines = describe(str(ours))
    assert "predicted maps" in lines[0]
    assert "tomoscribe decode" in lines[0]
    assert "  maps            mito, mito contour" in lines
    assert "  shape (z y x)   3 x 8 x 9" in lines
    assert "  voxel size      40 x 8 x 8 nm" in lines
    theirs = tmp_path / "OUTPUT.h5"
    with h5py.File(theirs, "w") as file:
        file["vol0"] = np.zeros((2, 3, 8, 9), np.uint8)
    told = "\n".join(describe(str(theirs)))
    assert "predicted maps" in told
    assert "2 without names" in told
    assert "--voxel-size-nm" in told
    with h5py.File(tmp_path / "image.h5", "w") as file:
        file["image"] = np.zeros((3, 8, 9), np.uint8)
    assert describe(str(tmp_path / "image.h5"))[0].endswith("image.h5: volume")
