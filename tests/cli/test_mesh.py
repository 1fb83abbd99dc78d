"""`tomoscribe mesh`: segmentations, folders of them, and what it says when it cannot."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from tests.membranes.masks import ball, radius, vesicle

from tomoscribe.io.meshes import read_mesh
from tomoscribe.io.volumes import open_volume, write_mrc
from tomoscribe.membranes.membrane import load_membrane


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tomograms").mkdir()
    (tmp_path / "masks").mkdir()
    for name, factor in (("T1", 1.0), ("T10", 10.0)):
        density = (factor * radius()).astype(np.float32)
        write_mrc(tmp_path / "tomograms" / f"{name}.mrc", density, 10.0)
    two = vesicle().astype(np.int8)
    two[2:6, 2:6, 2:6] = 1
    two[56:58, 56:58, 56] = 1
    write_mrc(tmp_path / "masks" / "T10_mb1.mrc", two, 10.0)
    write_mrc(tmp_path / "masks" / "T1_mb1.mrc", ball().astype(np.int8), 10.0)
    return tmp_path


def test_folder_of_segmentations_takes_the_tomograms_of_their_names(folder, exit_code, capsys):
    out = folder / "out"
    code = exit_code("mesh", folder / "masks", "--tomogram", folder / "tomograms", "--out", out)
    printed = capsys.readouterr().out
    assert code == 0
    assert sorted(p.name for p in out.iterdir()) == ["T10_mb1_1.h5", "T10_mb1_2.h5", "T1_mb1.h5"]
    assert "4 voxels, fewer than 20" in printed
    small = load_membrane(out / "T1_mb1.h5")
    assert small.slab.mean(20.0, 0.0).mean() == pytest.approx(22, abs=0.3)
    large = load_membrane(out / "T10_mb1_1.h5")
    assert large.tomogram is not None
    assert large.tomogram.endswith("T10.mrc")


def test_band_obj_and_middle_are_as_asked(folder, exit_code):
    out = folder / "out"
    code = exit_code(
        "mesh", folder / "masks" / "T10_mb1.mrc", "--tomogram", folder / "tomograms" / "T10.mrc",
        "--out", out, "--band-A", -20, 100, "--step-A", 5, "--surface", "middle", "--obj",
        "--area-A2", 800,
    )  # fmt: skip
    assert code == 0
    with h5py.File(out / "T10_mb1_1.h5") as file:
        assert file["normal_values"].shape[1] == 25
        vertices = len(file["points"])
    assert vertices == pytest.approx(4 * np.pi * 20**2 / 8, rel=0.1)
    assert (out / "T10_mb1_1.obj").read_text().count("v ") == vertices


def test_label_that_is_asked_for_is_meshed_alone(folder, exit_code):
    labels = np.where(ball(), 3, 0).astype(np.int8)
    labels[:4, :4, :4] = 2
    write_mrc(folder / "l.mrc", labels, 10.0)
    tomogram = folder / "tomograms" / "T1.mrc"
    code = exit_code(
        "mesh", folder / "l.mrc", "--tomogram", tomogram, "--out", folder / "out", "--label", 3
    )
    assert code == 0
    assert [p.name for p in (folder / "out").iterdir()] == ["l.h5"]


def test_segmentations_of_one_name_do_not_overwrite_each_other(folder, exit_code):
    paths = [folder / name / "mb.mrc" for name in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        write_mrc(path, ball().astype(np.int8), 10.0)
    tomogram = folder / "tomograms" / "T1.mrc"
    exit_code("mesh", *paths, "--tomogram", tomogram, "--out", folder / "out")
    assert sorted(p.name for p in (folder / "out").iterdir()) == ["mb.h5", "mb_2.h5"]


def test_one_bad_segmentation_does_not_keep_the_others_and_is_told(folder, exit_code, capsys):
    write_mrc(folder / "masks" / "T1_small.mrc", np.ones((9, 9, 9), dtype=np.int8), 10.0)
    empty = np.zeros_like(ball(), dtype=np.int8)
    write_mrc(folder / "masks" / "T1_empty.mrc", empty, 10.0)
    code = exit_code(
        "mesh", folder / "masks", "--tomogram", folder / "tomograms", "--out", folder / "out"
    )
    said = capsys.readouterr().err
    assert code == 1
    assert "T1_small.mrc has 9 x 9 x 9 voxels" in said
    assert "T1_empty.mrc: The segmentation is empty" in said
    assert (folder / "out" / "T1_mb1.h5").exists()


def test_other_voxel_size_in_the_segmentations_header_is_told(folder, exit_code, capsys):
    write_mrc(folder / "m.mrc", ball().astype(np.int8), 20.0)
    exit_code(
        "mesh", folder / "m.mrc", "--tomogram", folder / "tomograms" / "T1.mrc",
        "--out", folder / "out",
    )  # fmt: skip
    assert "header says 20 Å a voxel, the tomogram's 10 Å" in capsys.readouterr().out


def test_segmentation_without_a_tomogram_of_its_name_says_so(folder, exit_code, capsys):
    write_mrc(folder / "T12_mb.mrc", ball().astype(np.int8), 10.0)
    code = exit_code(
        "mesh", folder / "T12_mb.mrc", "--tomogram", folder / "tomograms", "--out", folder / "out"
    )
    assert code == 1
    assert "'T12_mb.mrc' begins with" in capsys.readouterr().err


def test_info_tells_what_a_membrane_and_a_mesh_hold(folder, exit_code, capsys):
    out = folder / "out"
    exit_code(
        "mesh", folder / "masks" / "T1_mb1.mrc", "--tomogram", folder / "tomograms" / "T1.mrc",
        "--out", out, "--obj",
    )  # fmt: skip
    capsys.readouterr()
    assert exit_code("info", out / "T1_mb1.h5", out / "T1_mb1.obj") == 0
    printed = capsys.readouterr().out
    assert "membrane, of tomoscribe" in printed
    assert "-150 to 150 Å at 61 depths; 20 for MemBrain-pick, -22.5 to 25 Å" in printed
    assert "T1_mb1.obj: mesh" in printed


def test_a_segmentation_alone_gives_meshes_and_says_what_is_missing(folder, exit_code, capsys):
    out = folder / "out"
    assert exit_code("mesh", folder / "masks" / "T1_mb1.mrc", "--out", out) == 0
    assert [p.name for p in out.iterdir()] == ["T1_mb1.obj"]
    assert "Without a tomogram there are no densities" in capsys.readouterr().out
    grid = open_volume(folder / "masks" / "T1_mb1.mrc").geometry
    assert read_mesh(out / "T1_mb1.obj", grid).unit == "voxels"


def test_a_segmentation_without_voxel_size_needs_one_for_an_area(folder, exit_code, capsys):
    write_mrc(folder / "m.mrc", ball().astype(np.int8), 10.0)
    header = bytearray((folder / "m.mrc").read_bytes())
    header[40:52] = bytes(12)  # The cell.
    (folder / "m.mrc").write_bytes(header)
    arguments = ["mesh", folder / "m.mrc", "--out", folder / "out", "--area-A2", 800]
    assert exit_code(*arguments) == 1
    assert "give --voxel-size-A" in capsys.readouterr().err
    assert exit_code(*arguments, "--voxel-size-A", 10) == 0


def test_a_segmentation_as_its_own_tomogram_is_told(folder, exit_code, capsys):
    mask = folder / "masks" / "T1_mb1.mrc"
    exit_code("mesh", mask, "--tomogram", mask, "--out", folder / "out")
    assert "given as its own tomogram" in capsys.readouterr().out


def test_labels_that_look_like_the_outside_are_told_unless_chosen(folder, exit_code, capsys):
    labels = np.where(ball(), 1, 3).astype(np.int8)
    write_mrc(folder / "l.mrc", labels, 10.0)
    exit_code("mesh", folder / "l.mrc", "--out", folder / "out")
    assert "Label 3 touches all sides: it looks like the outside" in capsys.readouterr().out
    exit_code("mesh", folder / "l.mrc", "--out", folder / "out", "--label", 1)
    assert "the outside" not in capsys.readouterr().out


def test_a_mask_that_fills_the_box_is_told(folder, exit_code, capsys):
    write_mrc(folder / "i.mrc", (~ball()).astype(np.int8), 10.0)
    exit_code("mesh", folder / "i.mrc", "--out", folder / "out")
    assert "of the box: it looks like the outside" in capsys.readouterr().out


def test_the_outside_of_a_real_vesicle_is_told(shared, tmp_path, exit_code, capsys):
    labels = shared / "data" / "vesicle_segs" / "tomo22_ves4_seg.mrc.gz"
    exit_code("mesh", labels, "--out", tmp_path)
    said = capsys.readouterr().out
    assert "Label 3 touches all sides" in said
    assert "Label 1 touches" not in said
