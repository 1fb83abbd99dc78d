import sys

import numpy as np
import pytest
from scipy import ndimage

from tomoscribe.errors import TomoscribeError
from tomoscribe.segmentation import blockwise
from tomoscribe.segmentation.blockwise import BlockPlan, decode_maps
from tomoscribe.segmentation.decoder_settings import DecoderSettings
from tomoscribe.segmentation.decoders import decode, decode_section
from tomoscribe.segmentation.maps import (
    affinities_of,
    affinity_kind,
    map_name,
    maps_of_classes,
    offset_of,
    seen_across,
)
from tomoscribe.segmentation.matching import pair_objects
from tomoscribe.segmentation.mutex import Affinity, fragments
from tomoscribe.segmentation.renumber import without_small
from tomoscribe.segmentation.stored_settings import settings_by_class
from tomoscribe.tasks.voxels.maps import map_specs
from tomoscribe.tasks.voxels.targets import TargetOptions, make_targets

NM = (20.0, 10.0, 10.0)
OFFSETS = ((-20.0, 0, 0), (0, -10.0, 0), (0, 0, -10.0), (0, -40.0, 0), (0, 0, -40.0),
           (0, -30.0, -30.0), (0, 30.0, -30.0), (-80.0, 0, 0))  # fmt: skip
KINDS = ("foreground", *map(affinity_kind, OFFSETS))


def packed(shape: tuple[int, int, int] = (12, 48, 56), objects: int = 12) -> np.ndarray:
    """Cells without gaps, beside a margin of background."""
    rng = np.random.default_rng(5)
    centres = rng.uniform((0, 0, 0), shape, (objects, 3)) * NM
    at = np.stack(np.mgrid[tuple(slice(n) for n in shape)], -1) * np.array(NM)
    labels = np.linalg.norm(at[..., None, :] - centres, axis=-1).argmin(-1) + 1
    labels[:, :, :6] = 0
    return hanging_together(labels)


def hanging_together(labels: np.ndarray) -> np.ndarray:
    parts = np.zeros(labels.shape, np.int32)
    for number in np.unique(labels[labels > 0]):
        found, _ = ndimage.label(labels == number)
        parts[found > 0] = found[found > 0] + parts.max()
    return parts


def maps_of(labels: np.ndarray, noise: float = 0.0, voxel=NM) -> tuple[np.ndarray, tuple[str, ...]]:
    specs = map_specs(["cell"], KINDS)
    options = TargetOptions(voxel_size_zyx_nm=voxel)
    maps, _ = make_targets(labels[None], specs, options)
    rng = np.random.default_rng(1)
    blurred = ndimage.gaussian_filter(rng.normal(size=maps.shape), (0, 0, 1, 1)) / 0.28
    return np.clip(maps + noise * blurred, 0, 1).astype(np.float32), tuple(s.name for s in specs)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


def test_names_tell_where_the_other_voxel_lies():
    names = [map_name(c, k) for c in ("er", "er lumen") for k in KINDS]
    assert affinities_of("er", names) == {map_name("er", affinity_kind(o)): o for o in OFFSETS}
    assert offset_of("er contour") is None
    assert maps_of_classes([*names, "er contour"]) == ["er", "er lumen"]
    assert seen_across(["a", "a affinity 1,-2.5,3 nm"], 1) == ["a", "a affinity -2.5,1,3 nm"]


@pytest.mark.parametrize("dimension", ["3d", "2d", "linked"])
def test_objects_that_touch_come_back_from_their_affinities(dimension):
    truth = packed()
    maps, names = maps_of(truth)
    settings = DecoderSettings(kind="affinities", dimension=dimension)
    for scores in (maps, np.rint(maps * 255).astype(np.uint8)):
        (found,) = decode(scores, names, ["cell"], settings, NM)
        if dimension == "2d":
            # Single voxels of a section belong to what is beside them.
            sections = [without_small(hanging_together(section), 2) for section in truth]
            mine = [np.where(a > 0, b, 0) for a, b in zip(sections, found.labels, strict=True)]
            assert all(same(a, b) for a, b in zip(sections, mine, strict=True))
        elif dimension == "3d":
            assert same(truth, found.labels)
        else:
            assert pair_objects(truth, found.labels.astype(np.int32)).counts(0.5).hits >= 8


