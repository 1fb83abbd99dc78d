"""Multiscale images as the CellMap toolbox lays them out: levels by nm, translations, labels."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from tests.io.pyramids import write_pyramid

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.multiscale_labels import Frame, MultiscaleLabels

RAMP = np.broadcast_to(np.arange(32, dtype=np.uint8) * 4, (16, 24, 32))
"""At 4 nm; each voxel's value is its x edge in nm over 4, times 4."""


def world_x(volume):
    """Return the centres in nm of the voxels along x, by what the volume says of itself."""
    _, _, n = volume.shape_zyx
    return volume.origin_zyx_A[2] / 10 + np.arange(n) * volume.voxel_sizes_zyx_A[2] / 10


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_scale_chooses_the_level_and_keeps_the_place_in_the_world(tmp_path, zarr_format):
    path = write_pyramid(tmp_path / "a.zarr", RAMP, 4, 3, (400, 0, 80), zarr_format=zarr_format)
    for scale, shape, read in [
        ("8", (8, 12, 16), 8),
        ("8,8,8", (8, 12, 16), 8),
        ("8.05", (8, 12, 16), 8),  # within one per cent
        ("6", (11, 16, 21), 6),
        ("16,4,4", (4, 24, 32), None),
    ]:
        volume = open_volume(f"{path}::@{scale}")
        assert volume.shape_zyx == shape
        if read is not None:
            assert volume.voxel_size_A == pytest.approx(read * 10, rel=0.01)
        # The ramp rises by 1 a nm from the first voxel's centre, 80 nm: so values tell places.
        inner = slice(2, -2)
        row = volume.data[1, 1].astype(float)
        assert row[inner] == pytest.approx(world_x(volume)[inner] - 80, abs=0.6)
    assert open_volume(f"{path}::@8").origin_zyx_A == (4020, 20, 820)


def test_resampled_image_is_the_same_whatever_part_is_read(tmp_path):
    rng = np.random.default_rng(0)
    data = rng.integers(0, 255, (21, 22, 23), dtype=np.uint8)
    path = write_pyramid(tmp_path / "a.zarr", data, 4, 1)
    volume = open_volume(f"{path}::@5,6,9")
    whole = volume.data[...]
    assert whole.shape == volume.shape_zyx == (17, 15, 10)
    assert whole.dtype == np.uint8
    assert np.array_equal(volume.data[3], whole[3])
    assert np.array_equal(volume.data[2:9:3, ..., ::-2], whole[2:9:3, ..., ::-2])
    assert np.array_equal(volume.data[-1, [0, 4], 2:4], whole[-1, [0, 4], 2:4])
    assert abs(float(whole.mean()) - float(data.mean())) < 1
    labels = open_volume(f"{path}::@5,6,9:nearest").data[...]
    assert np.isin(labels, data).all()


def test_what_cannot_be_chosen_is_said(tmp_path):
    zarr.create_group(tmp_path / "a.zarr", zarr_format=2)
    path = write_pyramid(tmp_path / "a.zarr" / "em", RAMP, 4, 2)
    assert open_volume(f"{tmp_path / 'a.zarr'}::em@8").voxel_size_A == 80
    with pytest.raises(TomoscribeError, match=r"names no voxel size.*::@8,8,8"):
        open_volume(f"{path}::@8,8")
    plain = zarr.create_group(tmp_path / "plain.zarr")
    plain.create_array("a", data=np.array(RAMP))
    with pytest.raises(TomoscribeError, match="no multiscale metadata"):
        open_volume(f"{tmp_path / 'plain.zarr'}::@8")
    (tmp_path / "old.n5").mkdir()
    (tmp_path / "old.n5" / "attributes.json").write_text('{"n5": "2.0.0"}')
    (tmp_path / "unnamed").mkdir()
    (tmp_path / "unnamed" / "attributes.json").write_text('{"blockSize": [64, 64, 64]}')
    (tmp_path / "old.n5" / "em").mkdir()
    for place in ("old.n5", "old.n5/em", "unnamed"):
        with pytest.raises(TomoscribeError, match=f"{place} is n5.*convert it to OME-Zarr"):
            open_volume(tmp_path / place)


def test_labels_of_a_crop_lie_where_their_translations_say_and_lacking_ones_are_unknown(tmp_path):
    raw = write_pyramid(tmp_path / "raw.zarr", np.zeros((20, 20, 20), np.uint8), 8, 2)
    mito = np.zeros((8, 8, 8), np.uint64)
    mito[2:4, 2:4, 2:4] = 2**40 + 7  # an id beyond 32 bits
    crop = tmp_path / "crop"
    # At 4 nm, twice as fine as the image; its first voxel's low edge is at (32, 16, 64) nm.
    write_pyramid(crop / "mito", mito, 4, 1, tuple(e - 4 + 2 for e in (32, 16, 64)))
    er = np.full((4, 4, 4), 255, np.uint8)
    er[0], er[1] = 0, 1
    encoding = {"cellmap": {"annotation": {"annotation_type": {"encoding": {"unknown": 255}}}}}
    write_pyramid(crop / "er", er, 8, 1, (32, 16, 64), attributes=encoding)
    image = open_volume(f"{raw}::@8")
    labels = MultiscaleLabels.of_crop(str(crop), ("mito", "nuc", "er"), Frame.of(image))
    # mito covers voxels 4..7, 2..5, 8..11 of the image (edges at half voxels), er the same.
    assert labels.box == ((4, 2, 8), (8, 6, 12))
    read = labels.read((3, 1, 7), (9, 7, 13))
    assert read.shape == (3, 6, 6, 6)
    assert read.dtype == np.int32
    inside = read[:, 1:5, 1:5, 1:5]
    assert (inside[0] == 0).sum() == 63
    assert inside[0, 1, 1, 1] > 0
    assert (read[1] == UNKNOWN).all()
    assert (inside[2, 0] == 0).all()
    assert (inside[2, 1] == 1).all()
    assert (inside[2, 2:] == UNKNOWN).all()
    outside = np.ones(read.shape, bool)
    outside[:, 1:5, 1:5, 1:5] = False
    assert (read[outside] == UNKNOWN).all()
    assert (labels.read((-5, -5, -5), (-1, -1, -1)) == UNKNOWN).all()


def test_crop_that_lies_beside_its_image_is_refused(tmp_path):
    raw = write_pyramid(tmp_path / "raw.zarr", np.zeros((4, 4, 4), np.uint8), 8, 1)
    write_pyramid(tmp_path / "crop" / "mito", np.ones((4, 4, 4), np.uint8), 8, 1, (800, 0, 0))
    with pytest.raises(TomoscribeError, match=r"crop.*lies outside of its image"):
        MultiscaleLabels.of_crop(
            str(tmp_path / "crop"), ("mito",), Frame.of(open_volume(f"{raw}::@8"))
        )
