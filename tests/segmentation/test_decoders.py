import math

import numpy as np
import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.segmentation import watershed
from tomoscribe.segmentation.decoder_settings import (
    DecoderSettings,
    default_settings,
    presets,
)
from tomoscribe.segmentation.decoders import decode, decode_section

NM = (40.0, 4.0, 4.0)


def touching_discs(depth: int = 3) -> np.ndarray:
    """Two discs that touch, with the contour between them: maps (2, z, y, x) of 0..1."""
    y, x = np.mgrid[:40, :60]
    d = [np.hypot(y - 20, x - c) for c in (18, 40)]
    foreground = np.clip(1.2 - np.minimum(*d) / 20, 0, 1)
    contour = np.clip(1 - np.abs(np.minimum(*d) - 11) / 2, 0, 1)
    return np.stack([np.stack([m] * depth) for m in (foreground, contour)]).astype(np.float32)


def objects(maps: np.ndarray, settings: DecoderSettings) -> np.ndarray:
    (result,) = decode(maps, ("mito", "mito contour"), ("mito",), settings, NM)
    assert result.labels.dtype == np.uint32
    return result.labels


@pytest.mark.parametrize("dimension", ["2d", "linked", "3d"])
def test_touching_objects_are_parted_by_their_contour_and_keep_their_whole_area(dimension):
    maps = touching_discs()
    one = objects(maps, DecoderSettings(kind="components", dimension="3d"))
    two = objects(maps, DecoderSettings(kind="watershed", dimension=dimension, seed_threshold=0.6))

    assert one.max() == 1
    assert two.max() == {"2d": 6, "linked": 2, "3d": 2}[dimension]
    assert np.array_equal(two > 0, one > 0)
    assert two[1, 20, 18] != two[1, 20, 40]


def test_maps_of_uint8_give_the_same_objects_as_the_floats_they_stand_for():
    maps = np.rint(touching_discs() * 255).astype(np.uint8)
    settings = DecoderSettings(threshold=0.8, seed_threshold=0.9)
    assert np.array_equal(
        objects(maps, settings), objects((maps / 255).astype(np.float32), settings)
    )


def test_least_sizes_are_in_nm_whatever_the_voxels_are():
    maps = np.zeros((1, 2, 30, 30), dtype=np.float32)
    maps[0, :, 2:12, 2:12] = maps[0, 0, 20:25, 20:25] = 1.0  # 200 and 25 voxels of 640 nm³
    names, classes = ("a",), ("a",)

    def count(voxel: tuple[float, float, float], **sizes: float) -> int:
        settings = DecoderSettings(kind="components", **sizes)
        return decode(maps, names, classes, settings, voxel)[0].count

    assert count(NM, min_volume_nm3=25 * 640) == 2
    assert count(NM, min_volume_nm3=25 * 640 + 1) == 1
    assert count((80.0, 4.0, 4.0), min_volume_nm3=25 * 640 + 1) == 2
    assert count(NM, dimension="2d", min_area_nm2=25 * 16) == 3
    assert count(NM, dimension="2d", min_area_nm2=25 * 16 + 1) == 2


def test_an_object_of_just_the_least_size_stays_whatever_the_voxels_are():
    maps = np.zeros((1, 5, 6, 7), np.float32)
    maps[0, 1:4, 1:5, 1:6] = 1  # 60 voxels
    for edges in ((4.0, 3.3, 3.3), (4.0, 7.9, 7.9), (5.0, 1.368, 1.368)):
        settings = DecoderSettings(kind="components", min_volume_nm3=60 * math.prod(edges))
        (found,) = decode(maps, ("mito",), ("mito",), settings, edges)
        assert found.count == 1
        more = settings.model_copy(update={"min_volume_nm3": 61 * math.prod(edges)})
        assert decode(maps, ("mito",), ("mito",), more, edges)[0].count == 0


def test_exclusive_classes_share_one_volume_and_background_is_none_of_them():
    maps = np.zeros((2, 1, 4, 4), dtype=np.float32)
    maps[0, 0, :, 0], maps[1, 0, :, 0] = 0.3, 0.4  # neither beats the rest of 0.3 but the second
    maps[0, 0, :, 1], maps[1, 0, :, 1] = 0.6, 0.3
    maps[0, 0, :, 2], maps[1, 0, :, 2] = 0.2, 0.2  # background 0.6
    for scores in (maps, np.rint(maps * 255).astype(np.uint8)):
        (one,) = decode(scores, ("a", "b"), ("a", "b"), DecoderSettings(kind="argmax"), NM)
        assert one.labels[0, 0].tolist() == [2, 1, 0, 0]
        assert one.class_of.tolist() == [-1, 0, 1]

    settings = DecoderSettings(kind="threshold", threshold=0.3)
    a, b = decode(maps, ("a", "b"), ("a", "b"), settings, NM, exclusive=False)
    assert (a.labels[0, 0] > 0).tolist() == [True, True, False, False]
    assert (b.labels[0, 0] > 0).tolist() == [True, True, False, False]


