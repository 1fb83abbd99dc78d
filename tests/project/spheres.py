"""Membranes for tests: spheres in a small tomogram, as we and as MemBrain-pick write them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import trimesh
from numpy.typing import NDArray

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.io.volumes import write_mrc
from tomoscribe.membranes.membrane import make_membrane, save_membrane

SHAPE = (40, 44, 80)
VOXEL_SIZE_A = 10.0
RADIUS = 10.0
CENTERS = {"M1": (20.0, 20.0, 15.0), "M2": (20.0, 22.0, 40.0), "M3": (20.0, 20.0, 66.0)}


def sphere(center_zyx: tuple[float, float, float]) -> TriangleMesh:
    """Return a sphere with outward winding, 642 vertices."""
    # The corners of trimesh are taken as z y x, which mirrors them: the winding turns too.
    made = trimesh.creation.icosphere(3, RADIUS)
    return TriangleMesh(np.asarray(made.vertices) + center_zyx, np.asarray(made.faces)[:, ::-1])


def on_sphere(name: str, count: int, seed: int = 0) -> NDArray[np.float64]:
    """Return positions on a sphere."""
    directions = np.random.default_rng(seed).normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return np.asarray(CENTERS[name] + RADIUS * directions)


def write_tomogram(path: Path) -> Path:
    """Write the tomogram that all of them lie in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mrc(path, np.random.default_rng(1).normal(size=SHAPE).astype(np.float32), VOXEL_SIZE_A)
    return path


def write_container(path: Path, tomogram: Path, name: str = "M1") -> Path:
    """Write a container of ours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    volume = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    made = make_membrane(name, sphere(CENTERS[name]), volume, VOXEL_SIZE_A, tomogram=str(tomogram))
    save_membrane(path, made)
    return path


def write_peer_container(path: Path, tomogram: Path, name: str = "M1") -> Path:
    """Write a container as MemBrain-pick's `convert_file` does: x y z voxels, normals inward."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mesh = sphere(CENTERS[name])
    inward = (CENTERS[name] - mesh.vertices_zyx) / RADIUS
    with h5py.File(path, "w") as file:
        file["points"] = mesh.vertices_zyx[:, ::-1]
        file["faces"] = mesh.faces[:, ::-1]
        file["normals"] = inward[:, ::-1]
        values = np.random.default_rng(2).normal(size=(len(inward), 20))
        file["normal_values"] = values.astype(np.float32)
        file["pixel_size"] = 1.0
        file["tomo_file"] = str(tomogram)
    return path


def write_star(
    path: Path, zyx: NDArray[np.float64], extra: dict[str, list[object]] | None = None
) -> Path:
    """Write a STAR file as users of MemBrain-pick have them: one block, no pixel size."""
    columns = {
        f"rlnCoordinate{a}": zyx[:, i].tolist() for a, i in zip("XYZ", (2, 1, 0), strict=True)
    }
    table = columns | (extra or {})
    head = "".join(f"_{key} #{i}\n" for i, key in enumerate(table, 1))
    rows = "".join(
        " ".join(str(v) for v in row) + "\n" for row in zip(*table.values(), strict=True)
    )
    path.write_text(f"data_\n\nloop_\n{head}{rows}\n")
    return path
