"""MRC files of many programs open right, or fail with one sentence."""

from __future__ import annotations

import bz2
import errno
import gzip
import struct
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume, write_mrc

ZERO = (0.0, 0.0, 0.0)

# Read from the headers by hand, with struct: file, shape z y x, type, voxel size, origin z y x.
REAL = [
    ("EMD-3197.map", (20, 20, 20), "float32", 11.4, (0, 0, -22.8)),
    ("EMD-3197.map.bz2", (20, 20, 20), "float32", 11.4, (0, 0, -22.8)),
    ("emd_3197.map.gz", (20, 20, 20), "float32", 11.4, (0, 0, -22.8)),
    ("emd_1832.map.gz", (64, 64, 64), "float32", 5.7, (-182.4, -182.4, -182.4)),
    ("czi_segmask.mrc", (4, 4, 4), "float32", 14.08, ZERO),
    ("czi_small_probability_map.mrc", (2, 2, 2), "float32", None, ZERO),
    ("hiv_tilt_images_zero_voxel.mrc", (4, 240, 232), "float32", None, ZERO),
    ("mode6_FEI2_extheader.mrc", (1, 16, 16), "uint16", 56.79131, ZERO),
    ("pyto_int16_neg_origin.mrc", (20, 30, 40), "int16", 4.0, (-90, -964, -944)),
    # Old header without MAP: bytes unsigned, the z origin is at byte 208.
    ("tardis_2d.rec", (1, 64, 32), "uint8", 23.19995, (4640, 0, 0)),
    ("tardis_imod_int8.rec", (78, 64, 32), "uint8", 23.19995, (4640, 0, 0)),
    ("../../chlamy_empiar11830/atpase.mrc", (64, 64, 64), "float32", 7.84, ZERO),
    ("../../microtubule_cryoet/beta-tubulin.mrc", (20, 20, 20), "float32", 5.144, ZERO),
    (
        "../../thylakoid_membranes/T1S2M15_seg.mrc.gz",
        (79, 199, 206),
        "int8",
        13.68,
        (5923.43018, 7359.83984, 3351.60010),
    ),
    ("../../vesicle_segs/presynaptic_labels.mrc.gz", (60, 155, 155), "int8", 16.84, ZERO),
    ("../../vesicle_segs/tomo22_ves4_seg.mrc.gz", (50, 166, 166), "int8", None, ZERO),
    (
        "../../mito_membranes/TE1_crop.mrc.gz",
        (128, 320, 320),
        "int8",
        12.44,
        (1368.4, 0, 746.4),
    ),
]


