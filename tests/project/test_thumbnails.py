from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.io import own_folder
from tomoscribe.io.volumes import write_mrc
from tomoscribe.project import thumbnails
from tomoscribe.project.thumbnails import PIXELS, picture, thumbnail


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(own_folder.VARIABLE, str(tmp_path / "state"))


def written(path: Path, seed: int = 0) -> Path:
    volume = np.random.default_rng(seed).normal(size=(20, 40, 60)).astype(np.float32)
    volume[10, 10:20, 30:50] += 50
    write_mrc(path, volume, 30.0)
    return path


def test_a_picture_shows_the_middle_and_what_is_bright_in_it(tmp_path: Path) -> None:
    made = thumbnail(str(written(tmp_path / "one.mrc")), 30.0)
    assert made.shape_zyx == (20, 40, 60)
    assert made.pixels is not None
    assert made.pixels.shape == (40, 60)
    bright = np.argwhere(made.pixels > 200)
    assert bright.min(axis=0).tolist() == [10, 30]
    assert bright.max(axis=0).tolist() == [19, 49]


def test_a_large_slice_becomes_a_small_picture() -> None:
    made = picture(np.random.default_rng(0).normal(size=(2, 930, 464)))
    assert made.dtype == np.uint8
    assert max(made.shape) <= PIXELS
    assert made.shape == (93, 46)


def test_beads_and_holes_do_not_take_the_contrast() -> None:
    slab = np.random.default_rng(0).normal(size=(1, 96, 96))
    slab[0, 5, 5], slab[0, 7, 7] = 1e6, np.nan
    assert 90 < np.median(picture(slab)) < 165


def test_a_picture_is_made_once_and_again_when_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "one.mrc")
    first = thumbnail(str(path), 30.0)
    opened: list[str] = []
    real = thumbnails.open_volume

    def spy(address: str, voxel_size_A: float) -> object:
        opened.append(address)
        return real(address, voxel_size_A)

    monkeypatch.setattr(thumbnails, "open_volume", spy)
    again = thumbnail(str(path), 30.0)
    assert not opened
    assert first.pixels is not None
    np.testing.assert_array_equal(again.pixels, first.pixels)
    assert again.shape_zyx == first.shape_zyx
    written(path, seed=1)
    os.utime(path, ns=(1, 1))
    thumbnail(str(path), 30.0)
    assert opened == [str(path)]


def test_a_damaged_picture_is_made_again(tmp_path: Path) -> None:
    path = written(tmp_path / "one.mrc")
    thumbnail(str(path), 30.0)
    (kept,) = (tmp_path / "state" / "thumbnails").iterdir()
    kept.write_bytes(b"PK nothing")
    assert thumbnail(str(path), 30.0).pixels is not None


def test_the_oldest_pictures_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "MOST_KEPT", 2)
    for number in range(4):
        thumbnail(str(written(tmp_path / f"{number}.mrc")), 30.0)
    assert len(list((tmp_path / "state" / "thumbnails").iterdir())) == 2


def test_where_nothing_can_be_kept_there_is_a_picture_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, no folder")
    assert thumbnail(str(written(tmp_path / "one.mrc")), 30.0).pixels is not None


def test_a_tomogram_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(TomoscribeError, match=r"gone\.mrc"):
        thumbnail(str(tmp_path / "gone.mrc"), 10.0)


def test_a_large_packed_volume_is_not_unpacked_for_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzip

    packed = tmp_path / "one.mrc.gz"
    packed.write_bytes(gzip.compress(written(tmp_path / "one.mrc").read_bytes()))
    assert thumbnail(str(packed), 30.0).pixels is not None
    os.utime(packed, ns=(1, 1))
    monkeypatch.setattr(thumbnails, "LARGEST_PACKED_BYTES", 1000)
    assert thumbnail(str(packed), 30.0) == (None, (20, 40, 60))
