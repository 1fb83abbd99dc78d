from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.file import project_revision, read_project_file
from tomoscribe.project.painted import PaintedLabels
from tomoscribe.project.store import Project
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.segmentation.painted_values import FIRST_OBJECT

SHAPE = (6, 600, 300)


def test_strokes_come_back_and_empty_chunks_take_no_file(tmp_path: Path) -> None:
    labels = PaintedLabels(tmp_path, "TS_1", SHAPE)
    expected = np.zeros(SHAPE, np.uint16)
    rng = np.random.default_rng(0)
    for _ in range(30):
        lo = tuple(int(v) for v in rng.integers(0, np.array(SHAPE) - (2, 90, 90)))
        box = tuple(slice(a, a + n) for a, n in zip(lo, (2, 90, 90), strict=True))
        expected[box] = rng.integers(0, 4)
        labels.write((lo[0], lo[1], lo[2]), expected[box])
    again = PaintedLabels(tmp_path, "TS_1", read_only=True)
    assert again.shape_zyx == SHAPE
    assert np.array_equal(again.read((0, 0, 0), SHAPE), expected)
    # Beyond the volume there is nothing.
    assert not again.read((-1, -5, 290), (0, 0, 320)).any()
    assert again.counts() == {v: int((expected == v).sum()) for v in (1, 2, 3)}
    held = {box[0] for box in again.boxes()}
    for z, y, x in np.ndindex(6, 3, 2):
        lo = (z, y * 256, x * 256)
        painted = expected[z, lo[1] : lo[1] + 256, lo[2] : lo[2] + 256].any()
        assert (lo in held) == bool(painted)
    labels.write((0, 0, 0), np.zeros(SHAPE, np.uint16))
    assert labels.boxes() == []
    assert not list(labels.path.rglob("*/*/*/*"))


def test_only_touched_chunks_are_written_then_the_revision_counts(tmp_path: Path) -> None:
    labels = PaintedLabels(tmp_path, "TS_1", SHAPE)
    labels.write((0, 0, 0), np.full((6, 10, 10), 2))
    before = {p: p.stat().st_mtime_ns for p in labels.path.rglob("*") if p.is_file()}
    revision = labels.revision
    labels.write((3, 4, 4), np.full((1, 2, 2), 1))
    labels.write((3, 4, 4), np.full((1, 2, 2), 1))  # no change
    changed = {p for p, t in before.items() if p.stat().st_mtime_ns != t}
    assert {p.relative_to(labels.path).as_posix() for p in changed} == {"0/3/0/0", "revision"}
    assert labels.revision == revision + 1
    with pytest.raises(TomoscribeError, match="not inside"):
        labels.write((3, 599, 4), np.full((1, 2, 2), 1))
    for wrong in (-1, 65536):
        with pytest.raises(TomoscribeError, match="from 0 to 65535"):
            labels.write((3, 4, 4), np.full((1, 2, 2), wrong))
    assert (labels.read((3, 4, 4), (4, 6, 6)) == 1).all()
    assert labels.revision == revision + 1
    with pytest.raises(TomoscribeError, match="reading only"):
        PaintedLabels(tmp_path, "TS_1", read_only=True).write((0, 0, 0), np.ones((1, 1, 1)))
    with pytest.raises(TomoscribeError, match=r"6 × 600 × 300.*6 × 600 × 301"):
        PaintedLabels(tmp_path, "TS_1", (6, 600, 301))


def test_other_programs_open_the_labels(tmp_path: Path) -> None:
    labels = PaintedLabels(tmp_path, "TS_1", SHAPE, (40.0, 8.0, 8.0))
    labels.write((2, 200, 250), np.full((3, 90, 40), FIRST_OBJECT))
    whole = labels.read((0, 0, 0), SHAPE)
    assert np.array_equal(zarr.open(labels.path / "0", mode="r")[...], whole)
    volume = open_volume(labels.path)
    assert volume.voxel_sizes_zyx_A == (40.0, 8.0, 8.0)
    assert np.array_equal(volume.data[...], whole)