def test_a_class_without_voxels_keeps_its_number_and_each_object_knows_its_class():
    maps = np.zeros((3, 1, 20, 20), dtype=np.float32)
    maps[2, 0, 2:6, 2:6] = maps[2, 0, 10:14, 10:14] = 1.0
    settings = {
        "a": DecoderSettings(kind="threshold"),
        "b": DecoderSettings(kind="threshold"),
        "c": DecoderSettings(kind="components"),
    }
    (one,) = decode(maps, ("a", "b", "c"), ("a", "b", "c"), settings, NM)
    assert one.class_of.tolist() == [-1, 0, 1, 2, 2]
    assert sorted(np.unique(one.labels)) == [0, 3, 4]
    assert one.of_class("c").max() == 4
    assert not one.of_class("a").any()


def test_seeds_deep_inside_part_what_the_contour_does_not():
    y, x = np.mgrid[:40, :60]
    distance = np.maximum(*(np.clip(1 - np.hypot(y - 20, x - c) / 12, 0, 1) for c in (18, 38)))
    maps = np.stack([distance > 0, np.zeros_like(distance), distance])[:, None].astype(np.float32)
    names = ("mito", "mito contour", "mito distance")
    (apart,) = decode(maps, names, ("mito",), DecoderSettings(kind="watershed_distance"), NM)
    (joined,) = decode(maps, names, ("mito",), DecoderSettings(kind="watershed"), NM)
    assert (apart.count, joined.count) == (2, 1)
    with pytest.raises(TomoscribeError, match="no map of distances"):
        decode(maps[:2], names[:2], ("mito",), DecoderSettings(kind="watershed_distance"), NM)


def test_the_section_in_view_looks_as_in_the_decoded_volume():
    maps = touching_discs()
    settings = default_settings("instance", "3d", NM)
    (section,) = decode_section(maps[:, 1], ("mito", "mito contour"), ("mito",), settings, NM)
    (whole,) = decode(maps, ("mito", "mito contour"), ("mito",), settings, NM)
    assert section.count == whole.count == 2
    # Only where both objects are equally near may they differ.
    assert np.mean(section.labels[0] != whole.labels[1]) < 0.02


def test_a_large_volume_is_flooded_slab_by_slab_to_the_same_objects(monkeypatch):
    maps = touching_discs(24)
    maps[1, 3:] = 1.0  # all seeds lie in the first sections
    whole = objects(maps, DecoderSettings())
    monkeypatch.setattr(watershed, "SLAB_VOXELS", 4 * 40 * 60)
    slabs = objects(maps, DecoderSettings())
    assert whole.max() == slabs.max() == 2
    assert np.array_equal(whole > 0, slabs > 0)
    assert np.mean(whole != slabs) < 0.01


def test_an_object_that_winds_through_the_slabs_is_flooded_to_its_end(monkeypatch):
    mask = np.zeros((24, 3, 40), bool)
    for turn, x in enumerate(range(2, 38, 4)):
        mask[1:23, 1, x] = True
        mask[22 if turn % 2 else 1, 1, x : min(x + 5, 35)] = True
    seeds = np.zeros(mask.shape, np.int32)
    seeds[20, 1, 2], seeds[18, 1, 2] = 1, 2
    monkeypatch.setattr(watershed, "SLAB_VOXELS", 6 * 40)
    flooded = watershed.grow_seeds(mask, seeds, np.ones(mask.shape, np.float32))
    assert np.array_equal(flooded > 0, mask)


def test_presets_are_the_four_buttons_in_physical_units():
    four = presets((10.0, 5.0, 5.0))
    assert list(four) == ["Semantic2D", "Semantic3D", "Instance2D", "Instance3D"]
    assert four["Instance2D"].min_area_nm2 == 1024 * 25
    assert four["Instance3D"].min_seed_nm3 == 32 * 250
    assert "min_seed_nm3" not in four["Instance2D"].in_use()
    assert "contour_threshold" in four["Instance3D"].in_use()
    # A single map has no contour, as in its Semantic2D.
    disc = touching_discs()[:1]
    (found,) = decode(disc, ("mito",), ("mito",), four["Semantic2D"], (1.0, 1.0, 1.0))
    assert found.count == 0 or found.labels.max() == found.count


def test_what_between_raises_ends_the_work():
    class Stopped(Exception):
        pass

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        decode(touching_discs(), ("m", "m contour"), ("m",), DecoderSettings(), NM, between=stop)
    with pytest.raises(TomoscribeError, match="no map of class 'er'"):
        decode(touching_discs(), ("m", "m contour"), ("er",), DecoderSettings(), NM)