def test_far_voxels_that_repel_part_what_a_gap_in_the_border_would_join():
    truth = np.ones((1, 30, 40), np.int32)
    truth[:, :, 20:] = 2
    maps, names = maps_of(truth)
    maps[1:, :, 12:15] = np.where(maps[1:, :, 12:15] < 0.5, 0.4, maps[1:, :, 12:15])
    settings = DecoderSettings(kind="affinities", dimension="2d", joined_from=0.1)
    (joined,) = decode(maps[:4], names[:4], ["cell"], settings, NM)
    (apart,) = decode(maps, names, ["cell"], settings, NM)
    assert joined.count == 1
    assert apart.count == 2


def test_noise_leaves_no_specks_where_parts_have_a_least_size():
    truth = packed()
    maps, names = maps_of(truth, noise=0.25)
    least = 40 * 2000.0
    settings = DecoderSettings(kind="affinities", threshold=0.3, min_seed_nm3=least)
    (found,) = decode(maps, names, ["cell"], settings, NM)
    counts = pair_objects(truth, found.labels.astype(np.int32)).counts(0.7)
    assert counts.average_precision > 0.7
    assert np.bincount(found.labels.ravel())[1:].min() >= 40


def test_maps_enlarged_from_a_lower_resolution_are_decoded_at_that_resolution():
    truth = packed((6, 40, 44))
    maps, names = maps_of(truth)
    large = maps.repeat(3, axis=2).repeat(3, axis=3)[:, :, :-1]
    voxel = (20.0, 10 / 3, 10 / 3)
    (found,) = decode(large, names, ["cell"], DecoderSettings(kind="affinities"), voxel)
    assert same(truth.repeat(3, axis=1).repeat(3, axis=2)[:, :-1], found.labels)


def test_blocks_find_the_objects_of_the_whole_volume():
    truth = packed((20, 48, 56))
    maps, names = maps_of(truth, noise=0.15)
    settings = DecoderSettings(kind="affinities", threshold=0.3, min_seed_nm3=40 * 2000.0)
    (whole,) = decode(maps, names, ["cell"], settings, NM)
    out = np.zeros(truth.shape, np.uint32)
    plan = BlockPlan.boxes(halo=(6, 10, 10), block=(10, 24, 28))
    decode_maps(maps, names, ["cell"], {"cell": settings}, NM, out, plan=plan)
    counts = pair_objects(whole.of_class("cell"), out.astype(np.int32)).counts(0.8)
    assert whole.count >= 8
    assert counts.hits >= 0.8 * whole.count
    assert counts.extra <= 0.2 * whole.count


def test_a_section_across_another_axis_uses_the_affinities_that_lie_in_it():
    truth = packed()
    maps, names = maps_of(truth)
    settings = DecoderSettings(kind="affinities")
    voxel = (NM[1], NM[0], NM[2])
    (found,) = decode_section(maps[:, :, 20], names, ["cell"], settings, voxel, axis=1)
    assert same(truth[:, 20], found.labels[0])


def test_lacking_affinities_are_told_with_what_to_do():
    maps, names = maps_of(packed())
    settings = DecoderSettings(kind="affinities")
    with pytest.raises(TomoscribeError, match=r"train with voxels\.affinity"):
        decode(maps[:1], names[:1], ["cell"], settings, NM)
    flat = [i for i, n in enumerate(names) if not (offset_of(n) or (0,))[0]]
    with pytest.raises(TomoscribeError, match="between sections"):
        decode(maps[flat], [names[i] for i in flat], ["cell"], settings, NM)


