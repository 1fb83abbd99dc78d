from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_files import count_values
from tomoscribe.io.registry import kind_of
from tomoscribe.io.volumes import is_volume, open_volume

STACK = np.random.default_rng(0).integers(0, 255, (12, 20, 30)).astype(np.uint8)


def _save(folder: Path, suffix: str = ".png", stack: NDArray[Any] = STACK) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"section_{z}{suffix}" for z in range(len(stack))]
    for path, section in zip(paths, stack, strict=True):
        if suffix == ".tif":
            tifffile.imwrite(path, section)
        else:
            Image.fromarray(section).save(path)
    return paths


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_a_folder_of_pictures_is_a_volume_in_the_order_of_their_numbers(
    tmp_path: Path, suffix: str
) -> None:
    _save(tmp_path / "em", suffix)
    volume = open_volume(tmp_path / "em")
    assert volume.shape_zyx == STACK.shape
    assert volume.data.dtype == np.uint8
    assert np.array_equal(volume.data[9:11, 3:7, ::2], STACK[9:11, 3:7, ::2])
    assert np.array_equal(volume.data[-1], STACK[-1])
    assert volume.voxel_size_A is None
    assert kind_of(tmp_path / "em") == "volume"


def test_a_folder_of_tomograms_is_none_whatever_pictures_lie_in_it(tmp_path: Path) -> None:
    _save(tmp_path / "thumbnails")
    assert kind_of(tmp_path / "thumbnails") == "volume"
    (tmp_path / "thumbnails" / "TS_1.mrc").touch()
    assert kind_of(tmp_path / "thumbnails") is None
    (tmp_path / "stacks").mkdir()
    tifffile.imwrite(tmp_path / "stacks" / "TS_1.tif", STACK)
    assert kind_of(tmp_path / "stacks") is None


def test_one_picture_is_a_volume_of_one_section_and_no_tomogram(tmp_path: Path) -> None:
    deep = STACK[0].astype(np.uint16) * 200
    Image.fromarray(deep).save(tmp_path / "plate.png")
    volume = open_volume(tmp_path / "plate.png")
    assert volume.shape_zyx == (1, 20, 30)
    assert np.array_equal(volume.data[0], deep)
    # Thumbnails lie beside tomograms.
    assert not is_volume(tmp_path / "plate.png")


def test_a_list_finds_its_files_where_its_folder_was_moved_to(tmp_path: Path) -> None:
    paths = _save(tmp_path / "old" / "em")
    lines = "\n".join(str(p.absolute()) for p in reversed(paths))
    (tmp_path / "old" / "list.txt").write_text(f"# sections\n{lines}\n")
    (tmp_path / "old").rename(tmp_path / "new")
    place = tmp_path / "new" / "list.txt"
    assert kind_of(place) == "volume"
    assert np.array_equal(open_volume(place).data[...], STACK[::-1])
    for z in (3, 4):
        (tmp_path / "new" / "em" / f"section_{z}.png").unlink()
    with pytest.raises(TomoscribeError, match=r"2 of the 12 files that .*section_4.png"):
        open_volume(place)


def test_a_list_made_on_windows_is_read(tmp_path: Path) -> None:
    _save(tmp_path / "em")
    (tmp_path / "list.txt").write_text("C:\\data\\em\\section_1.png\r\nC:\\data\\em\\section_0.png")
    assert np.array_equal(open_volume(tmp_path / "list.txt").data[...], STACK[1::-1])


def test_tiles_make_sections(tmp_path: Path) -> None:
    for z in range(3):
        for row in range(2):
            for column in range(3):
                tile = STACK[z, 12 * row : 12 * row + 12, 12 * column : 12 * column + 12]
                (tmp_path / str(z)).mkdir(exist_ok=True)
                Image.fromarray(tile).save(tmp_path / str(z) / f"{row + 1}_{column + 1}.png")
    about = {
        **{"ndim": 1, "dtype": "uint8", "image": [f"{z}/{{row}}_{{column}}.png" for z in range(3)]},
        **{"depth": 3, "height": 20, "width": 30, "tile_size": 12, "tile_ratio": 1},
        "tile_st": [1, 1],
    }
    (tmp_path / "tiles.json").write_text(json.dumps(about))
    assert kind_of(tmp_path / "tiles.json") == "volume"
    data = open_volume(tmp_path / "tiles.json").data
    assert np.array_equal(data[1:3, 5:19, 10:27], STACK[1:3, 5:19, 10:27])
    # Each section in one file, as AutoSeg makes them.
    whole = about | {"image": [str(p) for p in _save(tmp_path / "em")], "depth": 12}
    (tmp_path / "whole.json").write_text(json.dumps(whole))
    assert np.array_equal(open_volume(tmp_path / "whole.json").data[...], STACK)
    (tmp_path / "2" / "1_2.png").unlink()
    with pytest.raises(TomoscribeError, match=r"1 of the 18 files .*2/1_2.png"):
        open_volume(tmp_path / "tiles.json")


def test_colours_make_grey_and_no_labels(tmp_path: Path) -> None:
    colours = np.stack([STACK, STACK[::-1], STACK], axis=-1)
    _save(tmp_path / "colours", stack=colours[:2])
    grey = open_volume(tmp_path / "colours").data[...]
    assert grey.dtype == np.uint8
    expected = 0.413 * STACK[:2] + 0.587 * STACK[::-1][:2]
    assert np.abs(grey - expected).max() <= 0.6
    with pytest.raises(TomoscribeError, match=r"section_0.png is in colours: labels are whole"):
        count_values(str(tmp_path / "colours"))
    # Grey in three channels, and numbers behind a palette, are labels.
    _save(tmp_path / "grey", stack=np.repeat(STACK[:2, :, :, None] % 3, 3, axis=-1))
    assert count_values(str(tmp_path / "grey")).values == (0, 1, 2)
    indexed = Image.fromarray(STACK[0] % 4).convert("P")
    indexed.putpalette([9, 8, 7, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    indexed.save(tmp_path / "indexed.png")
    assert count_values(str(tmp_path / "indexed.png")).values == (0, 1, 2, 3)


def test_numbers_that_the_type_of_the_first_picture_does_not_hold_are_not_wrapped(
    tmp_path: Path,
) -> None:
    paths = _save(tmp_path / "labels", ".tif", STACK[:3])
    tifffile.imwrite(paths[1], STACK[1].astype(np.uint16))
    tifffile.imwrite(paths[2], STACK[2].astype(np.uint16) + 256)
    data = open_volume(tmp_path / "labels").data
    assert np.array_equal(data[:2], STACK[:2])
    with pytest.raises(TomoscribeError, match=r"section_2.tif holds values of the type uint16"):
        count_values(str(tmp_path / "labels"))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_pictures_of_bits_are_masks(tmp_path: Path, suffix: str) -> None:
    _save(tmp_path / "masks", suffix, STACK[:3] > 100)
    assert open_volume(tmp_path / "masks").data.dtype == bool
    assert count_values(str(tmp_path / "masks")).values == (0, 1)


def test_pictures_that_do_not_fit_are_named(tmp_path: Path) -> None:
    paths = _save(tmp_path / "em", ".tif")
    tifffile.imwrite(paths[4], STACK[0, :5])
    tifffile.imwrite(paths[5], STACK[:2])
    paths[6].write_bytes(b"II*\0")
    data = open_volume(tmp_path / "em").data
    for z, sentence in ((4, "all must be of one size"), (5, "holds 2 pictures"), (6, "cut off")):
        with pytest.raises(TomoscribeError, match=f"section_{z}.tif.*{sentence}"):
            data[z]
