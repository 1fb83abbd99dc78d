from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.model import Role, TrainingData
from tomoscribe.project.source import DataSource
from tomoscribe.project.training_data import load_training_data

IMAGES = "image_name\trec_path\n"
COORDINATES = "image_name\tx_coord\ty_coord\tz_coord\n"


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., TrainingData]:
    """Return `load(images, coordinates)`: write both lists and read them."""

    def run(images: str, coordinates: str, **options: object) -> TrainingData:
        paths = tmp_path / "images.txt", tmp_path / "coords.txt"
        for path, text in zip(paths, (images, coordinates), strict=True):
            path.write_text(text)
        fields = {"diameter_A": 200.0, **options}
        return load_training_data(
            DataSource(kind="lists", images=paths[0], coordinates=paths[1], **fields)
        )

    return run


Load = Callable[..., TrainingData]
Make = Callable[..., Path]


def test_lists_are_read_as_x_y_z_when_only_that_fits(load: Load, make_volume: Make) -> None:
    make_volume("A.mrc", shape=(10, 20, 30))
    data = load(f"{IMAGES}A\tA.mrc\n", f"{COORDINATES}A\t29\t15\t3\nA\t5\t19\t9\n")
    assert [p.zyx for p in data.samples[0].picks] == [(3, 15, 29), (9, 19, 5)]
    assert data.samples[0].role == Role.TRAIN
    assert "x y z: no other order fits" in data.warnings[0]


def test_swapped_columns_are_recognised_and_told(load: Load, make_volume: Make) -> None:
    make_volume("A.mrc", shape=(10, 20, 30))
    data = load(f"{IMAGES}A\tA.mrc\n", f"{COORDINATES}A\t29\t3\t15\nA\t5\t9\t19\n")
    assert [p.zyx for p in data.samples[0].picks] == [(3, 15, 29), (9, 19, 5)]
    assert "read as x z y: 2 of 2" in data.warnings[0]


def test_an_order_that_cannot_be_told_is_x_y_z_and_never_silent(
    load: Load, make_volume: Make
) -> None:
    make_volume("A.mrc", shape=(30, 30, 30))
    data = load(f"{IMAGES}A\tA.mrc\n", f"{COORDINATES}A\t1\t2\t3\n")
    assert data.samples[0].picks[0].zyx == (3, 2, 1)
    assert "would also fit as x z y or z y x" in data.warnings[0]


def test_one_stray_click_does_not_swap_the_axes(load: Load, make_volume: Make) -> None:
    make_volume("A.mrc", shape=(10, 20, 30))
    rows = "".join(f"A\t{20 + i}\t15\t3\n" for i in range(8))
    data = load(f"{IMAGES}A\tA.mrc\n", f"{COORDINATES}{rows}A\t3\t15\t29\n")
    assert len(data.samples[0].picks) == 8
    assert "1 of 9 picks" in " ".join(data.warnings)


def test_paths_may_be_relative_to_the_current_folder(
    load: Load, make_volume: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_volume("work/data/A.mrc")
    monkeypatch.chdir(tmp_path / "work")
    data = load(f"{IMAGES}A\tdata/A.mrc\n", f"{COORDINATES}A\t1\t2\t3\n")
    assert Path(data.samples[0].volume_path).samefile(tmp_path / "work" / "data" / "A.mrc")


def test_names_in_one_list_only_are_left_out_and_told(load: Load, make_volume: Make) -> None:
    make_volume("A.mrc")
    make_volume("B.mrc")
    data = load(
        f"{IMAGES}A\tA.mrc\nB\tB.mrc\n", f"{COORDINATES}A\t1\t2\t3\nA\t2\t2\t3\nC\t1\t1\t1\n"
    )
    assert [s.name for s in data.samples] == ["A"]
    told = " ".join(data.warnings)
    assert "'B'" in told
    assert "'C'" in told


def test_spaces_instead_of_tabs_and_a_byte_order_mark_do_no_harm(
    load: Load, make_volume: Make
) -> None:
    make_volume("A.mrc")
    data = load(
        "\ufeffimage_name rec_path\nA A.mrc\n", "image_name x_coord y_coord z_coord\n\nA 1 2 3\n"
    )
    assert len(data.samples[0].picks) == 1


@pytest.mark.parametrize(
    ("images", "coordinates", "message"),
    [
        ("a\tb\nA\tA.mrc\n", f"{COORDINATES}A\t1\t2\t3\n", "lacks the column image_name, rec_path"),
        ("", f"{COORDINATES}A\t1\t2\t3\n", "lacks the column"),
        (f"{IMAGES}A\tA.mrc\n", "image_name\tx_coord\ty_coord\nA\t1\t2\n", "column z_coord"),
        (f"{IMAGES}A\tA.mrc\n", f"{COORDINATES}A\t1\ttwo\t3\n", "Line 2 .*no number"),
        (f"{IMAGES}A\tA.mrc\n", f"{COORDINATES}A\t1\t2\n", "Line 2 .*3 fields"),
        (f"{IMAGES}A\tnone.mrc\n", f"{COORDINATES}A\t1\t2\t3\n", r"no file none\.mrc.*line 2"),
        (f"{IMAGES}A\tA.mrc\nA\tA.mrc\n", f"{COORDINATES}A\t1\t2\t3\n", "'A' twice"),
        (IMAGES, f"{COORDINATES}A\t1\t2\t3\n", "names no images"),
        (f"{IMAGES}A\tA.mrc\n", f"{COORDINATES}A_coord\t1\t2\t3\n", "No image_name is in both"),
        (f"{IMAGES}A\tA.mrc\n", COORDINATES, "No image_name is in both"),
        (f"{IMAGES}A\tA.mrc\n", f"{COORDINATES}A\t900\t900\t900\n", "does not fit"),
    ],
)
def test_bad_lists_get_a_sentence(
    load: Load, make_volume: Make, images: str, coordinates: str, message: str
) -> None:
    make_volume("A.mrc")
    with pytest.raises(TomoscribeError, match=message):
        load(images, coordinates)


def test_a_list_that_is_missing_or_no_text_gets_a_sentence(
    load: Load, tmp_path: Path, make_volume: Make
) -> None:
    volume = make_volume("A.mrc")
    source = DataSource(kind="lists", images=tmp_path / "none.txt", coordinates=volume)
    with pytest.raises(TomoscribeError, match="Cannot read"):
        load_training_data(source)
    images = tmp_path / "binary.txt"
    images.write_bytes(b"\xff\xfe\x00\xd8")
    source = DataSource(kind="lists", images=images, coordinates=volume)
    with pytest.raises(TomoscribeError, match="no text list"):
        load_training_data(source)