@pytest.mark.parametrize(
    ("depth", "offsets", "dimension"),
    [(40, OFFSETS, "3d"), (40, OFFSETS[1:3], "linked"), (4, OFFSETS, "2d")],
)
def test_objects_come_from_affinities_where_no_settings_are_stored(depth, offsets, dimension):
    names = ["cell", "cell contour", *(map_name("cell", affinity_kind(o)) for o in offsets), "er"]
    told = {
        "instances": True, "exclusive": False, "shape_zyx": (depth, 64, 64),
        "voxel_size_zyx_nm": NM,
    }  # fmt: skip
    found = settings_by_class({"er": {"kind": "gone"}}, ["cell", "er"], names, **told)
    assert (found["cell"].kind, found["cell"].dimension) == ("affinities", dimension)
    assert found["er"].kind == "watershed"
    stored = {"cell": {"kind": "components", "threshold": 0.7}}
    assert settings_by_class(stored, ["cell"], names, **told)["cell"].threshold == 0.7


def test_a_missing_package_is_told_with_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "mwatershed", None)
    maps, names = maps_of(packed())
    with pytest.raises(TomoscribeError, match="pip install mwatershed"):
        decode(maps, names, ["cell"], DecoderSettings(kind="affinities"), NM)


@pytest.mark.parametrize("slab", [1, 5])
def test_linked_objects_go_on_from_slab_to_slab_as_in_the_whole_volume(slab, monkeypatch):
    truth = packed((20, 48, 56))
    maps, names = maps_of(truth, noise=0.15)
    monkeypatch.setattr(blockwise, "_SLAB_VOXELS", slab * 48 * 56)
    settings = DecoderSettings(kind="affinities", dimension="linked", min_seed_nm2=1000.0)
    (whole,) = decode(maps, names, ["cell"], settings, NM)
    out = np.zeros(truth.shape, np.uint32)
    decode_maps(maps, names, ["cell"], {"cell": settings}, NM, out)
    assert whole.count >= 8
    assert same(whole.labels, out)


def test_parts_are_those_of_the_algorithm_done_by_hand():
    rng = np.random.default_rng(7)
    shape, offsets = (1, 9, 8), ((0, -1, 0), (0, 0, -1), (0, -2, 0), (0, 2, -2))
    scores = rng.random((4, *shape)).astype(np.float32)
    mask = rng.random(shape) < 0.9
    near = [True, True, False, False]
    given = [Affinity(tuple(map(float, o)), s) for o, s in zip(offsets, scores, strict=True)]
    found = fragments(mask, given, 0.4, 0.6, (1.0, 1.0, 1.0))
    assert same(_by_hand(mask, scores, offsets, near), without_small(found, 2))


def _by_hand(mask, scores, offsets, near) -> np.ndarray:
    """Mutex watershed as the paper tells it, with sets."""
    edges = []
    for index, offset in enumerate(offsets):
        for at in np.ndindex(mask.shape):
            to = tuple(a + o for a, o in zip(at, offset, strict=True))
            inside = all(0 <= t < n for t, n in zip(to, mask.shape, strict=True))
            weight = float(scores[(index, *at)]) - (0.4 if near[index] else 0.6)
            asked = near[index] or all(
                a % 2 == 0 or n == 1 for a, n in zip(at, mask.shape, strict=True)
            )
            if inside and asked and mask[at] and mask[to] and (near[index] or weight < 0):
                edges.append((abs(weight), weight > 0, at, to))
    group = {at: frozenset([at]) for at in np.ndindex(mask.shape)}
    apart: set[frozenset] = set()
    for _, joins, a, b in sorted(edges, key=lambda e: -e[0]):
        one, other = group[a], group[b]
        if one == other or frozenset([one, other]) in apart:
            continue
        if not joins:
            apart.add(frozenset([one, other]))
            continue
        new = one | other
        apart = {frozenset(new if g in (one, other) else g for g in pair) for pair in apart}
        for at in new:
            group[at] = new
    numbers = {g: i + 1 for i, g in enumerate(dict.fromkeys(group.values()))}
    labels = np.zeros(mask.shape, int)
    for at in np.ndindex(mask.shape):
        labels[at] = numbers[group[at]] if len(group[at]) > 1 else 0
    return labels
