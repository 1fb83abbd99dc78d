"""What is wrong with images and labels is told before a training begins, by command and script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray

import tomoscribe
from tomoscribe.errors import TomoscribeError

Run = Callable[..., int | str | None]
IMAGE = np.random.default_rng(0).integers(0, 250, (6, 40, 50)).astype(np.uint8)
LABELS = np.zeros_like(IMAGE)
LABELS[:, 5:20, 5:20], LABELS[:, 5:20, 25:40] = 1, 2
WINDOW = (9, 64, 64)


def stack(name: str, values: NDArray[Any]) -> str:
    """Write a TIFF stack, in colours where its last axis has three."""
    tifffile.imwrite(name, values, photometric="rgb" if values.shape[-1] == 3 else "minisblack")
    return name


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files that fit and of such that do not, as the current one."""
    monkeypatch.chdir(tmp_path)
    stack("image.tif", IMAGE)
    stack("labels.tif", LABELS)
    stack("short.tif", LABELS[:, :30])
    stack("turned.tif", LABELS.T)
    stack("coloured.tif", np.stack([LABELS * 90, LABELS, LABELS], -1))
    stack("fractions.tif", LABELS * np.float32(0.37))
    stack("empty.tif", LABELS * 0)
    stack("seven.tif", np.full_like(LABELS, 7))
    stack("nan.tif", np.where(IMAGE == 7, np.nan, IMAGE).astype(np.float32))
    stack("bits.tif", IMAGE > 100)
    stack("even.tif", np.full_like(IMAGE, 5))
    stack("first.tif", IMAGE[0])
    Path("list.txt").write_text("first.tif\nsecond.tif\n")
    Path("folder").mkdir()
    for z, section in enumerate(LABELS):
        colours = np.stack([section * 90, section, section], -1)
        stack(f"folder/{z}.tif", colours)
    return tmp_path


PAIRS: list[tuple[dict[str, Any], str]] = [
    ({"labels": "short.tif"}, r"short.tif has 6 × 30 × 50 voxels .* image.tif 6 × 40 × 50"),
    ({"labels": "turned.tif"}, r"turned.tif .* another order; .* labels.transpose\(2, 1, 0\)"),
    ({"labels": "coloured.tif"}, "coloured.tif has several colours: save"),
    ({"labels": "folder"}, r"folder/0.tif is in colours: labels are whole numbers"),
    ({"labels": "fractions.tif"}, "fractions.tif holds 0.37, which is no label"),
    ({"labels": "empty.tif"}, "empty.tif holds no voxel of any class, only 0: label some"),
    ({"labels": "seven.tif"}, "seven.tif holds the value 7 in every voxel"),
    ({"labels": "gone.tif"}, "There is no file gone.tif"),
    ({"classes": ("a", "b", "c")}, "The class 'c' has no voxel in labels.tif"),
    ({"window": WINDOW}, "window of 9 x 64 x 64 voxels .* smallest image, 6 x 40 x 50"),
    ({"image": "list.txt"}, "1 of the 2 files that list.txt names .* second.tif: bring them back"),
    ({"image": "bits.tif"}, "bits.tif holds a bit for each voxel, as a mask does"),
    ({"image": "even.tif"}, "even.tif has the same value nearly everywhere"),
    ({"image": "nan.tif"}, "of 2000 voxels of section z = 0 of nan.tif are NaN or"),
]


@pytest.mark.parametrize(("wrong", "sentence"), PAIRS)
def test_an_image_and_labels_that_cannot_be_are_told(
    wrong: dict[str, Any],
    sentence: str,
    here: Path,
    exit_code: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:
    image, labels = wrong.get("image", "image.tif"), wrong.get("labels", "labels.tif")
    classes, window = wrong.get("classes", ()), wrong.get("window")
    settings = {} if window is None else {"voxels": {"window_zyx": window}}
    with pytest.raises(TomoscribeError, match=sentence):
        tomoscribe.train(image=image, labels=labels, classes=classes, **settings)
    options = [option for name in classes for option in ("--class", name)]
    if window is not None:
        options += ["--set", f"voxels.window_zyx={','.join(map(str, window))}"]
    assert exit_code("train", "--image", image, "--labels", labels, *options) == 1
    with pytest.raises(TomoscribeError, match=sentence):
        raise TomoscribeError(" ".join(capsys.readouterr().err.split()))
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("a,b,c,d\n", r"Line 1 of .*split.csv has 4 columns: a datasplit has five"),
        ("a,b,c\n", "split.csv names no crop to train on: a line begins with train"),
        ("train,image.tif,labels.tif[nuc]\n", "image.tif, named in line 1 .*with --image and"),
        ("train,plain.zarr/raw,labels.tif\n", "labels.tif, named in line 1 .* is a file"),
        ("train,plain.zarr/raw,old.n5/crop\n", "crop, named in line 1 .* is n5.* as Fiji does"),
        ("train,gone.zarr,em,gone.zarr,crop/[nuc]\n", r"gone.zarr/em is gone, named in line 1"),
        (
            "train,plain.zarr,raw,plain.zarr,crop/[nuc]\n",
            "crop/nuc has no multiscale metadata .* write it as OME-Zarr",
        ),
    ],
)
def test_a_datasplit_that_cannot_be_is_told(
    lines: str,
    sentence: str,
    here: Path,
    exit_code: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain = zarr.open_group("plain.zarr", mode="w")
    plain.create_group("raw").create_array("s0", data=IMAGE)
    plain.create_group("crop").create_group("nuc").create_array("s0", data=LABELS)
    Path("split.csv").write_text(lines)
    with pytest.raises(TomoscribeError, match=sentence):
        tomoscribe.train("split.csv", classes="nuc")
    assert exit_code("train", "split.csv", "--class", "nuc") == 1
    with pytest.raises(TomoscribeError, match=sentence):
        raise TomoscribeError(" ".join(capsys.readouterr().err.split()))
    assert not Path("runs").exists()


def test_what_a_script_asks_for_in_vain_is_told(here: Path) -> None:
    pair = {"image": "image.tif", "labels": "labels.tif"}
    for wrong, sentence in (
        ({"preset": "Semantic4D"}, "no preset 'Semantic4D'; presets are: Semantic2D"),
        ({"preset": "Instance2D", "task": "semantic"}, "of the task instance, not semantic"),
        ({"voxel_size_nm": (4, 4)}, "no voxel size in nm: give one edge, or three"),
        ({"voxels": {"window_zyx": (1, 2)}}, "window_zyx"),
        ({"voxels": 3, "preset": "Instance2D"}, "give a dictionary of settings"),
        ({"device": "cuda:7"}, "no device 'cuda:7' on this machine; choose auto or: "),
        ({"data": "image.tif"}, "no project, training folder or datasplit"),
    ):
        with pytest.raises(TomoscribeError, match=sentence):
            tomoscribe.train(**pair | wrong)  # type: ignore[arg-type]
    with pytest.raises(TomoscribeError, match="both --image and --labels"):
        tomoscribe.train(image="image.tif")
    assert not Path("runs").exists()


def test_a_truth_that_is_no_image_is_told_as_labels_where_only_labels_are_asked_for(
    here: Path, exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "notes.md").write_text("no labels")
    assert exit_code("evaluate", "labels.tif", "notes.md", "--objects") == 1
    assert "notes.md is not a volume that can be read" in " ".join(capsys.readouterr().err.split())