@pytest.mark.parametrize(("name", "shape", "dtype", "voxel", "origin"), REAL)
def test_real_file_opens_with_the_values_of_its_header(shared, name, shape, dtype, voxel, origin):
    path = shared / "data" / "io_conformance" / "mrc" / name
    volume = open_volume(path)
    assert volume.shape_zyx == shape
    assert volume.data.dtype == dtype
    assert volume.voxel_size_A == (voxel if voxel is None else pytest.approx(voxel, rel=1e-6))
    assert volume.origin_zyx_A == pytest.approx(origin, abs=1e-3)
    with pytest.warns(RuntimeWarning) if _odd(path) else _nothing():
        reference = mrcfile.open(path, permissive=True).data.reshape(shape)
    read = np.asarray(volume.data[shape[0] // 2])
    assert np.array_equal(read.astype(dtype), reference[shape[0] // 2].astype(dtype))


def _odd(path: Path) -> bool:
    return path.name.startswith(("tardis", "presynaptic", "tomo22"))


def _nothing():
    from contextlib import nullcontext

    return nullcontext()


def test_every_real_mrc_file_is_in_the_list_or_refused(shared):
    names = {p.name for p in (shared / "data" / "io_conformance" / "mrc").iterdir()}
    listed = {name for name, *_ in REAL} | {"header_only.mrc", "tardis_lzw.tif"}
    assert names <= listed


def test_file_with_a_header_only_says_so(shared):
    path = shared / "data" / "io_conformance" / "mrc" / "header_only.mrc"
    with pytest.raises(TomoscribeError, match="holds a header only"):
        open_volume(path)


def test_wrong_z_grid_leaves_the_size_unknown_with_a_hint(shared):
    volume = open_volume(shared / "data" / "mito_membranes" / "TE1.mrc.gz")
    assert volume.shape_zyx == (312, 928, 960)
    assert volume.voxel_size_A is None
    assert volume.hint_A == pytest.approx(12.44)
    with pytest.raises(TomoscribeError, match=r"--voxel-size-A.*12\.44"):
        volume.require_voxel_size()


# Files made here, byte by byte.


def header(
    shape_file: tuple[int, int, int],
    mode: int = 2,
    *,
    order: str = "<",
    cell_xyz: tuple[float, float, float] | None = None,
    grid_xyz: tuple[int, int, int] | None = None,
    start: tuple[int, int, int] = (0, 0, 0),
    axes: tuple[int, int, int] = (1, 2, 3),
    extremes: tuple[float, float] = (0, 0),
    extended: int = 0,
    imod_flags: int | None = None,
    origin_xyz: tuple[float, float, float] = (0, 0, 0),
    stamp: bool = True,
    space_group: int = 1,
) -> bytes:
    nz, ny, nx = shape_file
    sides = {axes[0]: nx, axes[1]: ny, axes[2]: nz}
    grid = grid_xyz or tuple(sides[i] for i in (1, 2, 3))
    cell = cell_xyz or tuple(10.0 * n for n in grid)
    data = bytearray(1024)
    struct.pack_into(order + "10i", data, 0, nx, ny, nz, mode, *start, *grid)
    struct.pack_into(order + "6f", data, 40, *cell, 90, 90, 90)
    struct.pack_into(order + "3i", data, 64, *axes)
    struct.pack_into(order + "3f", data, 76, *extremes, 0)
    struct.pack_into(order + "2i", data, 88, space_group, extended)
    if imod_flags is not None:
        struct.pack_into(order + "2i", data, 152, 1146047817, imod_flags)
    struct.pack_into(order + "3f", data, 196, *origin_xyz)
    if stamp:
        data[208:212] = b"MAP "
        data[212:216] = b"\x44\x44\0\0" if order == "<" else b"\x11\x11\0\0"
    return bytes(data)


def make(path: Path, values: np.ndarray, **fields) -> Path:
    path.write_bytes(
        header(values.shape, **fields) + b"\0" * fields.get("extended", 0) + values.tobytes()
    )
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("mode", "kind"), [(0, "i1"), (1, "i2"), (2, "f4"), (6, "u2"), (12, "f2")])
def test_all_modes_and_byte_orders(tmp_path, mode, kind, order):
    values = np.arange(24).reshape(2, 3, 4).astype(np.dtype(kind).newbyteorder(order))
    volume = open_volume(make(tmp_path / "a.mrc", values, mode=mode, order=order))
    assert volume.voxel_size_A == 10.0
    assert np.array_equal(volume.data[...], values)
    assert volume.read().dtype == np.float32
    assert volume.read().dtype.isnative
    assert np.array_equal(volume.read(), values.astype(np.float32))


def test_big_endian_without_a_stamp_is_recognised(tmp_path):
    values = np.arange(24, dtype=">i2").reshape(2, 3, 4)
    volume = open_volume(make(tmp_path / "a.rec", values, mode=1, order=">", stamp=False))
    assert np.array_equal(volume.data[...], values)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_compressed_files_are_read_whatever_their_suffix(tmp_path, pack):
    values = np.arange(24, dtype="<f4").reshape(2, 3, 4)
    plain = make(tmp_path / "a.mrc", values)
    packed = tmp_path / "b.mrc"
    packed.write_bytes(pack(plain.read_bytes()))
    volume = open_volume(packed)
    assert np.array_equal(volume.data[1, :, 2:], values[1, :, 2:])
    assert np.array_equal(np.asarray(volume.data), values)


@pytest.mark.parametrize("axes", [(1, 2, 3), (3, 2, 1), (2, 1, 3), (1, 3, 2), (3, 1, 2), (2, 3, 1)])
def test_permuted_axes_come_back_as_z_y_x(tmp_path, axes):
    zyx = np.arange(24, dtype="<f4").reshape(2, 3, 4)
    # The file's order is sections, rows, columns; x is 1 in the header and axis 2 here.
    stored = np.ascontiguousarray(zyx.transpose([3 - a for a in reversed(axes)]))
    starts = tuple({1: 7, 2: 5, 3: 3}[a] for a in axes)
    volume = open_volume(
        make(tmp_path / "a.mrc", stored, axes=axes, start=starts, cell_xyz=(40, 30, 20))
    )
    assert volume.shape_zyx == (2, 3, 4)
    assert np.array_equal(volume.data[...], zyx)
    assert volume.origin_zyx_A == (30, 50, 70)


def test_header_origin_wins_over_start(tmp_path):
    values = np.zeros((2, 2, 2), dtype="<f4")
    path = make(tmp_path / "a.mrc", values, start=(1, 1, 1), origin_xyz=(1.5, 0, 3173.75))
    assert open_volume(path).origin_zyx_A == (3173.75, 0, 1.5)


def test_extended_header_is_skipped(tmp_path):
    values = np.arange(8, dtype="<f4").reshape(2, 2, 2)
    assert np.array_equal(
        open_volume(make(tmp_path / "a.mrc", values, extended=768)).data[...], values
    )


@pytest.mark.parametrize(("flags", "kind"), [(0, "u1"), (1, "i1")])
def test_imod_flag_tells_whether_bytes_are_signed(tmp_path, flags, kind):
    values = np.full((2, 2, 2), 200, dtype="u1")
    volume = open_volume(make(tmp_path / "a.rec", values, mode=0, imod_flags=flags))
    assert volume.data.dtype == kind


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cell_xyz": (0, 0, 0)}, "cannot be true"),
        ({"cell_xyz": (4, 3, 2)}, "placeholder"),
        ({"cell_xyz": (float("nan"), 30, 20)}, "cannot be true"),
        ({"grid_xyz": (4, 3, 1), "cell_xyz": (40, 30, 20)}, "grid along z is 1"),
        ({"grid_xyz": (0, 0, 0), "cell_xyz": (40, 30, 20)}, "cannot be true"),
    ],
)
def test_sizes_that_cannot_be_believed_are_unknown(tmp_path, fields, words):
    path = make(tmp_path / "a.mrc", np.zeros((2, 3, 4), dtype="<f4"), **fields)
    volume = open_volume(path)
    assert volume.voxel_size_A is None
    assert any(words in note for note in volume.notes)
    with pytest.raises(TomoscribeError, match="--voxel-size-A"):
        volume.require_voxel_size()
    assert open_volume(path, voxel_size_A=8.0).require_voxel_size() == 8.0


def test_voxels_that_are_no_cubes_are_noted(tmp_path):
    path = make(tmp_path / "a.mrc", np.zeros((2, 3, 4), dtype="<f4"), cell_xyz=(40, 30, 60))
    volume = open_volume(path)
    assert volume.voxel_size_A == 10.0
    assert volume.voxel_sizes_zyx_A == (30, 10, 10)
    assert "not cubes" in volume.notes[0]


def test_users_voxel_size_wins_and_scales_the_start(tmp_path):
    path = make(tmp_path / "a.mrc", np.zeros((2, 3, 4), dtype="<f4"), start=(1, 0, 0))
    volume = open_volume(path, voxel_size_A=20)
    assert volume.voxel_size_A == 20
    assert volume.origin_zyx_A == (0, 0, 20)
    assert "replaced by 20" in volume.notes[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cut off"),
        (b"not an mrc file" * 100, "not an MRC file"),
        (header((2, 2, 2), 4) + bytes(64), "Fourier transform"),
        (header((2, 2, 2), 101) + bytes(64), "4-bit"),
        (header((2, 2, 2), 0, imod_flags=16) + bytes(64), "4-bit"),
        (header((2, 2, 2), 3) + bytes(64), "Fourier transform"),
        (header((2, 2, 2), 16) + bytes(64), "colours"),
        (header((2, 2, 2)) + bytes(31), "cut off"),
        (header((2, 2, 2)), "header only"),
        (header((-2, 2, 2)) + bytes(64), "makes no sense"),
        (header((2, 2, 2), axes=(1, 1, 3), grid_xyz=(2, 2, 2)) + bytes(64), "names its axes"),
        (header((4, 2, 2), space_group=401, grid_xyz=(2, 2, 2)) + bytes(64), "several volumes"),
    ],
)
def test_broken_file_fails_with_one_sentence(tmp_path, content, words):
    path = tmp_path / "broken.mrc"
    path.write_bytes(content)
    with pytest.raises(TomoscribeError, match=words) as caught:
        open_volume(path)
    assert "broken.mrc" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
