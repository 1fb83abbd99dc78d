"""Images in a bucket, while the network is well and while it is not; a real server on localhost."""

from __future__ import annotations

import os
import threading
import urllib.request

import numpy as np
import pytest
from tests.io.pyramids import write_pyramid
from tests.io.s3_server import served
from tests.project.cells import write_cell

from tomoscribe.errors import TomoscribeError
from tomoscribe.io import remote
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.datasplit import write_rows
from tomoscribe.project.datasplit_make import make_datasplit
from tomoscribe.project.datasplit_samples import read_datasplit

S3_CELLS = "s3://cells/data/{dataset}/{dataset}.zarr/recon-1/{name}"
DATA = np.random.default_rng(0).integers(1, 200, (16, 24, 32), dtype=np.uint8)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    pytest.importorskip("moto.server")
    local = tmp_path_factory.mktemp("s3")
    write_pyramid(local / "a.zarr", DATA, 4, 2, zarr_format=2)
    write_pyramid(local / "b.zarr", DATA, 4, 2, zarr_format=3)
    with served(local, "x/") as server:
        yield server


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch):
    monkeypatch.setattr(remote, "_CACHE", remote._BlockCache(remote.CACHE_BYTES))
    monkeypatch.setattr(remote, "FIRST_PAUSE_S", 0.02)


def test_scale_is_chosen_in_a_bucket_as_on_the_disk_and_patterns_are_found(server):
    for name in ("a", "b"):
        assert open_volume(f"s3://cells/x/{name}.zarr::@8").shape_zyx == (8, 12, 16)
    found = remote.find("s3://cells/*/*.zarr")
    assert found == ["s3://cells/x/a.zarr", "s3://cells/x/b.zarr"]
    assert remote.find("s3://cells/*/*.none") == []


def test_reading_goes_on_when_the_server_comes_back(server, monkeypatch):
    volume = open_volume("s3://cells/x/a.zarr::0")
    assert np.array_equal(volume.data[0:8], DATA[0:8])
    server.stop()
    back = threading.Timer(0.5, server.start)
    back.start()
    # Not one block of the fill value, though the server is away when they are asked for.
    assert np.array_equal(volume.data[8:16], DATA[8:16])
    back.join()


def test_server_that_stays_away_is_one_sentence_and_known_blocks_are_still_there(
    server, monkeypatch
):
    monkeypatch.setattr(remote, "PATIENCE_S", 0.2)
    volume = open_volume("s3://cells/x/b.zarr::0")
    known = volume.data[:8, :8, :8]
    server.stop()
    try:
        assert np.array_equal(volume.data[:8, :8, :8], known)
        with pytest.raises(TomoscribeError, match=r"x/b.zarr cannot be reached.*check the network"):
            volume.data[8:]
        with pytest.raises(TomoscribeError, match="cannot be reached"):
            open_volume("s3://cells/x/a.zarr")
    finally:
        server.start()
    assert np.array_equal(volume.data[8:], DATA[8:])


def test_wrong_bucket_and_refused_access_are_one_sentence_each(server, monkeypatch):
    with pytest.raises(TomoscribeError, match=r"There is no bucket 'cels', of s3://cels/x/a.zarr"):
        open_volume("s3://cels/x/a.zarr")
    with pytest.raises(TomoscribeError, match="There is no bucket 'cels'"):
        remote.find("s3://cels/*/*.zarr")
    with pytest.raises(TomoscribeError, match=r"There is no zarr image at s3://cells/x/none.zarr"):
        open_volume("s3://cells/x/none.zarr")


def test_credentials_that_are_refused_are_one_sentence(server):
    asked = f"{server.settings['AWS_ENDPOINT_URL']}/moto-api/reset-auth"
    post = {"headers": {"Content-Type": "text/plain"}, "method": "POST"}
    urllib.request.urlopen(urllib.request.Request(asked, b"0", **post)).close()
    try:
        with pytest.raises(TomoscribeError) as told:
            open_volume("s3://cells/x/a.zarr")
    finally:
        urllib.request.urlopen(urllib.request.Request(asked, b"inf", **post)).close()
    sentence = "s3://cells/x/a.zarr cannot be read: access is refused with your credentials and "
    assert str(told.value).startswith(sentence + "without any")
    assert open_volume("s3://cells/x/a.zarr").shape_zyx == DATA.shape


def test_block_cache_keeps_to_its_limit():
    cache = remote._BlockCache(100)
    for key in range(10):
        cache.put(key, b"x" * 40)
        assert cache.bytes <= 100
        cache.get(0)
    assert cache.get(9) is not None
    cache.put("large", b"x" * 101)
    assert cache.get("large") is None


def test_crops_in_a_bucket_are_found_and_read_while_the_server_goes_and_comes(
    server, tmp_path, monkeypatch
):
    import s3fs

    monkeypatch.setattr("tomoscribe.project.datasplit_make.S3_SEARCH_PATH", S3_CELLS)
    write_cell(tmp_path / "data", "one", {"crop1": ("mito", "er"), "crop2": ("mito",)})
    s3fs.S3FileSystem(skip_instance_cache=True).put(
        f"{tmp_path / 'data'}{os.sep}", "cells/data/", recursive=True
    )
    csv = tmp_path / "datasplit.csv"
    made = make_datasplit(["mito", "er"], s3=True, csv_path=csv)
    assert [row.crop.rpartition("/")[2] for row in made.rows] == ["crop1", "crop2"]
    assert all(row.raw.startswith("s3://cells/data/one/one.zarr/") for row in made.rows)
    local = make_datasplit(
        ["mito", "er"], search_path=S3_CELLS.replace("s3://cells", str(tmp_path))
    )
    assert [(r.usage, r.classes) for r in local.rows] == [(r.usage, r.classes) for r in made.rows]
    train = {s.name: s for s in read_datasplit(csv, ("mito",)).samples}["one_crop2"]
    (box,) = train.labels.boxes
    server.stop()
    back = threading.Timer(0.5, server.start)
    back.start()
    labels = train.labels.reader.read(*box)
    back.join()
    assert set(np.unique(labels)) == {0, 1}
    write_rows(tmp_path / "local.csv", list(local.rows))
    beside = {s.name: s for s in read_datasplit(tmp_path / "local.csv", ("mito",)).samples}
    assert np.array_equal(beside["one_crop2"].labels.reader.read(*box), labels)
