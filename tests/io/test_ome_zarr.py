"""OME-Zarr images of both versions, local and in a bucket."""

from __future__ import annotations

import os

import numpy as np
import pytest
import zarr
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.writer import write_multiscale

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ome_zarr")

FINE = np.arange(4 * 6 * 8, dtype=np.int16).reshape(4, 6, 8)
AXES = [{"name": n, "type": "space", "unit": "nanometer"} for n in "zyx"]


def make(where, version, axes=AXES, lead=(), translation=(0.0, 0.0, 0.0)):
    """Write two resolution levels of `FINE`, 1 nm and 2 nm."""
    fmt = {"0.4": FormatV04(), "0.5": FormatV05()}[version]
    group = zarr.open_group(where, mode="w", zarr_format=fmt.zarr_format)
    pad = [1.0] * len(lead)
    transformations = [
        [
            {"type": "scale", "scale": [*pad, s, s, s]},
            {"type": "translation", "translation": [*(0.0 for _ in pad), *translation]},
        ]
        for s in (1.0, 2.0)
    ]
    levels = [np.broadcast_to(a, (*lead, *a.shape)) for a in (FINE, FINE[::2, ::2, ::2])]
    write_multiscale(levels, group, fmt=fmt, axes=axes, coordinate_transformations=transformations)
    return where


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_finest_level_by_default_others_by_number_or_path(tmp_path, version):
    path = make(tmp_path / "a.zarr", version, translation=(3.0, 2.0, 1.0))
    volume = open_volume(path)
    assert volume.shape_zyx == (4, 6, 8)
    assert volume.voxel_size_A == 10
    assert volume.origin_zyx_A == (30, 20, 10)
    assert volume.notes == ()
    assert np.array_equal(volume.data[1, 2:4], FINE[1, 2:4])
    assert np.array_equal(volume.read(), FINE.astype(np.float32))
    for inner in ("1", "s1" if version == "0.5" else "1"):
        coarse = open_volume(f"{path}::{inner}")
        assert coarse.shape_zyx == (2, 3, 4)
        assert coarse.voxel_size_A == 20
    with pytest.raises(TomoscribeError, match="no resolution level 7; it has 0 to 1"):
        open_volume(f"{path}::7")


def test_leading_axes_are_taken_at_their_first_index(tmp_path):
    axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}, *AXES]
    volume = open_volume(make(tmp_path / "a.zarr", "0.4", axes, lead=(1, 3)))
    assert volume.shape_zyx == (4, 6, 8)
    assert volume.notes == ("The image has 3 along its axis c; the first is read.",)
    assert np.array_equal(volume.data[2], FINE[2])


def test_missing_unit_is_taken_as_angstrom_and_said(tmp_path):
    axes = [{"name": n, "type": "space"} for n in "zyx"]
    path = make(tmp_path / "a.zarr", "0.4", axes)
    volume = open_volume(f"{path}::1")
    assert volume.voxel_size_A == 2
    assert "taken as Å" in volume.notes[0]
    assert open_volume(path).voxel_size_A is None  # A scale of exactly 1 is a placeholder.


def test_folder_that_is_no_zarr_and_lost_level(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(TomoscribeError, match="no zarr image"):
        open_volume(tmp_path / "a.zarr")
    path = make(tmp_path / "b.zarr", "0.5")
    name = next(p for p in path.iterdir() if p.is_dir())
    name.rename(tmp_path / "elsewhere")
    with pytest.raises(TomoscribeError, match="lacks the data"):
        open_volume(path)


@pytest.fixture(scope="module")
def bucket():
    """Address of an empty bucket on a server of our own."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        import s3fs

        s3fs.S3FileSystem(skip_instance_cache=True).mkdir("tomograms")
        yield "s3://tomograms"
    server.stop()


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_image_in_a_bucket_is_read_lazily(bucket, tmp_path, version):
    import s3fs

    local = make(tmp_path / "a.zarr", version)
    s3fs.S3FileSystem(skip_instance_cache=True).put(
        f"{local}{os.sep}", f"tomograms/{version}.zarr/", recursive=True
    )
    volume = open_volume(f"{bucket}/{version}.zarr")
    assert volume.voxel_size_A == 10
    assert np.array_equal(volume.data[3, :, 5], FINE[3, :, 5])
    assert open_volume(f"{bucket}/{version}.zarr::1").voxel_size_A == 20


def test_missing_image_in_a_bucket_is_a_sentence(bucket):
    with pytest.raises(TomoscribeError, match="s3://tomograms/none"):
        open_volume(f"{bucket}/none.zarr")
    with pytest.raises(TomoscribeError, match="s3://nobucket"):
        open_volume("s3://nobucket/none.zarr")


def test_public_bucket_is_read_without_credentials(bucket, tmp_path, monkeypatch):
    import s3fs

    local = make(tmp_path / "a.zarr", "0.5")
    s3fs.S3FileSystem(skip_instance_cache=True, s3_additional_kwargs={"ACL": "public-read"}).put(
        f"{local}{os.sep}", "tomograms/public.zarr/", recursive=True
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    s3fs.S3FileSystem.clear_instance_cache()
    assert open_volume(f"{bucket}/public.zarr").shape_zyx == (4, 6, 8)