@pytest.mark.parametrize("extra", [b"", b"more than the header promises"])
def test_damaged_archive_never_gives_wrong_voxels(tmp_path, pack, extra):
    plain = tmp_path / "plain.mrc"
    values = np.random.default_rng(0).integers(-9, 9, (4, 20, 20)).astype(np.int16)
    write_mrc(plain, values, 10)
    packed = pack(plain.read_bytes() + extra)
    path = tmp_path / "a.mrc.gz"
    refused = 0
    # The first ten bytes are gzip's time and system: no checksum guards them, no voxel needs them.
    for place in range(10, len(packed), 23):
        damaged = bytearray(packed)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        try:
            found = np.asarray(open_volume(path).data)
        except TomoscribeError:
            refused += 1
        else:
            np.testing.assert_array_equal(found, values)  # A bit that nothing is read from.
    assert refused > 0.9 * len(range(10, len(packed), 23))


def test_truncated_gzip_fails_with_one_sentence_when_it_is_read(tmp_path):
    values = np.random.default_rng(0).random((8, 64, 64), dtype=np.float32)
    plain = make(tmp_path / "a.mrc", values)
    path = tmp_path / "a.mrc.gz"
    path.write_bytes(gzip.compress(plain.read_bytes())[:-5000])
    volume = open_volume(path)
    with pytest.raises(TomoscribeError, match="cut off"):
        volume.data[0]


