from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
import torch
import zarr
from pydantic import ValidationError
from tests.prediction.small_nets import predictor_of, write_image
from torch import Tensor, nn
from torch.nn import functional

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_write import write_labels
from tomoscribe.io.score_maps import open_score_maps
from tomoscribe.io.volumes import open_volume
from tomoscribe.nets.voxel_nets import VoxelNet
from tomoscribe.prediction import streamed
from tomoscribe.prediction.augmented import views_of
from tomoscribe.prediction.settings import PredictionSettings
from tomoscribe.prediction.streamed import stream_maps
from tomoscribe.prediction.volume import predict_heatmap

SHAPE = (5, 150, 140)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_image(tmp_path_factory.mktemp("image") / "balls.mrc", SHAPE)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut this image as a large one is cut: many blocks, many windows."""
    monkeypatch.setattr(streamed, "_BLOCK", (64, 64, 64))
    monkeypatch.setattr(streamed, "_BLOCK_DEEP", (64, 64, 64))


def maps_of(path: Path) -> np.ndarray[Any, Any]:
    return np.asarray(open_score_maps(path).data[...])


@pytest.mark.parametrize(
    ("dimension", "reduction", "shape"),
    [("2d", (1, 1, 1), SHAPE), ("2.5d", (1, 3, 3), SHAPE), ("3d", (2, 2, 2), (75, 70, 70))],
)
@pytest.mark.usefixtures("small_blocks")
def test_borders_of_blocks_and_windows_leave_no_trace(
    tmp_path: Path, dimension: Any, reduction: tuple[int, int, int], shape: tuple[int, int, int]
) -> None:
    volume = open_volume(write_image(tmp_path / "image.mrc", shape))
    predictor = predictor_of(dimension, reduction_zyx=reduction)
    whole, _ = predict_heatmap(predictor, volume)
    for name, settings in {
        "side.zarr": PredictionSettings(window_zyx=(40, 150, 150), batch=3),
        "over.h5": PredictionSettings(window_zyx=(48, 96, 96), stride_zyx=(24, 48, 48)),
    }.items():
        stream_maps(predictor, volume, tmp_path / name, settings)
        found = maps_of(tmp_path / name)
        assert found.shape == (2, *shape)
        # Overlapping windows have no halo: where they end, the little filter sees too little.
        most = 1 if name == "side.zarr" else 12
        assert np.abs(found - np.rint(whole * 255)).max() <= most
    assert sorted(p.name for p in tmp_path.iterdir()) == ["image.mrc", "over.h5", "side.zarr"]
    header = open_score_maps(tmp_path / "side.zarr").header
    assert header.maps == ("mito", "mito contour")
    assert header.voxel_size_zyx_nm == (4.0, 4.0, 4.0)


def test_views_turn_back_to_where_they_were_and_differ() -> None:
    box = torch.arange(2 * 4 * 4, dtype=torch.float32).reshape(2, 4, 4)
    for count in (1, 4, 8, 16):
        views = views_of(count, depth=True)
        assert len({tuple(view.turn(box).flatten().tolist()) for view in views}) == count
        assert all(torch.equal(view.turn_back(view.turn(box)), box) for view in views)
    assert len(views_of(16, depth=False)) == 8


def test_turned_views_take_out_what_a_network_prefers_to_one_side(tmp_path: Path) -> None:
    volume = open_volume(write_image(tmp_path / "small.mrc", (9, 30, 22)))
    leaning, upright = predictor_of("3d", lean=8.0), predictor_of("3d")
    found = {}
    for merge in ("mean", "min", "max"):
        settings = PredictionSettings(views=16, merge=merge)
        stream_maps(leaning, volume, tmp_path / f"{merge}.zarr", settings)
        found[merge] = maps_of(tmp_path / f"{merge}.zarr")[0].astype(int)
        # A network that leans to no side sees the same in every view.
        stream_maps(upright, volume, tmp_path / f"upright {merge}.zarr", settings)
    assert (found["min"] <= found["mean"]).all()
    assert (found["mean"] <= found["max"]).all()
    assert (found["min"] < found["max"]).mean() > 0.5
    plain = tmp_path / "plain.zarr"
    stream_maps(upright, volume, plain, PredictionSettings())
    for merge in found:
        turned = maps_of(tmp_path / f"upright {merge}.zarr").astype(int)
        assert np.abs(turned - maps_of(plain)).max() <= 1


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.prediction.small_nets import predictor_of
from tomoscribe.io.volumes import open_volume
from tomoscribe.prediction import streamed
from tomoscribe.prediction.settings import PredictionSettings

streamed._BLOCK = (64, 64, 64)
image, out = map(Path, sys.argv[1:])
written = streamed._predict_block
def then_die(*given):
    written(*given)
    if len((out.parent / "maps.unfinished.txt").read_text().splitlines()) == 5:
        os.kill(os.getpid(), signal.SIGKILL)
streamed._predict_block = then_die
streamed.stream_maps(predictor_of(), open_volume(image), out, PredictionSettings())
"""


