"""Simulated labels on disk: a project to paint in, and training folders for the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from tomoscribe.io.label_write import write_labels
from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.classes import class_color
from tomoscribe.project.painted import PaintedLabels
from tomoscribe.project.store import Project
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.segmentation.painted_values import BACKGROUND
from tomoscribe.simulate.case import make_empty_folder, sample_seed
from tomoscribe.simulate.labels import CLASSES, SHAPE_ZYX, VOXEL_ZYX_NM, simulate_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.simulate.labels import SimulatedLabels

IMAGE = "em_volume"
"""Name of the image in the sample project."""

PARTS = ("train", "val")

_BRUSH = 3
"""Radius of a simulated brush, in pixels."""
_WALK = 25
"""Pixels that a simulated stroke is long."""


def make_labels_project(folder: Path, seed: int = 0, *, strokes: int = 0) -> Project:
    """Make a project with one EM volume to segment, its truth beside.

    The classes are there, and nothing is painted: that is the user's part. `truth/` holds
    `classes.tif` (1 mitochondrion, 2 membrane) and `objects.tif` (numbers of mitochondria).

    Parameters
    ----------
    folder : Path
        New or empty folder.
    seed : int
        Fixes everything.
    strokes : int
        Strokes of each class and of background that are painted all the same, for tests.

    Raises
    ------
    TomoscribeError
        If the folder is not empty, or cannot be written.
    """
    folder = Path(folder)
    make_empty_folder(folder)
    made = simulate_labels(sample_seed(seed, 0))
    path = folder / "images" / f"{IMAGE}.mrc"
    (folder / "truth").mkdir()
    path.parent.mkdir()
    _write_image(path, made)
    write_labels(folder / "truth" / "classes.tif", made.classes, made.voxel_size_zyx_nm)
    write_labels(folder / "truth" / "objects.tif", made.objects, made.voxel_size_zyx_nm)
    project = Project.create(folder)
    project.set_label_classes([LabelClass(n, class_color(i)) for i, n in enumerate(CLASSES)])
    project.add_tomogram(path, name=IMAGE)
    if strokes:
        values = simulate_strokes(made, strokes, seed)
        PaintedLabels(folder, IMAGE, SHAPE_ZYX, _sizes_A(made)).write((0, 0, 0), values)
    return project


def write_labels_case(
    out: Path,
    seed: int = 0,
    shape_zyx: tuple[int, int, int] = SHAPE_ZYX,
    voxel_size_zyx_nm: tuple[float, float, float] = VOXEL_ZYX_NM,
) -> Path:
    """Write two training folders of the same images: `semantic/` and `instance/`.

    Each has `train/` and `val/` with `em.mrc` and `em_labels.tif`, of classes or of objects.

    Raises
    ------
    TomoscribeError
        If the folder is not empty, or cannot be written.
    """
    make_empty_folder(out)
    for index, part in enumerate(PARTS):
        made = simulate_labels(sample_seed(seed, index), shape_zyx, voxel_size_zyx_nm)
        for task, labels in (("semantic", made.classes), ("instance", made.objects)):
            folder = out / task / part
            folder.mkdir(parents=True)
            _write_image(folder / "em.mrc", made)
            write_labels(folder / "em_labels.tif", labels, voxel_size_zyx_nm)
    return out


def simulate_strokes(made: SimulatedLabels, count: int, seed: int = 0) -> NDArray[np.uint16]:
    """Return what a person would paint: strokes of a brush on two sections.

    Parameters
    ----------
    made : SimulatedLabels
        Where strokes go: each stays in what it is a stroke of.
    count : int
        Strokes of each class, and of background, on each section.
    seed : int
        Fixes everything.

    Returns
    -------
    (Z, Y, X) array of uint16
        Painted values of a project whose classes are `labels.CLASSES`.
    """
    rng = np.random.default_rng([seed, 31])
    depth = made.classes.shape[0]
    painted = np.zeros(made.classes.shape, dtype=np.uint16)
    for z in (depth // 3, 2 * depth // 3):
        for value in range(len(CLASSES) + 1):
            where = made.classes[z] == value
            for _ in range(count):
                painted[z][_stroke(rng, where)] = BACKGROUND + value
    return painted


def _stroke(rng: np.random.Generator, where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a stroke within an area: a walk in one direction, as wide as the brush."""
    walk = np.zeros(where.shape, dtype=bool)
    places = np.argwhere(where)
    if not len(places):
        return walk
    at = places[rng.integers(len(places))].astype(float)
    angle = rng.uniform(0, 2 * np.pi)
    for _ in range(_WALK):
        y, x = np.rint(at).astype(int)
        if not (0 <= y < where.shape[0] and 0 <= x < where.shape[1]) or not where[y, x]:
            break
        walk[y, x] = True
        angle += rng.normal(0, 0.2)
        at += (np.sin(angle), np.cos(angle))
    reach = np.hypot(*np.mgrid[-_BRUSH : _BRUSH + 1, -_BRUSH : _BRUSH + 1]) <= _BRUSH
    stroke: NDArray[np.bool_] = ndimage.binary_dilation(walk, reach) & where
    return stroke


def _write_image(path: Path, made: SimulatedLabels) -> None:
    write_mrc(path, made.volume, _sizes_A(made))


def _sizes_A(made: SimulatedLabels) -> tuple[float, float, float]:
    z, y, x = (edge * 10 for edge in made.voxel_size_zyx_nm)
    return z, y, x
