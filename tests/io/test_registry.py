"""Viewer, command line and training agree on what a path is."""

from __future__ import annotations

import numpy as np
import pytest

from tomoscribe.io.registry import kind_of
from tomoscribe.io.volumes import write_mrc


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mrc", "volume"),
        ("a.rec.gz", "volume"),
        ("a.TIF", "volume"),
        ("a.h5", "volume"),
        ("a.star", "picks"),
        ("a.csv", "picks"),
        ("a.ckpt", "checkpoint"),
        ("a.doc", None),
    ],
)
def test_files_by_suffix(tmp_path, name, kind):
    (tmp_path / name).touch()
    assert kind_of(tmp_path / name) == kind


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (["project.yaml"], "project"),
        (["config.yaml", "events.jsonl"], "run"),
        (["config.yaml", "status.json"], "run"),
        (["train/a.mrc"], "training folder"),
        ([".zattrs"], "volume"),
        (["zarr.json"], "volume"),
        (["readme.txt"], None),
    ],
)
def test_folders_by_what_is_in_them(tmp_path, files, kind):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert kind_of(tmp_path) == kind


def test_content_addresses_and_missing_files(tmp_path):
    write_mrc(tmp_path / "a.mrc", np.ones((2, 2, 2), np.float32), 10)
    (tmp_path / "a.mrc").rename(tmp_path / "noname")
    assert kind_of(tmp_path / "noname") == "volume"
    assert kind_of("s3://bucket/a.zarr") == "volume"
    assert kind_of(f"{tmp_path}/a.h5::/raw") == "volume"
    assert kind_of(tmp_path / "gone.mrc") is None
