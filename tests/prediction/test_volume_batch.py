"""Files of predictions: heatmaps where the tomogram is, picks as STAR and CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from tests.project.spheres import write_container, write_tomogram

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import read_picks
from tomoscribe.io.volumes import open_volume, write_mrc
from tomoscribe.nets.unet import UNet3d
from tomoscribe.prediction.batch import PredictionFiles, predict_files
from tomoscribe.project.model import ParticleClass
from tomoscribe.tasks.checkpoint import pack
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.tomogram.plan import DataSummary, DeviceInfo, make_plan

ORIGIN = (5.0, -20.0, 300.0)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    data = DataSummary(10.0, 300.0, 300.0, 20, (40, 60, 60))
    plan = make_plan(data, TrainingSettings(width=4), DeviceInfo())
    net = UNet3d(1, plan.width, levels=plan.levels, stem=plan.stem)
    torch.nn.init.normal_(net.head.weight, std=10.0)
    classes = (ParticleClass("ribosome", 300.0),)
    state = pack(
        task="tomogram",
        plan=plan,
        classes=classes,
        voxel_size_A=10.0,
        thresholds={"ribosome": 0.001},
        ema=net.state_dict(),
        training={},
        device="cpu",
    )
    path = tmp_path_factory.mktemp("run") / "step.pt"
    torch.save(state, path)
    return path


def _tomogram(folder: Path, name: str, voxel_size_A: float = 10.0) -> str:
    folder.mkdir(exist_ok=True)
    values = np.random.default_rng(0).normal(size=(40, 60, 63)).astype(np.float32)
    write_mrc(folder / name, values, voxel_size_A, ORIGIN)
    return str(folder / name)


def predict(*args: Any, **options: Any) -> list[PredictionFiles]:
    """Predict files of which none is bad."""
    results = list(predict_files(*args, **options))
    assert not [r for r in results if isinstance(r, TomoscribeError)]
    return results  # type: ignore[return-value]


def test_heatmap_overlays_the_tomogram(checkpoint: Path, tmp_path: Path) -> None:
    (files,) = predict(checkpoint, [_tomogram(tmp_path, "a.mrc")], tmp_path / "out")
    heatmap = open_volume(files.scores)
    assert heatmap.shape_zyx == (10, 15, 15)
    assert heatmap.voxel_size_A == pytest.approx(40.0)
    # The first heatmap voxel is the mean of tomogram voxels 0..3: its centre lies at 1.5.
    np.testing.assert_allclose(heatmap.origin_zyx_A, np.add(ORIGIN, 15.0), atol=1e-3)


def test_picks_are_written_in_voxels_of_the_tomogram(checkpoint: Path, tmp_path: Path) -> None:
    tomogram = _tomogram(tmp_path, "a.mrc")
    (files,) = predict(checkpoint, [tomogram], tmp_path / "out")
    geometry = open_volume(tomogram).geometry
    star = read_picks(files.star, geometry=geometry)
    table = read_picks(files.csv, geometry=geometry)
    assert files.pick_count == len(star) == len(table) > 0
    np.testing.assert_allclose(star.zyx, table.zyx, atol=1e-2)
    assert np.all(star.zyx >= -0.5)
    assert np.all(star.zyx <= np.array(geometry.shape_zyx) - 0.5)
    assert star.scores is not None
    assert np.all(np.diff(star.scores) <= 0)


def test_threshold_of_the_user_wins(checkpoint: Path, tmp_path: Path) -> None:
    tomogram = _tomogram(tmp_path, "a.mrc")
    (files,) = predict(checkpoint, [tomogram], tmp_path / "out", threshold=1.0)
    assert files.pick_count == 0
    assert files.star.exists()


def test_many_tomograms_tell_progress_and_keep_apart(checkpoint: Path, tmp_path: Path) -> None:
    tomograms = [_tomogram(tmp_path / part, "a.mrc") for part in ("one", "two")]
    told: dict[str, float] = {}
    results = predict(checkpoint, tomograms, tmp_path / "out", on_progress=told.__setitem__)
    assert [r.source for r in results] == tomograms
    assert results[0].scores != results[1].scores
    assert told == dict.fromkeys(tomograms, 1.0)


def test_a_wrong_last_tomogram_is_told_before_the_first_is_predicted(
    checkpoint: Path, tmp_path: Path
) -> None:
    tomograms = [_tomogram(tmp_path, "a.mrc"), _tomogram(tmp_path, "b.mrc", 13.0)]
    results = predict_files(checkpoint, tomograms, tmp_path / "out")
    problem = next(results)
    assert isinstance(problem, TomoscribeError)
    assert "b.mrc" in str(problem)
    assert not list((tmp_path / "out").iterdir())
    (good,) = results
    assert good.source == tomograms[0]
    assert good.scores.exists()


def test_a_membrane_for_a_checkpoint_of_tomograms_is_one_sentence(
    checkpoint: Path, tmp_path: Path
) -> None:
    container = write_container(tmp_path / "M1.h5", write_tomogram(tmp_path / "t.mrc"))
    (problem,) = predict_files(checkpoint, [str(container)], tmp_path / "out")
    assert "is a membrane, but the checkpoint was trained on tomograms" in str(problem)


def test_out_that_is_a_file_is_one_sentence(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(TomoscribeError, match="out"):
        predict(checkpoint, [_tomogram(tmp_path, "a.mrc")], tmp_path / "out")


def test_files_are_named_after_the_tomogram_whatever_holds_it(
    checkpoint: Path, tmp_path: Path
) -> None:
    values = np.random.default_rng(0).normal(size=(40, 60, 63)).astype(np.float32)
    with h5py.File(tmp_path / "file.h5", "w") as file:
        for name in ("data/set", "data/other"):
            file[name] = values
    tomograms = [f"{tmp_path}/file.h5::/data/{part}" for part in ("set", "other")]
    results = predict(checkpoint, tomograms, tmp_path / "out", voxel_size_A=10.0)
    assert [r.star.name for r in results] == [
        "file_data_set_picks.star",
        "file_data_other_picks.star",
    ]
    assert read_picks(results[0].csv).tomogram[0] == "file_data_set"