@pytest.mark.usefixtures("small_blocks")
def test_killed_prediction_goes_on_where_it_was_and_gives_the_same_file(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "maps.zarr"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, image, out],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()
    with (tmp_path / "maps.unfinished.txt").open("a") as list_of_blocks:
        list_of_blocks.write("0 64")
    done: list[tuple[int, ...]] = []
    predict_block = streamed._predict_block

    def counted(*given: Any) -> None:
        done.append(given[4])
        predict_block(*given)

    monkeypatch.setattr(streamed, "_predict_block", counted)
    predictor, volume = predictor_of(), open_volume(image)
    stream_maps(predictor, volume, out, PredictionSettings())
    assert len(done) == 9 - 4
    stream_maps(predictor, volume, tmp_path / "whole.zarr", PredictionSettings())
    assert np.array_equal(maps_of(out), maps_of(tmp_path / "whole.zarr"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["maps.zarr", "whole.zarr"]
    # What is there already is not predicted once more; with other settings it is.
    del done[:]
    stream_maps(predictor, volume, out, PredictionSettings())
    assert not done
    stream_maps(predictor, volume, out, PredictionSettings(views=4))
    assert len(done) == 9
    assert zarr.open_group(str(out), mode="r").attrs["prediction"]["settings"]["views"] == 4


def test_what_a_kill_at_the_very_end_has_left_goes_when_it_is_asked_again(
    image: Path, tmp_path: Path
) -> None:
    out, left = tmp_path / "maps.h5", tmp_path / "maps.unfinished.zarr"
    stream_maps(predictor_of(), open_volume(image), out, PredictionSettings())
    left.mkdir()
    left.with_suffix(".txt").write_text("{}\n")
    stream_maps(predictor_of(), open_volume(image), out, PredictionSettings())
    assert list(tmp_path.iterdir()) == [out]


def test_folder_that_holds_anything_but_maps_is_never_replaced(image: Path, tmp_path: Path) -> None:
    predictor, volume = predictor_of(), open_volume(image)
    plain, other = tmp_path / "plain.zarr", tmp_path / "other.zarr"
    plain.mkdir()
    (plain / "notes.txt").write_text("years of work")
    zarr.open_group(str(other), mode="w").create_group("0").create_array("s0", data=np.ones(3))
    for place in (plain, other):
        with pytest.raises(TomoscribeError, match="left as it is"):
            stream_maps(predictor, volume, place, PredictionSettings())
    assert (plain / "notes.txt").read_text() == "years of work"
    assert np.array_equal(zarr.open_group(str(other), mode="r")["0/s0"][...], np.ones(3))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other.zarr", "plain.zarr"]


@pytest.mark.parametrize("dtype", ["i2", "f4"])
def test_hdf5_file_that_holds_anything_but_maps_is_never_replaced(
    image: Path, tmp_path: Path, dtype: str
) -> None:
    other = tmp_path / "image.h5"
    with h5py.File(other, "w") as file:
        file["raw"] = np.ones((5, 8, 8), dtype)
    with pytest.raises(TomoscribeError, match="left as it is"):
        stream_maps(predictor_of(), open_volume(image), other, PredictionSettings())
    with h5py.File(other) as file:
        assert list(file) == ["raw"]


def test_maps_of_another_voxel_size_are_predicted_anew(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "maps.zarr"
    for sizes in ((40.0, 40.0, 40.0), (400.0, 40.0, 40.0)):
        stream_maps(predictor_of(), open_volume(image, sizes), out, PredictionSettings())
        assert open_score_maps(out).header.voxel_size_zyx_nm == tuple(s / 10 for s in sizes)


class _BlindAtItsRim(nn.Module):
    """A network for which all beyond its window is black."""

    multiple_zyx = (1, 4, 4)

    def forward(self, boxes: Tensor) -> Tensor:
        smooth = functional.avg_pool2d(boxes, 3, 1, 1)
        return torch.cat([smooth, 0.5 * smooth], 1)


def test_windows_that_overlap_reach_beyond_the_image_where_padded(tmp_path: Path) -> None:
    volume = open_volume(write_image(tmp_path / "image.mrc", (1, 60, 50)))
    whole, _ = predict_heatmap(predictor_of(), volume)
    predictor = predictor_of()
    predictor.net = VoxelNet(_BlindAtItsRim(), sections=True).eval()
    wrong = {}
    for pad in (0, 16):
        settings = PredictionSettings(stride_zyx=(1, 16, 16), pad_zyx=(0, pad, pad))
        stream_maps(predictor, volume, tmp_path / f"{pad}.zarr", settings)
        found = maps_of(tmp_path / f"{pad}.zarr")
        wrong[pad] = np.abs(found - np.rint(whole * 255))[0, 0, [0, -1]].max()
    assert wrong[0] > 20
    assert wrong[16] <= 3


def test_small_windows_keep_half_of_their_edges(tmp_path: Path) -> None:
    volume = open_volume(write_image(tmp_path / "image.mrc", (1, 60, 50)))
    predictor, seen = predictor_of(), []
    logits_of = predictor.logits_of

    def counted(boxes: Tensor) -> Tensor:
        seen.append(tuple(boxes.shape[-2:]))
        return logits_of(boxes)

    predictor.logits_of = counted  # type: ignore[method-assign]
    settings = PredictionSettings(window_zyx=(1, 32, 32))
    stream_maps(predictor, volume, tmp_path / "maps.zarr", settings)
    assert max(max(shape) for shape in seen) <= 32
    assert len(seen) == 4 * 4


def test_sections_of_another_distance_are_refused_unless_each_is_seen_alone(
    tmp_path: Path,
) -> None:
    values = np.zeros((5, 8, 8), np.uint8)
    cubes, thick, plain = (tmp_path / name for name in ("cubes.tif", "thick.tif", "plain.tif"))
    write_labels(cubes, values, (4, 4, 4))
    write_labels(thick, values, (40, 4, 4))
    tifffile.imwrite(plain, values)
    for dimension in ("2.5d", "3d"):
        predictor = predictor_of(dimension)
        predictor.grid(open_volume(cubes))
        with pytest.raises(TomoscribeError, match="sections 40 nm apart"):
            predictor.grid(open_volume(thick))
        # Where the training or the image tells the pixel size only, there is nothing to compare.
        predictor.plan = predictor.plan.model_copy(update={"voxel_size_zyx_nm": (40, 4, 4)})
        with pytest.raises(TomoscribeError, match="trained on 40 nm"):
            predictor.grid(open_volume(cubes))
        predictor.grid(open_volume(plain, 40.0))
        predictor.plan = predictor.plan.model_copy(update={"depth_known": False})
        predictor.grid(open_volume(cubes))
    assert predictor_of("2d").grid(open_volume(thick)).shape_zyx == (5, 8, 8)


def test_settings_that_cannot_be_are_refused() -> None:
    for wrong in ({"stride_zyx": (0, 1, 1)}, {"views": 3}, {"pad_zyx": (-1, 0, 0)}):
        with pytest.raises(ValidationError):
            PredictionSettings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="larger than the window"):
        PredictionSettings(window_zyx=(1, 64, 64), stride_zyx=(1, 65, 64))
