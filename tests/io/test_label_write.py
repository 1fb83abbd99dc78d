import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_write import label_store, write_labels
from tomoscribe.io.score_maps import MapsHeader, create_score_maps, open_score_maps
from tomoscribe.io.volumes import open_volume

NM = (40.0, 4.5, 4.0)


@pytest.mark.parametrize("suffix", [".tif", ".mrc", ".h5", ".zarr"])
@pytest.mark.parametrize("highest", [3, 300, 70_000])
def test_labels_come_back_equal_with_the_size_of_their_voxels(
    tmp_path: Path, suffix: str, highest: int
):
    labels = np.random.default_rng(0).integers(0, 4, (5, 20, 30)).astype(np.uint32)
    labels[labels == 3] = highest
    path = tmp_path / f"labels{suffix}"
    write_labels(path, labels, NM)
    write_labels(path, labels, NM)  # a second time, over the first
    volume = open_volume(path)
    assert np.array_equal(volume.data[...], labels)
    assert volume.voxel_sizes_zyx_A == pytest.approx((400.0, 45.0, 40.0))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".tif", ".mrc", ".h5", ".zarr"])
@pytest.mark.parametrize(
    "shape", [(1, 5, 7), (5, 1, 7), (5, 7, 1), (1, 5, 1), (5, 1, 1), (4, 3, 4)]
)
def test_axes_of_one_place_stay_where_they_are(tmp_path: Path, suffix: str, shape: tuple[int, ...]):
    labels = np.arange(np.prod(shape)).reshape(shape)
    path = tmp_path / f"labels{suffix}"
    write_labels(path, labels, NM)
    volume = open_volume(path)
    assert np.array_equal(volume.data[...], labels)
    assert volume.voxel_sizes_zyx_A == pytest.approx((400.0, 45.0, 40.0))


def test_labels_that_no_file_can_hold_are_told(tmp_path: Path):
    with pytest.raises(TomoscribeError, match="negative"):
        write_labels(tmp_path / "a.tif", np.full((2, 2, 2), -1), NM)
    with pytest.raises(TomoscribeError, match=r"up to 16777216 only.*\.zarr"):
        write_labels(tmp_path / "a.mrc", np.full((2, 2, 2), 1 << 25), NM)
    with pytest.raises(TomoscribeError, match="labels are written as"):
        write_labels(tmp_path / "a.png", np.ones((2, 2, 2), int), NM)
    with pytest.raises(TomoscribeError, match="Cannot write"):
        write_labels(tmp_path / "none" / "a.h5", np.ones((2, 2, 2), int), NM)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".zarr", ".h5"])
def test_what_a_killed_process_left_of_labels_is_replaced(tmp_path: Path, suffix: str):
    path = tmp_path / f"a{suffix}"
    killed = (
        "import os, sys, pathlib\n"
        "from tomoscribe.io.label_write import label_store\n"
        "with label_store(pathlib.Path(sys.argv[1]), (4, 5, 6), (1, 1, 1)) as store:\n"
        "    store[0] = 1\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", killed, path], check=False).returncode == -9
    assert not path.exists()
    assert list(tmp_path.iterdir())
    with label_store(path, (4, 5, 6), NM) as store:
        assert not np.asarray(store[...]).any()
        store[1] = 2
        with (
            pytest.raises(TomoscribeError, match="Another process writes"),
            label_store(path, (4, 5, 6), NM),
        ):
            pass
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert np.asarray(open_volume(path).data[...]).sum() == 2 * 30


def test_labels_that_take_the_place_of_others_are_whole_whenever_the_process_is_killed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.zarr"
    write_labels(path, np.full((2, 4, 4), 1), NM)
    killed = (
        "import os, shutil, sys\n"
        "import numpy as np\n"
        "from tomoscribe.io.label_write import write_labels\n"
        "def killed(place, **_): '.unfinished' in str(place) or os.kill(os.getpid(), 9)\n"
        "shutil.rmtree = killed\n"
        "write_labels(sys.argv[1], np.full((2, 4, 4), 2), (1.0, 1.0, 1.0))\n"
    )
    assert subprocess.run([sys.executable, "-c", killed, path], check=False).returncode == -9
    assert (open_volume(path).data[...] == 2).all()
    write_labels(path, np.full((2, 4, 4), 3), NM)
    assert (open_volume(path).data[...] == 3).all()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".zarr", ".h5"])
def test_maps_keep_their_names_their_decoder_and_their_voxels(tmp_path: Path, suffix: str):
    header = MapsHeader(
        ("mito", "mito contour"), ("mito",), False, {"mito": {"kind": "watershed"}}, NM
    )
    path = tmp_path / f"maps{suffix}"
    array = create_score_maps(path, (6, 10, 12), header)
    array[1, 2:4] = 200
    if suffix == ".h5":
        array.file.close()
    opened = open_score_maps(path)
    assert opened.header == header
    assert opened.data.shape == (2, 6, 10, 12)
    assert opened.data[1].sum() == 2 * 10 * 12 * 200

    with pytest.raises(TomoscribeError, match="There is no file"):
        open_score_maps(tmp_path / f"gone{suffix}")


def test_a_plain_image_is_no_file_of_maps(tmp_path: Path):
    zarr.create_group(tmp_path / "a.zarr").create_array("0", shape=(3, 4, 5), dtype="uint8")
    with pytest.raises(TomoscribeError, match="no predicted maps"):
        open_score_maps(tmp_path / "a.zarr")


def test_a_folder_that_holds_something_else_is_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "mine.zarr"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(TomoscribeError, match="holds other things"):
        write_labels(folder, np.ones((2, 4, 4), np.uint8), (8.0, 8.0, 8.0))
    assert (folder / "thesis.txt").exists()
