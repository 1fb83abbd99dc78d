from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from tomoscribe.errors import TomoscribeError
from tomoscribe.segmentation.blockwise import BlockPlan, Joining, decode_blocks, decode_maps
from tomoscribe.segmentation.decoder_settings import DecoderSettings
from tomoscribe.segmentation.decoders import Segmentation, decode
from tomoscribe.segmentation.matching import pair_objects
from tomoscribe.segmentation.user_decoder import user_decoder

NM = (4.0, 4.0, 4.0)
NAMES = ("mito", "mito contour")


@pytest.fixture(scope="module")
def maps() -> np.ndarray:
    """Maps of blobs, many of which cross the faces of blocks or touch each other."""
    rng = np.random.default_rng(3)
    smooth = ndimage.gaussian_filter(rng.normal(size=(30, 60, 64)), 3)
    inside = np.clip(0.5 + smooth * 12, 0, 1)
    contour = np.clip(1 - np.abs(inside - 0.55) * 4, 0, 1)
    return (np.stack([inside, contour]) * 255).astype(np.uint8)


def whole_and_blocks(
    maps: np.ndarray, settings: DecoderSettings, plan: BlockPlan
) -> tuple[np.ndarray, np.ndarray]:
    (whole,) = decode(maps, NAMES, ["mito"], settings, NM)
    out = np.zeros(maps.shape[1:], np.uint32)
    class_of = decode_maps(maps, NAMES, ["mito"], {"mito": settings}, NM, out, plan=plan)
    assert len(class_of) == len(whole.class_of)
    assert out.max() == len(class_of) - 1
    return whole.labels, out


def same_objects(one: np.ndarray, other: np.ndarray) -> bool:
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


@pytest.mark.parametrize("dimension", ["3d", "linked", "2d"])
def test_objects_are_those_of_the_whole_volume(maps: np.ndarray, dimension: str) -> None:
    least = {"min_volume_nm3": 3000.0, "min_area_nm2": 200.0}
    settings = DecoderSettings(kind="components", threshold=0.8, dimension=dimension, **least)  # type: ignore[arg-type]
    if dimension == "3d":
        plan = BlockPlan.boxes(halo=(2, 3, 3), block=(9, 17, 20))
    else:
        plan = BlockPlan((7, 60, 64), (int(dimension == "linked"), 0, 0), (0, 0, 0))
    whole, blocks = whole_and_blocks(maps, settings, plan)
    assert whole.max() > 3
    assert same_objects(whole, blocks)


def test_watershed_across_blocks_finds_nearly_the_same_objects(maps: np.ndarray) -> None:
    settings = DecoderSettings(kind="watershed", min_volume_nm3=3000)
    out = np.zeros(maps.shape[1:], np.uint32)
    plan = BlockPlan.boxes(halo=(8, 12, 12), block=(16, 30, 32))
    decode_maps(maps, NAMES, ["mito"], {"mito": settings}, NM, out, plan=plan)
    (whole,) = decode(maps, NAMES, ["mito"], settings, NM)
    counts = pair_objects(whole.of_class("mito"), out.astype(np.int32)).counts(0.8)
    assert whole.count > 3
    assert counts.hits >= 0.8 * whole.count
    assert counts.extra <= 0.2 * whole.count


@pytest.mark.parametrize(("edge", "goes_on"), [(4, slice(4, 10)), (5, slice(0, 5))])
def test_a_block_that_takes_two_grown_objects_for_one_does_not_join_what_others_told_apart(
    edge: int, goes_on: slice
) -> None:
    apart = np.ones((1, 1, 10, 24), np.float32)
    apart[:, :, edge:] = 2

    def decode_box(box: np.ndarray) -> Segmentation:
        labels = box[0].astype(np.uint32)
        if box.shape[-1] == 12:  # the one in the middle, with its halo
            labels[:] = 1
        number = int(labels.max())
        return Segmentation(labels, ("cell",), np.array([-1, *[0] * number]))

    found = {}
    for mutual in (False, True):
        out = np.zeros(apart.shape[1:], np.uint32)
        plan = BlockPlan((1, 10, 8), (0, 0, 2), (0, 0, 2))
        decode_blocks(apart, out, decode_box, plan, joining=[Joining(mutual=mutual)])
        found[mutual] = out[0]
    assert found[False].max() == 1
    assert found[True].max() == 3
    (upper,), (lower,) = np.unique(found[True][:edge, :8]), np.unique(found[True][edge:, :8])
    assert upper != lower
    # The larger one goes on in the middle, of equal ones the first.
    (one,) = np.unique(found[True][:, 8:16])
    assert one == (lower if goes_on.start else upper)
    assert (found[True][goes_on, 16:] == one).all()


def test_components_stay_whole_beside_a_class_whose_objects_grow() -> None:
    fork = np.zeros((1, 12, 30), bool)
    fork[0, 2, 2:28] = fork[0, 8, 2:28] = fork[0, 2:9, 2] = True  # the first block shows one object
    maps = np.stack([fork, ~fork]).astype(np.float32)
    settings = {
        "vessel": DecoderSettings(kind="components"),
        "cell": DecoderSettings(kind="watershed"),
    }
    out = np.zeros(fork.shape, np.uint32)
    plan = BlockPlan.boxes(halo=(0, 2, 4), block=(1, 12, 10))
    class_of = decode_maps(maps, list(settings), list(settings), settings, NM, out, plan=plan)
    assert (class_of == 0).sum() == 1
    assert np.array_equal(class_of[out] == 0, fork)


def test_classes_keep_their_numbers(maps: np.ndarray) -> None:
    settings = {n: DecoderSettings(kind="argmax") for n in ("mito", "mito contour")}
    out = np.zeros(maps.shape[1:], np.uint32)
    plan = BlockPlan.boxes(halo=(0, 0, 0), block=(9, 17, 20))
    class_of = decode_maps(maps, NAMES, NAMES, settings, NM, out, plan=plan)
    (whole,) = decode(maps, NAMES, NAMES, settings, NM)
    assert class_of.tolist() == [-1, 0, 1]
    assert np.array_equal(out, whole.labels)


def test_function_of_the_user_decodes_block_by_block(maps: np.ndarray, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from scipy import ndimage\n"
        "def process_func(maps, map_names):\n"
        "    return ndimage.label(maps[map_names.index('mito')] > 0.5)[0]\n"
    )
    with pytest.raises(TomoscribeError, match="--trust-function"):
        user_decoder(file, NAMES, NM, trusted=False)
    decode_box = user_decoder(file, NAMES, NM, trusted=True)
    out = np.zeros(maps.shape[1:], np.uint32)
    decode_blocks(maps, out, decode_box, BlockPlan.boxes(halo=(2, 3, 3), block=(9, 17, 20)))
    assert same_objects(ndimage.label(maps[0] > 127.5)[0], out)
    for wrong, told in {
        "maps[0]": "whole numbers",
        "maps.argmax(1)": "of",
        "1 / 0": "Zero",
    }.items():
        file.write_text(f"def decode(maps):\n    return {wrong}\n")
        with pytest.raises(TomoscribeError, match=told):
            user_decoder(file, NAMES, NM, trusted=True)(maps)
