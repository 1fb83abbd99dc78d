"""TIFF, HDF5 and OME-Zarr open like MRC: lazy, z y x, with a voxel size where they tell it."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import tifffile
import zarr

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_files import count_values, open_label_array
from tomoscribe.io.volumes import is_volume, open_volume, write_mrc

VALUES = np.arange(2 * 3 * 4, dtype=np.uint16).reshape(2, 3, 4)


# TIFF


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_tiff_stack_without_metadata_has_no_voxel_size(tmp_path, compression, byteorder):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, VALUES, compression=compression, byteorder=byteorder, photometric="minisblack"
    )
    volume = open_volume(path)
    assert volume.shape_zyx == (2, 3, 4)
    assert volume.voxel_size_A is None
    assert np.array_equal(volume.data[1, 1:], VALUES[1, 1:])
    assert np.array_equal(volume.read(), VALUES.astype(np.float32))


@pytest.mark.parametrize(
    ("unit", "factor"), [("nm", 10), ("micron", 1e4), ("\\u00B5m", 1e4), ("angstrom", 1)]
)
def test_imagej_unit_and_spacing_tell_the_voxel_size(tmp_path, unit, factor):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, VALUES, imagej=True, resolution=(1 / 1.5, 1 / 1.5),
        metadata={"unit": unit, "spacing": 1.5, "axes": "ZYX"},
    )  # fmt: skip
    assert open_volume(path).voxel_size_A == pytest.approx(1.5 * factor, rel=1e-4)


def test_imagej_without_a_unit_tells_nothing(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, VALUES, imagej=True, metadata={"axes": "ZYX"})
    assert open_volume(path).voxel_size_A is None


def test_ome_tiff_tells_the_voxel_size(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(
        path, VALUES, photometric="minisblack", metadata={
            "axes": "ZYX", "PhysicalSizeX": 0.8, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.8,
            "PhysicalSizeYUnit": "nm", "PhysicalSizeZ": 0.0016,
        },
    )  # fmt: skip
    volume = open_volume(path)
    assert volume.voxel_sizes_zyx_A == pytest.approx((16, 8, 8))
    assert "not cubes" in volume.notes[0]


def test_resolution_tag_is_believed_for_microscopes_not_for_printers(tmp_path):
    fine, coarse = tmp_path / "fine.tif", tmp_path / "coarse.tif"
    for path, per_unit, unit in ((fine, 1e7, "CENTIMETER"), (coarse, 72, "INCH")):
        tifffile.imwrite(
            path, VALUES, photometric="minisblack", resolution=(per_unit, per_unit),
            resolutionunit=unit,
        )  # fmt: skip
    assert open_volume(fine).voxel_size_A == pytest.approx(10)
    assert open_volume(coarse).voxel_size_A is None


def test_real_tiff_with_nanometres(shared):
    volume = open_volume(shared / "data" / "microtubule_cryoet" / "13pf_MT.tif")
    assert volume.shape_zyx == (36, 206, 94)
    assert volume.voxel_size_A == pytest.approx(10.52, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("em_fib25_medulla/raw.tif", (160, 250, 250)),
        ("em_fib25_medulla/labels.tif", (160, 250, 250)),
        ("em_wsu_chloroplast/images.tif", (10, 896, 896)),
        ("em_wsu_chloroplast/plate_sem_2d.tif", (1, 943, 1024)),
        ("tardis_mt_patches/0_0_30_47_25.tif", (96, 96, 96)),
        ("io_conformance/mrc/tardis_lzw.tif", (78, 64, 32)),
    ],
)
def test_real_tiff_without_size_asks_for_it(shared, name, shape):
    volume = open_volume(shared / "data" / name)
    assert volume.shape_zyx == shape
    assert volume.voxel_size_A is None
    assert np.asarray(volume.data[0]).shape == shape[1:]


def test_colour_and_broken_tiff_fail_with_one_sentence(tmp_path):
    tifffile.imwrite(tmp_path / "rgb.tif", np.eye(3, dtype=np.uint8)[None], photometric="rgb")
    with pytest.raises(TomoscribeError, match="several colours"):
        open_volume(tmp_path / "rgb.tif")
    with pytest.raises(TomoscribeError, match="labels are whole numbers"):
        open_volume(tmp_path / "rgb.tif")
    sections = np.zeros((3, 40, 50), np.uint8)
    tifffile.imwrite(tmp_path / "three.tif", sections, photometric="rgb", planarconfig="separate")
    with pytest.raises(TomoscribeError, match=r"if they are sections, .*photometric='minisblack'"):
        open_volume(tmp_path / "three.tif")
    tifffile.imwrite(tmp_path / "three.tif", sections, photometric="minisblack")
    assert open_volume(tmp_path / "three.tif").shape_zyx == (3, 40, 50)
    (tmp_path / "no.tif").write_bytes(b"no tiff at all")
    with pytest.raises(TomoscribeError, match="not a TIFF file"):
        open_volume(tmp_path / "no.tif")


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_of_bits_holds_0_and_1(tmp_path, compression):
    mask = np.zeros((3, 8, 9), bool)
    mask[1, 2:5] = True
    tifffile.imwrite(tmp_path / "mask.tif", mask, compression=compression)
    data = open_volume(tmp_path / "mask.tif").data
    assert data.dtype == bool
    assert np.array_equal(data[...], mask)
    assert count_values(str(tmp_path / "mask.tif")).counts == (216 - 27, 27)
    labels, _ = open_label_array(str(tmp_path / "mask.tif"), (4.0, 4.0, 4.0))
    assert labels.dtype == labels[1].dtype == np.uint8


def test_tiff_in_equal_colours_is_read_as_the_grey_that_it_is(tmp_path):
    stack = np.arange(3 * 8 * 9, dtype=np.uint8).reshape(3, 8, 9)
    place = tmp_path / "grey.tif"
    tifffile.imwrite(place, np.stack([stack] * 3, -1), photometric="rgb")
    assert np.array_equal(open_volume(place).data[...], stack)
    opaque = np.stack([*[stack] * 3, np.full_like(stack, 255)], -1)
    tifffile.imwrite(
        place, opaque, photometric="rgb", compression="zlib", extrasamples=["unassalpha"]
    )
    assert np.array_equal(open_volume(place).data[...], stack)
    # Coloured in a section only that is not looked at when the stack is opened.
    many = np.zeros((9, 8, 9, 3), np.uint8)
    many[2, 0, 0] = 1, 2, 3
    tifffile.imwrite(place, many, photometric="rgb")
    with pytest.raises(TomoscribeError, match="several colours"):
        count_values(str(place))


def test_tiff_of_four_dimensions_is_told_without_letters_of_axes(tmp_path):
    tifffile.imwrite(
        tmp_path / "4d.tif", np.zeros((2, 3, 8, 9), np.uint8), photometric="minisblack"
    )
    with pytest.raises(TomoscribeError, match="four-dimensional: 2 × 3 × 8 × 9"):
        open_volume(tmp_path / "4d.tif")


def test_truncated_tiff_fails_with_one_sentence(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (9, 60, 60), dtype=np.uint8)
    plain, packed = tmp_path / "plain.tif", tmp_path / "packed.tif"
    tifffile.imwrite(plain, noise, photometric="minisblack")
    tifffile.imwrite(packed, noise, photometric="minisblack", compression="zlib")
    for path in (plain, packed):
        path.write_bytes(path.read_bytes()[:-15000])
        with pytest.raises(TomoscribeError, match="cut off"):
            open_volume(path).read()


# HDF5


def test_only_volume_of_an_hdf5_file_is_taken(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("t0/image", data=VALUES[None], chunks=True)
        dataset.attrs["element_size_um"] = [0.002, 0.001, 0.001]
        file["other"] = np.zeros(5)
    volume = open_volume(path)
    assert volume.shape_zyx == (2, 3, 4)
    assert volume.voxel_sizes_zyx_A == pytest.approx((20, 10, 10))
    assert np.array_equal(volume.data[1, :, 1], VALUES[1, :, 1])


def test_hdf5_with_a_likely_name_says_what_it_took(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["raw"], file["labels"] = VALUES, VALUES[:1]
        file.attrs["voxel_size"] = 13.68
    volume = open_volume(path)
    assert volume.shape_zyx == (2, 3, 4)
    assert volume.voxel_size_A == 13.68
    assert any("/raw is read" in note for note in volume.notes)
    assert any("taken as Å" in note for note in volume.notes)
    assert open_volume(f"{path}::/labels").shape_zyx == (1, 3, 4)


def test_hdf5_that_leaves_a_choice_asks_for_it(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["one"], file["two"] = VALUES, VALUES
    with pytest.raises(TomoscribeError, match=r"several volumes \(/one, /two\).*a\.h5::/one"):
        open_volume(path)
    with pytest.raises(TomoscribeError, match="no volume /three"):
        open_volume(f"{path}::/three")


def test_hdf5_without_a_volume_and_broken_hdf5(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["flat"] = np.zeros((4, 4))
    with pytest.raises(TomoscribeError, match="no three-dimensional image"):
        open_volume(tmp_path / "a.h5")
    (tmp_path / "b.h5").write_bytes(b"x" * 100)
    with pytest.raises(TomoscribeError, match="not an HDF5 file"):
        open_volume(tmp_path / "b.h5")


def test_eman_hdf5_tells_its_size(tmp_path):
    with h5py.File(tmp_path / "a.hdf", "w") as file:
        file["MDF/images/0/image"] = VALUES
        for axis in "xyz":
            file["MDF/images/0"].attrs[f"EMAN.apix_{axis}"] = 7.5
    assert open_volume(tmp_path / "a.hdf").voxel_size_A == 7.5


# OME-Zarr, other writers


def test_plain_zarr_array_has_no_size(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=VALUES)
    volume = open_volume(tmp_path / "a.zarr")
    assert np.array_equal(volume.data[...], VALUES)
    assert volume.voxel_size_A is None


def test_zarr_group_without_ome_asks_which_array(tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.create_array("one", data=VALUES)
    assert open_volume(tmp_path / "a.zarr").shape_zyx == (2, 3, 4)
    group.create_array("two", data=VALUES[:1])
    with pytest.raises(TomoscribeError, match="not clear which array"):
        open_volume(tmp_path / "a.zarr")
    assert open_volume(f"{tmp_path}/a.zarr::two").shape_zyx == (1, 3, 4)


# Any format


def test_missing_file_and_unknown_kind(tmp_path):
    with pytest.raises(TomoscribeError, match="There is no file"):
        open_volume(tmp_path / "gone.mrc")
    (tmp_path / "a.doc").write_text("hello")
    with pytest.raises(TomoscribeError, match="not a volume"):
        open_volume(tmp_path / "a.doc")
    with pytest.raises(TomoscribeError, match="not a volume"):
        open_volume(tmp_path)
    with pytest.raises(TomoscribeError, match="not possible"):
        open_volume(tmp_path / "a.mrc", voxel_size_A=-1)


def test_content_tells_where_the_suffix_does_not(tmp_path):
    write_mrc(tmp_path / "a.mrc", VALUES.astype(np.float32), 10)
    (tmp_path / "a.mrc").rename(tmp_path / "tomogram")
    assert is_volume(tmp_path / "tomogram")
    assert open_volume(tmp_path / "tomogram").voxel_size_A == 10
    assert not is_volume(tmp_path / "gone")


def test_nan_voxels_are_counted_in_one_sentence(tmp_path):
    values = VALUES.astype(np.float32)
    values[1, 2, 1:3] = np.nan
    write_mrc(tmp_path / "a.mrc", values, 10)
    volume = open_volume(tmp_path / "a.mrc")
    with pytest.raises(TomoscribeError, match=r"2 of 24 voxels of .*a\.mrc are NaN"):
        volume.read()