def test_no_room_to_unpack_is_a_sentence_and_can_be_tried_again(tmp_path, monkeypatch):
    path = tmp_path / "a.mrc.gz"
    plain = make(tmp_path / "a.mrc", np.ones((2, 2, 2), "<f4"))
    path.write_bytes(gzip.compress(plain.read_bytes()))
    volume = open_volume(path)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.posix_fallocate", full)
        with pytest.raises(TomoscribeError, match=r"a\.mrc\.gz cannot be unpacked.*TMPDIR"):
            volume.data[0]
    assert volume.data[0].sum() == 4


def test_opening_reads_no_voxels(tmp_path):
    path = tmp_path / "huge.mrc"
    with path.open("wb") as file:
        file.write(header((20000, 10000, 10000)))
        file.truncate(1024 + 4 * 20000 * 10000 * 10000)  # Sparse: 8 TB that are not there.
    volume = open_volume(path)
    assert volume.shape_zyx == (20000, 10000, 10000)
    assert volume.data[19999, 5, :3].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("kind", "stored"),
    [("i1", "i1"), ("b1", "i1"), ("i2", "i2"), ("u1", "u2"), ("u2", "u2"), ("f2", "f2"),
     ("f4", "f4"), ("f8", "f4"), ("i4", "f4")],
)  # fmt: skip
def test_written_file_is_valid_and_comes_back(tmp_path, kind, stored):
    values = (np.arange(24).reshape(2, 3, 4) % 2).astype(kind)
    path = tmp_path / "out.mrc"
    write_mrc(path, values, 13.68, (3173.75, 2.0, 1.0))
    assert mrcfile.validate(path)
    volume = open_volume(path)
    assert volume.data.dtype == stored
    assert np.array_equal(volume.data[...], values)
    assert volume.voxel_size_A == pytest.approx(13.68)
    assert volume.origin_zyx_A == pytest.approx((3173.75, 2.0, 1.0))
    assert volume.notes == ()


def test_large_volume_is_written_in_slabs(tmp_path, monkeypatch):
    monkeypatch.setattr("tomoscribe.io.mrc_write._SLAB_BYTES", 64)
    values = np.random.default_rng(0).normal(5, 2, (7, 3, 4)).astype(np.float32)
    write_mrc(tmp_path / "out.mrc", values, 10)
    with mrcfile.open(tmp_path / "out.mrc") as file:
        assert np.array_equal(file.data, values)
        assert file.header.dmean == pytest.approx(values.mean(), rel=1e-5)
        assert file.header.rms == pytest.approx(values.std(), rel=1e-5)


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "out.mrc"
    path.write_bytes(b"old")

    class Broken:
        shape = (2, 2, 2)
        dtype = np.dtype("f4")

        def __getitem__(self, key):
            raise TomoscribeError("gone")

    with pytest.raises(TomoscribeError, match="gone"):
        write_mrc(path, Broken(), 10)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.mrc"]


@pytest.mark.parametrize(
    ("name", "shape", "voxel"),
    [("a.mrc.gz", (2, 2, 2), 1), ("a.mrc", (2, 2), 1), ("a.mrc", (2, 2, 2), 0)],
)
def test_what_cannot_be_written_is_a_sentence(tmp_path, name, shape, voxel):
    with pytest.raises(TomoscribeError, match=r"a\.mrc"):
        write_mrc(tmp_path / name, np.zeros(shape, np.float32), voxel)
    assert list(tmp_path.iterdir()) == []
