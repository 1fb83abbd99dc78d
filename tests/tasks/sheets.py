"""A curved sheet of 72 x 72 voxels with knobs on one face, in noise, that trains in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.membrane import Membrane, make_membrane, save_membrane
from tomoscribe.picks.table import Pick
from tomoscribe.project.model import Patch, Role, TrainingSample

SHAPE = (80, 80, 40)
VOXEL_A = 10.0
HALF = 2.5
DIAMETER_A = 100.0
SPACING = 9.0


def height(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return x of the sheet's middle."""
    return 18 + 3 * np.sin(z / 12) + 2 * np.cos(y / 15)


def sites(seed: int, count: int = 14) -> np.ndarray:
    """Return positions (N, 3) zyx of knobs on the face towards +x."""
    rng = np.random.default_rng(seed)
    found: list[np.ndarray] = []
    while len(found) < count:
        z, y = rng.uniform(10, 70, 2)
        point = np.array([z, y, height(np.array(z), np.array(y)) + HALF])
        if all(np.linalg.norm(point - other) > SPACING for other in found):
            found.append(point)
    return np.array(found)


def volume(places: np.ndarray, wide: np.ndarray, seed: int) -> np.ndarray:
    """Return noise with a dark sheet, dark knobs at `places` and flat, wide ones at `wide`."""
    z, y, x = np.indices(SHAPE)
    image = np.random.default_rng(seed).normal(scale=0.5, size=SHAPE)
    image -= np.abs(x - height(z, y)) < HALF
    for centre in places:
        image -= (
            1.5
            * (np.hypot(z - centre[0], y - centre[1]) < 3)
            * ((x > centre[2]) & (x < centre[2] + 6))
        )
    for centre in wide:
        image -= (
            1.5
            * (np.hypot(z - centre[0], y - centre[1]) < 5)
            * ((x > centre[2]) & (x < centre[2] + 2.5))
        )
    return image.astype(np.float32)


def mesh() -> TriangleMesh:
    """Return the two faces of the sheet with a rim, wound outward."""
    axis = np.arange(4, 77, 2.0)
    z, y = np.meshgrid(axis, axis, indexing="ij")
    n = len(axis)
    faces_of = np.arange(n * n).reshape(n, n)
    a, b = faces_of[:-1, :-1].ravel(), faces_of[:-1, 1:].ravel()
    c, d = faces_of[1:, :-1].ravel(), faces_of[1:, 1:].ravel()
    one = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    high = np.stack([z, y, height(z, y) + HALF], -1).reshape(-1, 3)
    low = np.stack([z, y, height(z, y) - HALF], -1).reshape(-1, 3)
    rim = np.concatenate(
        [faces_of[0], faces_of[1:, -1], faces_of[-1, -2::-1], faces_of[-2:0:-1, 0]]
    )
    after = np.roll(rim, -1)
    sides = np.concatenate(
        [np.stack([rim, rim + n * n, after], 1), np.stack([after, rim + n * n, after + n * n], 1)]
    )
    faces = np.concatenate([one, one[:, ::-1] + n * n, sides])
    built = TriangleMesh(np.concatenate([high, low]), faces)
    p, q, r = (built.vertices_zyx[built.faces[:, k]][:, ::-1] for k in range(3))
    if np.einsum("ij,ij->", p, np.cross(q, r)) < 0:
        built = TriangleMesh(built.vertices_zyx, np.ascontiguousarray(built.faces[:, ::-1]))
    return built


def membrane(seed: int) -> Membrane:
    """Return a sheet with 14 knobs and 7 wide ones."""
    places = sites(seed, 21)
    return make_membrane(f"sheet{seed}", mesh(), volume(places[:14], places[14:], seed), VOXEL_A)


def sheet_sample(
    folder: Path,
    seed: int,
    role: Role = Role.TRAIN,
    *,
    clicks: int = 14,
    wide: bool = False,
    complete: bool = False,
    patches: tuple[Patch, ...] = (),
) -> TrainingSample:
    """Write a sheet and return it with its knobs, and wide ones if asked, clicked."""
    path = folder / f"sheet{seed}.h5"
    if not path.exists():
        save_membrane(path, membrane(seed))
    places = sites(seed, 21)
    chosen = [(p, "knob") for p in places[:14][:clicks]]
    chosen += [(p, "wide") for p in places[14:] if wide]
    picks = tuple(
        Pick(i + 1, (float(p[0]), float(p[1]), float(p[2])), name, membrane=path.stem)
        for i, (p, name) in enumerate(chosen)
    )
    return TrainingSample(
        path.stem, str(path), VOXEL_A, role, picks, patches=patches, complete=complete
    )
