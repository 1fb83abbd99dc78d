"""A device whose memory is short: streamed predictions take less at once, or say what to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from tests.prediction.small_nets import predictor_of, write_image

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.score_maps import open_score_maps
from tomoscribe.io.volumes import open_volume
from tomoscribe.prediction.settings import PredictionSettings
from tomoscribe.prediction.streamed import stream_maps

if TYPE_CHECKING:
    from torch import Tensor

    from tomoscribe.tasks.voxels.predictor import VoxelPredictor

SHAPE = (5, 150, 140)


class Short:
    """A device that holds so many voxels; it counts how often it was asked for more."""

    def __init__(
        self, predictor: VoxelPredictor, voxels: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.refused, self.sizes = 0, set[tuple[int, ...]]()
        compute = predictor.logits_of

        def logits_of(boxes: Tensor) -> Tensor:
            if boxes.numel() > voxels:
                self.refused += 1
                raise torch.OutOfMemoryError("CUDA out of memory.")
            self.sizes.add(tuple(boxes.shape))
            return compute(boxes)

        monkeypatch.setattr(predictor, "logits_of", logits_of)


def maps_of(path: Path) -> np.ndarray[Any, Any]:
    return np.asarray(open_score_maps(path).data[...]).astype(int)


@pytest.mark.parametrize(
    ("voxels", "largest_batch"), [(2 * 160 * 160, 2), (110 * 110, 1)], ids=["fewer", "smaller"]
)
def test_what_does_not_fit_is_predicted_with_less_at_once_and_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, voxels: int, largest_batch: int
) -> None:
    volume = open_volume(write_image(tmp_path / "image.mrc", SHAPE))
    settings = PredictionSettings(batch=4)
    stream_maps(predictor_of(), volume, tmp_path / "whole.zarr", settings)
    predictor = predictor_of()
    short = Short(predictor, voxels, monkeypatch)
    stream_maps(predictor, volume, tmp_path / "short.zarr", settings)
    assert short.refused > 0
    assert max(size[0] for size in short.sizes) == largest_batch
    assert np.abs(maps_of(tmp_path / "short.zarr") - maps_of(tmp_path / "whole.zarr")).max() <= 1


@pytest.mark.parametrize("stride", [None, (1, 32, 32)])
def test_a_device_that_holds_not_even_the_smallest_window_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: tuple[int, int, int] | None
) -> None:
    volume = open_volume(write_image(tmp_path / "image.mrc", SHAPE))
    predictor = predictor_of()
    Short(predictor, 0, monkeypatch)
    settings = PredictionSettings(batch=2, window_zyx=(1, 96, 96), stride_zyx=stride)
    with pytest.raises(TomoscribeError, match=r"does not hold one window .*--device cpu"):
        stream_maps(predictor, volume, tmp_path / "maps.zarr", settings)
    assert not (tmp_path / "maps.zarr").exists()
