"""Affinities from labels to a trained decoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from tests.tasks.train_steps import make_steps

from tomoscribe.io.volumes import open_volume
from tomoscribe.project.model import Role, TrainingData, TrainingSample
from tomoscribe.segmentation.decoder_settings import DecoderSettings
from tomoscribe.segmentation.decoders import decode
from tomoscribe.segmentation.labels import ArrayLabels, LabelClass, SampleLabels
from tomoscribe.segmentation.maps import offset_of, steps_of
from tomoscribe.segmentation.matching import pair_objects
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task
from tomoscribe.tasks.voxels.batches import BatchMaker
from tomoscribe.tasks.voxels.images import scale_image
from tomoscribe.tasks.voxels.plan import VoxelPlan
from tomoscribe.tasks.voxels.sampler import WindowSampler
from tomoscribe.tasks.voxels.sources import make_source
from tomoscribe.tasks.voxels.window_data import hold

CPU = torch.device("cpu")
SHAPE = (20, 64, 64)


def cells(seed: int, count: int = 24) -> np.ndarray:
    """Objects without gaps, three of them numbered as background."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform((0, 0, 0), SHAPE, (count, 3))
    at = np.stack(np.mgrid[tuple(slice(n) for n in SHAPE)], -1)
    nearest = np.linalg.norm(at[..., None, :] - centres, axis=-1).argmin(-1)
    return np.maximum(nearest - 2, 0).astype(np.int32)


def data_of(path: Path, image: np.ndarray, labels: np.ndarray) -> TrainingData:
    tifffile.imwrite(path, image.astype(np.uint8))
    known = SampleLabels(ArrayLabels(labels[None]), (((0, 0, 0), SHAPE),), "test")
    sample = TrainingSample("one", str(path), 100.0, Role.TRAIN, labels=known)
    return TrainingData((sample,), (), label_classes=(LabelClass("cell"),))


def settings_of(dimension: str, **more: object) -> TrainingSettings:
    window = (16, 32, 32) if dimension == "3d" else (1, 32, 32)
    voxels = {
        "dimension": dimension, "affinity": True, "window_zyx": window, "levels": 2,
        "scale": 1.0, "intensity": False, "hold_out_labels": 0.0, **more,
    }  # fmt: skip
    return TrainingSettings(bin=1, width=8, batch=8, precision="float32", voxels=voxels)


def same_object(shown: np.ndarray, steps: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Whether voxels of windows and those some steps away show one object, and where both are."""
    sizes = shown.shape[1:]
    if any(abs(s) >= n for s, n in zip(steps, sizes, strict=True)):
        return np.zeros(shown.shape, bool), np.zeros(shown.shape, bool)
    here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(steps, sizes, strict=True))
    there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(steps, sizes, strict=True))
    one, seen = np.zeros(shown.shape, bool), np.zeros(shown.shape, bool)
    a, b = shown[(slice(None), *here)], shown[(slice(None), *there)]
    one[(slice(None), *here)] = (a == b) & (a > 0)
    seen[(slice(None), *here)] = True
    return one, seen


@pytest.mark.parametrize("dimension", ["2d", "2.5d", "3d"])
def test_affinities_of_turned_windows_are_those_of_what_the_turned_image_shows(
    dimension: str, tmp_path: Path
) -> None:
    # The grey of a voxel is the number of its object, so that images tell what targets have to be.
    labels = cells(1)
    data = data_of(tmp_path / "image.tif", labels * 10, labels)
    settings = settings_of(dimension)
    module = get_task("instance").build(data, settings, CPU)
    plan = VoxelPlan(**module.plan)
    (sample,) = data.samples
    image = scale_image(open_volume(sample.volume_path, 100.0), (1, 1, 1))
    source = make_source(sample, image, 1, 0.0, None)
    maker = BatchMaker(
        hold([source], CPU, 1e9, []), module.specs, plan, settings.voxels, module.net.context
    )
    rng = np.random.default_rng(0)
    sampler = WindowSampler([source], plan.window_zyx, 0.5, rng)
    batch = maker.make(sampler.draw(12), rng)
    greys = np.unique(source.image.read((0, 0, 0), SHAPE))
    shown = np.searchsorted(greys, batch.images[:, 0].numpy())
    assert np.array_equal(greys[shown], batch.images[:, 0].numpy())
    voxel, context = plan.working_voxel_zyx_nm, module.net.context
    compared = 0
    for index, spec in enumerate(module.specs):
        offset = offset_of(spec.kind)
        if offset is not None:
            expected, seen = same_object(shown, steps_of(offset, voxel))
            inner = slice(context, shown.shape[1] - context)
            told = seen[:, inner] & batch.known[:, index].numpy()
            assert np.array_equal(batch.target[:, index].numpy()[told], expected[:, inner][told])
            compared += np.count_nonzero(told)
    assert compared > 20_000


def test_a_training_tunes_the_decoder_by_affinities_through_sections(tmp_path: Path) -> None:
    labels = cells(1, count=12)
    image = np.where(borders(labels), 40, np.where(labels > 0, 200, 120))
    image = image + np.random.default_rng(2).normal(0, 8, SHAPE)
    data = data_of(tmp_path / "image.tif", image.clip(0, 255), labels)
    settings = settings_of("2.5d", hold_out_labels=0.2, levels=3).model_copy(
        update={"max_steps": 120, "learning_rate": 1e-2, "batch": 4}
    )
    task = get_task("instance")
    module = task.build(data, settings, CPU)
    make_steps(module, 120)
    evaluation = module.evaluate()
    assert evaluation is not None
    tuned = DecoderSettings(**evaluation.decoder["cell"])
    assert (tuned.kind, tuned.dimension) == ("affinities", "3d")
    torch.save(module.checkpoint(), tmp_path / "best.pt")
    predictor = task.load(tmp_path / "best.pt", CPU)
    volume = predictor.open(data.samples[0].volume_path, 100.0)
    maps = np.zeros((len(predictor.maps), *SHAPE), np.float32)
    for block in predictor.blocks(volume):
        box = (slice(a, a + n) for a, n in zip(block.lo_zyx, block.scores.shape[1:], strict=True))
        maps[(slice(None), *box)] = block.scores
    (found,) = decode(maps, predictor.maps, ["cell"], tuned, (10.0, 10.0, 10.0))
    # Of nine, after some seconds; as one object, or as specks, there would be none.
    assert pair_objects(labels, found.of_class("cell")).counts(0.5).hits >= 3


def borders(labels: np.ndarray) -> np.ndarray:
    """Voxels beside another object."""
    edge = np.zeros(labels.shape, bool)
    for axis in range(3):
        a, b = np.moveaxis(labels, axis, 0), np.moveaxis(edge, axis, 0)
        differ = a[1:] != a[:-1]
        b[1:] |= differ
        b[:-1] |= differ
    return edge
