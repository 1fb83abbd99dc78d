from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.prediction.small_nets import write_checkpoint, write_image

from tomoscribe.io.label_write import write_labels
from tomoscribe.io.score_maps import open_score_maps
from tomoscribe.io.volumes import open_volume

Run = Callable[..., int | str | None]
SHAPE = (6, 96, 96)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a checkpoint of instances and an image."""
    folder = tmp_path_factory.mktemp("model")
    return write_checkpoint(folder / "step.pt"), write_image(folder / "balls.mrc", SHAPE)


def test_segmentation_writes_maps_and_labels_of_several_images(
    exit_code: Run,
    model: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    checkpoint, image = model
    # Of a TIFF without a voxel size nobody knows more than the checkpoint.
    unknown, wrong = tmp_path / "plain.tif", tmp_path / "wrong.tif"
    tifffile.imwrite(unknown, open_volume(image).read())
    write_labels(wrong, np.ones(SHAPE, np.uint8), (4.0, 9.0, 9.0))
    out = tmp_path / "out"
    options = ["--views", "8", "--stride", "1,32,32", "--merge", "max"]
    assert exit_code("predict", checkpoint, image, unknown, wrong, "-o", out, *options) == 1
    told = capsys.readouterr()
    assert "pixels of 9 nm" in told.err
    assert "taken as in the training, 4 nm" in told.err
    for stem in ("balls", "plain"):
        maps = open_score_maps(out / f"{stem}_maps.zarr")
        assert maps.header.maps == ("ball", "ball contour")
        assert maps.header.classes == ("ball",)
        assert maps.data.shape == (2, *SHAPE)
        labels = open_volume(out / f"{stem}_labels.tif")
        assert labels.shape_zyx == SHAPE
        # Sections that are few are each for themselves.
        assert np.array_equal(np.unique(labels.data[...]), np.arange(1, 7))
        assert labels.voxel_sizes_zyx_A == pytest.approx((40.0, 40.0, 40.0))
    assert told.out.count("6 × ball (numbered anew in each section) in") == 2
    assert np.array_equal(maps.data[...], open_score_maps(out / "balls_maps.zarr").data[...])


def test_an_unknown_voxel_size_is_told_with_all_its_edges(
    exit_code: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = write_checkpoint(tmp_path / "flat.pt", voxel_size_zyx_nm=(50.0, 4.0, 4.0))
    noise = np.random.default_rng(0).integers(0, 255, (2, 32, 32), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "plain.tif", noise)
    out = ("-o", tmp_path / "out", "--no-decode")
    assert exit_code("predict", checkpoint, tmp_path / "plain.tif", *out) == 0
    assert "taken as in the training, 50 x 4 x 4 (z, y, x) nm" in capsys.readouterr().err


def test_suffix_of_the_output_tells_what_it_is_and_large_images_are_decoded_in_blocks(
    exit_code: Run, model: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, image = model
    small = ("--decode-voxels", 1000)
    assert exit_code("predict", checkpoint, image, "-o", tmp_path / "a.tif", *small) == 1
    assert "write .zarr or .h5 instead of .tif" in capsys.readouterr().err
    assert exit_code("predict", checkpoint, image, "-o", tmp_path / "a.h5", *small) == 0
    assert exit_code("predict", checkpoint, image, "-o", tmp_path / "b.tif") == 0
    found = sorted(p.name for p in tmp_path.iterdir())
    assert found == ["a.h5", "a_labels.h5", "b.tif", "b_maps.zarr"]
    assert exit_code("predict", checkpoint, image, "-o", tmp_path / "c.h5", "--no-decode") == 0
    assert not (tmp_path / "c_labels.h5").exists()


def test_options_that_do_not_fit_are_told(
    exit_code: Run, model: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, image = model
    for wrong, told in {
        ("--views", "3"): "--views",
        ("--pad", "3,4"): "Z,Y,X",
        ("--window", "1,32,32", "--stride", "1,64,64"): "larger than the window",
        ("--threshold", "0.5"): "tomoscribe decode",
    }.items():
        assert exit_code("predict", checkpoint, image, "-o", tmp_path, *wrong) == 1
        assert told in capsys.readouterr().err
    window = ("--stride", "1,64,64")
    assert exit_code("predict", checkpoint, image, "-o", tmp_path / "gaps", *window) == 1
    told = capsys.readouterr().err
    assert "stride of 1 x 64 x 64 voxels is larger than the window of the training" in told
    assert not (tmp_path / "gaps").exists()
    assert exit_code("predict", checkpoint, image, "-o", tmp_path / "x.csv") == 1
    assert "x.csv is no file that is written: maps as .zarr or .h5" in capsys.readouterr().err
    assert not (tmp_path / "x.csv").exists()
    write_labels(tmp_path / "even.tif", np.full(SHAPE, 5, np.uint8), (4.0, 4.0, 4.0))
    assert exit_code("predict", checkpoint, tmp_path / "even.tif", "-o", tmp_path / "even") == 1
    assert "even.tif has the same value nearly everywhere" in capsys.readouterr().err
    assert not (tmp_path / "even").exists()
    other = write_image(tmp_path / "other.mrc", SHAPE)
    assert exit_code("predict", checkpoint, image, other, "-o", tmp_path / "one.zarr") == 1
    assert "give a folder" in capsys.readouterr().err


def test_a_window_that_the_image_or_the_network_does_not_have_is_told(
    exit_code: Run, model: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, image = model
    out = ("-o", tmp_path, "--no-decode")
    assert exit_code("predict", checkpoint, image, *out, "--window", "4,2000,2000") == 0
    told = capsys.readouterr().err
    assert "The window of 4 x 2000 x 2000 voxels (z, y, x) is larger than" in told
    assert "of the window's 4 sections one at a time" in told
    wide = ("--window", "1,120,120", "--stride", "1,60,60", "--no-decode")
    assert exit_code("predict", checkpoint, image, "-o", tmp_path / "wide", *wide) == 0
    assert "6 x 96 x 96: its edge repeats" in capsys.readouterr().err
    assert exit_code("predict", checkpoint, image, *out, "--window", "1,90,90") == 0
    assert "window" not in capsys.readouterr().err


def test_why_nothing_was_found_is_told_with_the_command_that_changes_it(
    exit_code: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = write_checkpoint(tmp_path / "dark.pt", ball=-20.0)
    image = write_image(tmp_path / "balls.mrc", SHAPE)
    assert exit_code("predict", checkpoint, image, "-o", tmp_path / "out") == 0
    told = capsys.readouterr()
    assert "0 × ball in" in told.out
    maps = tmp_path / "out" / "balls_maps.zarr"
    assert "No voxel is ball: the highest score is 0.00, below --threshold" in told.err
    assert f"lower it with `tomoscribe decode {maps}`." in told.err


def test_neither_the_image_nor_labels_that_somebody_made_are_written_over(
    exit_code: Run, model: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, _ = model
    image, painted = write_image(tmp_path / "em.mrc", SHAPE), tmp_path / "em_labels.tif"
    write_labels(painted, np.full(SHAPE, 9, np.uint8), (4.0, 4.0, 4.0))
    before = image.read_bytes(), painted.read_bytes()
    assert exit_code("predict", checkpoint, image, "-o", image) == 1
    assert "em.mrc is what is read" in capsys.readouterr().err
    # An image that is trained on has its labels beside it, under this name.
    assert exit_code("predict", checkpoint, image, "-o", tmp_path) == 1
    assert "em_labels.tif is there already" in capsys.readouterr().err
    assert (image.read_bytes(), painted.read_bytes()) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["em.mrc", "em_labels.tif"]
    # What a prediction wrote, the next one writes anew.
    for views in ("1", "4"):
        again = ("-o", tmp_path / "out", "--views", views)
        assert exit_code("predict", checkpoint, image, *again) == 0
    maps = tmp_path / "out" / "em_maps.zarr"
    assert exit_code("decode", maps, "-o", maps) == 1
    assert "em_maps.zarr is what is read" in capsys.readouterr().err
    assert exit_code("decode", maps, "-o", tmp_path / "a.zarr", "--halo", "-1,4,4") == 1
    assert "The halo -1,4,4 is too small" in capsys.readouterr().err
