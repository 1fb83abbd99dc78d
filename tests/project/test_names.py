"""Every way to a tomogram gives it one name, fit for a file."""

from __future__ import annotations

import pytest

from tomoscribe.project.names import tomogram_stem


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("TS_01.mrc", "TS_01"),
        ("data/TS_01.rec.gz", "TS_01"),
        ("data/TS_01.MRC.bz2", "TS_01"),
        ("x.ome.zarr", "x"),
        ("x.zarr/", "x"),
        ("x.zarr::1", "x_1"),
        ("s3://bucket/deep/x.zarr", "x"),
        ("s3://bucket/x.zarr::0", "x_0"),
        ("data/file.h5::/data/set", "file_data_set"),
        ("TS_1.5apx.mrc", "TS_1.5apx"),
        ("no_suffix", "no_suffix"),
        ("mesh.obj", "mesh"),
        ("sections.txt", "sections"),
        ("tiles.json", "tiles"),
        ("plate.jpeg", "plate"),
        (".mrc", ".mrc"),
    ],
)
def test_stem_of_a_file_an_address_and_a_part(path: str, stem: str) -> None:
    assert tomogram_stem(path) == stem