def test_a_killed_writer_leaves_whole_strokes_and_no_rubbish(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from tomoscribe.project.painted import PaintedLabels\n"
        f"labels = PaintedLabels(Path({str(tmp_path)!r}), 'TS_1', {SHAPE})\n"
        "rng = np.random.default_rng(1)\n"
        "for n in range(1, 10_000):\n"
        "    noise = rng.integers(2, 9, (4, 256, 256))\n"
        "    noise[:, 0, 0] = 2 + n % 60\n"
        "    labels.write((0, 0, 0), noise)\n"
        "    print(n, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    written = 0
    for line in process.stdout:
        written = int(line)
        if written == 5:
            process.send_signal(signal.SIGKILL)
    process.wait()
    labels = PaintedLabels(tmp_path, "TS_1")
    corners = set(labels.read((0, 0, 0), (4, 1, 1)).ravel().tolist())
    # The stroke under way may be there in part, by whole chunks.
    assert corners <= {2 + written % 60, 3 + written % 60}
    assert labels.revision >= written
    left = [p.name for p in labels.path.rglob(".*")]
    assert sorted(left) == [".zarray", ".zattrs", ".zgroup"]


def test_objects_are_known_before_they_are_painted(tmp_path: Path) -> None:
    labels = PaintedLabels(tmp_path, "TS_1", SHAPE)
    first, second = labels.add_objects(2), labels.add_objects(3, 2)
    assert (first, second) == ([64], [65, 66])
    labels.set_objects({65: 2})
    again = PaintedLabels(tmp_path, "TS_1", read_only=True)
    assert again.objects == {64: 2, 65: 2, 66: 3}
    assert again.revision == 3


def test_whole_objects_are_remembered_and_their_chunks_are_news(tmp_path: Path) -> None:
    labels = PaintedLabels(tmp_path, "TS_1", SHAPE)
    part, whole = labels.add_objects(2, 2)
    labels.write((0, 0, 0), np.full((1, 4, 4), part))
    labels.write((2, 0, 0), np.full((1, 4, 4), whole))
    before = labels.stamps()
    labels.set_objects({whole: 2}, [whole])
    again = PaintedLabels(tmp_path, "TS_1", read_only=True)
    assert again.objects == {64: 2, 65: 2}
    assert again.whole == {whole}
    after = again.stamps()
    assert [index for index in before if after[index] != before[index]] == [(2, 0, 0)]


@pytest.mark.parametrize("text", ["[1]", '{"64": {"whole": true}}', '{"a": 2}', "{"])
def test_a_damaged_table_of_objects_is_told(tmp_path: Path, text: str) -> None:
    PaintedLabels(tmp_path, "TS_1", SHAPE).add_objects(2)
    file = PaintedLabels(tmp_path, "TS_1").path / "objects.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(TomoscribeError, match=r"objects\.json is damaged"):
        PaintedLabels(tmp_path, "TS_1")


def test_classes_keep_their_values_whatever_is_renamed_moved_or_removed(project: Project) -> None:
    project.set_label_classes([LabelClass("mito"), LabelClass("er"), LabelClass("nucleus")])
    mito, er, nucleus = project.label_classes
    assert [c.value for c in (mito, er, nucleus)] == [2, 3, 4]
    project.set_label_classes([nucleus, replace(mito, name="mitochondrion")])
    project.set_label_classes([*project.label_classes, LabelClass("golgi")])
    project.close()
    again = Project.open(project.path)
    said = [(c.name, c.value) for c in again.label_classes]
    assert said == [("nucleus", 4), ("mitochondrion", 2), ("golgi", 5)]
    again.set_label_classes([er, *again.label_classes])  # undone
    assert again.label_classes[0].value == 3
    for names, words in ((("a", "a"), "twice"), (("Background",), "already"), (("",), "name")):
        with pytest.raises(TomoscribeError, match=words):
            again.set_label_classes([LabelClass(name) for name in names])
    again.close()


def test_painting_counts_as_news_of_the_project_also_after_removal(project: Project) -> None:
    assert read_project_file(project.path).format == 1
    before = project.revision
    labels = PaintedLabels(project.path, "TS_1", (12, 20, 30))
    labels.write((0, 0, 0), np.full((1, 5, 5), 2))
    painted = project_revision(project.path)
    assert painted == project.revision == before + 1
    address = project.tomograms["TS_1"].address
    project.remove_tomogram("TS_1")
    assert project_revision(project.path) > painted
    # Another tomogram of that name starts unlabelled, and the old labels stay on the disk.
    project.add_tomogram(address, name="TS_1")
    assert PaintedLabels(project.path, "TS_1", (12, 20, 30)).boxes() == []
    assert (project.path / "labels" / "TS_1.removed.zarr" / "0" / "0" / "0" / "0").is_file()
