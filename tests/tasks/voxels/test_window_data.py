"""What windows are cut from: held in memory or read, all the same; a stroke costs its own boxes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
import torch

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.model import Role, TrainingSample
from tomoscribe.segmentation.labels import UNKNOWN, ArrayLabels, SampleLabels
from tomoscribe.tasks.voxels.images import resident, scale_image
from tomoscribe.tasks.voxels.sources import Source, make_source
from tomoscribe.tasks.voxels.window_data import WindowData, hold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.tasks.tomogram.scaled import ScaledVolume

CPU = torch.device("cpu")
SHAPE = (6, 96, 96)
EDGE = 32


class Paint:
    """Labels in squares of sections, which counts what is read of it."""

    def __init__(self) -> None:
        self.values = np.full((1, *SHAPE), UNKNOWN, np.int32)
        self.stamps: dict[tuple[int, int, int], int] = {}
        self.reads: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
        self.damaged = False

    def stroke(self, z: int, y: int, x: int, value: int) -> None:
        """Paint in one square."""
        square = (z, y // EDGE, x // EDGE)
        self.values[0, z, y : y + 6, x : x + 6] = value
        self.stamps[square] = self.stamps.get(square, 0) + 1

    def read(self, lo: tuple[int, ...], hi: tuple[int, ...]) -> NDArray[np.int32]:
        if self.damaged:
            raise TomoscribeError("a chunk is damaged")
        self.reads.append((lo, hi))
        return ArrayLabels(self.values).read(lo, hi)  # type: ignore[arg-type]

    def labels(self) -> SampleLabels:
        boxes = tuple(
            ((z, y * EDGE, x * EDGE), (z + 1, (y + 1) * EDGE, (x + 1) * EDGE))
            for z, y, x in sorted(self.stamps)
        )
        stamps = tuple(self.stamps[key] for key in sorted(self.stamps))
        return SampleLabels(self, boxes, "paint", sum(stamps), stamps)


@pytest.fixture
def paint() -> Paint:
    made = Paint()
    for z in range(6):
        for y in (4, 40, 70):
            made.stroke(z, y, 10, z % 2)
            made.stroke(z, y, 50, (z + 1) % 2)
    return made


@pytest.fixture
def image(tmp_path: Path) -> ScaledVolume:
    values = np.random.default_rng(0).integers(0, 255, SHAPE).astype(np.uint8)
    tifffile.imwrite(tmp_path / "image.tif", values)
    return resident(scale_image(open_volume(str(tmp_path / "image.tif"), 100.0), (1, 1, 1)))


def source_of(paint: Paint, image: ScaledVolume, before: Source | None = None) -> Source:
    path = image.volume.path
    sample = TrainingSample("one", path, 100.0, Role.TRAIN, labels=paint.labels())
    return make_source(sample, image, 1, 0.3, before)


def test_what_is_held_is_what_would_be_read_wherever_a_window_lies(
    paint: Paint, image: ScaledVolume
) -> None:
    source = source_of(paint, image)
    held = WindowData(source, CPU, image=True, labels=True)
    read = WindowData(replace(source), CPU, image=False, labels=False)
    assert (held.whole, read.whole) == (True, False)
    rng = np.random.default_rng(1)
    for _ in range(60):
        lo = tuple(int(n) for n in rng.integers((-9, -39, -39), (9, 130, 130)))
        hi = tuple(
            int(a + n) for a, n in zip(lo, rng.integers((4, 20, 20), (16, 90, 90)), strict=True)
        )
        assert torch.equal(held.labels(lo, hi), read.labels(lo, hi))  # type: ignore[arg-type]
        assert torch.equal(held.image(lo, hi), read.image(lo, hi))  # type: ignore[arg-type]


def test_a_stroke_reads_only_the_boxes_that_it_changed(paint: Paint, image: ScaledVolume) -> None:
    source = source_of(paint, image)
    (held,) = hold([source], CPU, 1e9, [])
    assert len(paint.reads) > len(source.boxes)
    paint.reads.clear()
    paint.stroke(2, 80, 12, 1)
    news = source_of(paint, image, source)
    (fresh,) = hold([news], CPU, 1e9, [held])
    assert {lo for lo, _ in paint.reads} == {(2, 64, 0)}
    whole = source_of(paint, image)
    assert news.places.known == whole.places.known
    for mine, its in zip(news.places.of_class, whole.places.of_class, strict=True):
        assert np.array_equal(mine, its)
    everything = ((0, 0, 0), SHAPE)
    assert torch.equal(
        fresh.labels(*everything),
        WindowData(whole, CPU, image=True, labels=True).labels(*everything),
    )


def test_a_new_section_and_a_square_that_was_wiped_are_seen(
    paint: Paint, image: ScaledVolume
) -> None:
    for z in (0, 5):
        for key in [key for key in paint.stamps if key[0] == z]:
            del paint.stamps[key]
        paint.values[0, z] = UNKNOWN
    source = source_of(paint, image)
    (held,) = hold([source], CPU, 1e9, [])
    paint.stroke(5, 40, 40, 1)
    del paint.stamps[3, 0, 0]
    paint.values[0, 3, :EDGE, :EDGE] = UNKNOWN
    paint.stamps[9, 9, 9] = 99  # a revision grows, whatever is wiped
    labels = paint.labels()
    del paint.stamps[9, 9, 9]
    labels = replace(labels, boxes=labels.boxes[:-1], stamps=labels.stamps[:-1])
    news = make_source(replace(source.sample, labels=labels), image, 1, 0.3, source)
    (fresh,) = hold([news], CPU, 1e9, [held])
    fully = WindowData(source_of(paint, image), CPU, image=True, labels=True)
    everything = ((0, 0, 0), SHAPE)
    assert torch.equal(fresh.labels(*everything), fully.labels(*everything))
    assert (fresh.labels((5, 40, 40), (6, 46, 46)) != UNKNOWN).any()


def test_labels_that_cannot_be_read_leave_those_that_are_held(
    paint: Paint, image: ScaledVolume
) -> None:
    source = source_of(paint, image)
    (held,) = hold([source], CPU, 1e9, [])
    before = held.labels((0, 0, 0), SHAPE).clone()
    paint.stroke(2, 80, 12, 1)
    news = source_of(paint, image, source)
    paint.damaged = True
    with pytest.raises(TomoscribeError, match="damaged"):
        hold([news], CPU, 1e9, [held])
    assert torch.equal(held.labels((0, 0, 0), SHAPE), before)


def test_what_memory_does_not_allow_is_read_window_by_window(
    paint: Paint, image: ScaledVolume
) -> None:
    source = source_of(paint, image)
    (held,) = hold([source], CPU, 0.0, [])
    assert not held.whole
    paint.reads.clear()
    held.labels((0, 0, 0), (1, 8, 8))
    assert paint.reads == [((0, 0, 0), (1, 8, 8))]
