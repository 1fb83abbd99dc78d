"""Segmentation to mesh and slab, beside MemBrain-pick: CPU-seconds, distance to the true surface.

Masks of surfaces that are known exactly, in a volume of 160 x 256 x 256 voxels at 10 Å: a torus
with a membrane of 5 voxels, and a tilted flat sheet (judged 8 voxels away from its rim). Rounds are
interleaved, each on one thread; medians are printed.

    OMP_NUM_THREADS=1 python benchmarks/meshing.py --peer-python PYTHON [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.spatial.transform import Rotation

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.mesh_normals import vertex_normals_zyx
from tomoscribe.membranes.meshing import mesh_segmentation
from tomoscribe.membranes.slab import sample_slab, wide_depths_A
from tomoscribe.membranes.topology import open_edges

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SHAPE = (160, 256, 256)
SIZE_A = 10.0
AREA_A2 = 400.0
HALF = 2.5
MIDDLE = np.array([80.3, 127.6, 128.2])
PEER_VARIABLE = "TOMOSCRIBE_PEER_PYTHON"
PEER_DEPTHS_A = np.arange(-10, 10) * 2.5


class Case(NamedTuple):
    """A mask, the signed distance to its surface, and where that is exact."""

    name: str
    mask: NDArray[np.bool_]
    distance: Callable[[NDArray[Any]], NDArray[Any]]
    judged: Callable[[NDArray[Any]], NDArray[np.bool_]]


class Result(NamedTuple):
    """One mesh and what it took."""

    mesh: TriangleMesh
    mesh_s: float
    slab_s: float


def make_cases() -> list[Case]:
    """Return the masks."""
    turn = Rotation.from_euler("xyz", [25, 35, 10], degrees=True).as_matrix()
    grid = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)

    def local(points: NDArray[Any]) -> NDArray[Any]:
        return (points - MIDDLE) @ turn.T

    def torus(points: NDArray[Any]) -> NDArray[Any]:
        z, y, x = np.moveaxis(local(points), -1, 0)
        return np.abs(np.hypot(np.hypot(y, x) - 42.0, z) - 16.0) - HALF

    def sheet(points: NDArray[Any]) -> NDArray[Any]:
        return np.abs(local(points)[..., 0]) - HALF

    def inside(points: NDArray[Any], margin: float) -> NDArray[np.bool_]:
        return (np.abs(local(points)[..., 1:]) < 75.0 - margin).all(axis=-1)

    return [
        Case("torus", torus(grid) <= 0, torus, lambda p: np.ones(len(p), dtype=bool)),
        Case("sheet", (sheet(grid) <= 0) & inside(grid, 0), sheet, lambda p: inside(p, 8.0)),
    ]


def run_ours(mask: NDArray[np.bool_], tomogram: NDArray[np.float32]) -> Result:
    """Mesh and sample with tomoscribe, all that its command line does but files."""
    start = time.process_time()
    mesh = mesh_segmentation(mask, SIZE_A, area_A2=AREA_A2).meshes[0].mesh
    normals = vertex_normals_zyx(mesh)
    meshed = time.process_time()
    sample_slab(tomogram, mesh.vertices_zyx, normals, PEER_DEPTHS_A, SIZE_A)
    return Result(mesh, meshed - start, time.process_time() - meshed)


def run_peer(python: str, folder: Path) -> Result:
    """Mesh and sample with MemBrain-pick."""
    command = [python, str(Path(__file__).with_name("meshing_peer.py"))]
    command += [str(folder / name) for name in ("mask.npy", "tomogram.npy", "peer.npz")]
    # The threads of the libraries beneath are the parent's one.
    answer = subprocess.run(
        [*command, str(AREA_A2), str(SIZE_A)], check=True, capture_output=True, text=True
    ).stdout
    took = json.loads(answer.strip().splitlines()[-1])
    held = np.load(folder / "peer.npz")
    mesh = TriangleMesh(
        np.asarray(held["points"], dtype=np.float64)[:, ::-1],
        np.asarray(held["faces"], dtype=np.int64).reshape(-1, 3),
    )
    return Result(mesh, took["mesh"], took["slab"])


def quality(mesh: TriangleMesh, case: Case) -> dict[str, str]:
    """Return distance to the true surface, spread of edges, shape of triangles, whole or not."""
    vertices, faces = mesh.vertices_zyx, mesh.faces
    off = case.distance(vertices)[case.judged(vertices)]
    sides = np.stack(
        [
            np.linalg.norm(vertices[faces[:, k]] - vertices[faces[:, k - 1]], axis=1)
            for k in range(3)
        ]
    )
    edges = np.unique(np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    length = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    half = sides.sum(axis=0) / 2
    area = np.sqrt(np.maximum(half * (half - sides).prod(axis=0), 0))
    shape = 4 * np.sqrt(3) * area / (sides**2).sum(axis=0)
    return {
        "vertices": f"{len(vertices)}",
        "|distance| mean": f"{np.abs(off).mean():.3f}",
        "95 %": f"{np.percentile(np.abs(off), 95):.3f}",
        "edge CV": f"{length.std() / length.mean():.3f}",
        "triangle quality": f"{shape.mean():.3f}",
        "worst 5 %": f"{np.percentile(shape, 5):.3f}",
        "open edges": f"{open_edges(mesh)}",
    }


def median(values: list[float]) -> float:
    """Return the median."""
    return float(np.median(values))


def compare(case: Case, python: str | None, rounds: int, table: Table) -> None:
    """Add the rows of one case."""
    tomogram = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "mask.npy", case.mask)
        np.save(folder / "tomogram.npy", tomogram)
        run_ours(case.mask, tomogram)
        ours: list[Result] = []
        theirs: list[Result] = []
        for _ in range(rounds):
            ours.append(run_ours(case.mask, tomogram))
            if python:
                theirs.append(run_peer(python, folder))
    rows = [("tomoscribe", ours)] + ([("MemBrain-pick", theirs)] if theirs else [])
    for who, results in rows:
        mesh_s = median([r.mesh_s for r in results])
        slab_s = median([r.slab_s for r in results])
        measured = quality(results[-1].mesh, case).values()
        table.add_row(case.name, who, f"{mesh_s:.2f}", f"{slab_s:.3f}", *measured)
    if theirs:
        meshing = median([t.mesh_s / o.mesh_s for t, o in zip(theirs, ours, strict=True)])
        slab = median([t.slab_s / o.slab_s for t, o in zip(theirs, ours, strict=True)])
        table.add_row(case.name, "ratio", f"{meshing:.0f} x", f"{slab:.0f} x")


def time_slab(case: Case, table: Table) -> None:
    """Add what sampling and showing a slab costs."""
    tomogram = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    mesh = mesh_segmentation(case.mask, SIZE_A, area_A2=AREA_A2).meshes[0].mesh
    normals = vertex_normals_zyx(mesh)
    wide = wide_depths_A(SIZE_A)

    def sample(depths: NDArray[Any], order: Any) -> Any:
        return sample_slab(tomogram, mesh.vertices_zyx, normals, depths, SIZE_A, order=order)

    slab = sample(wide, 1)
    jobs: list[tuple[str, Callable[[], Any]]] = [
        (f"wide slab, {len(wide)} depths, linear", lambda: sample(wide, 1)),
        ("band of 20 depths, linear", lambda: sample(PEER_DEPTHS_A, 1)),
        ("band of 20 depths, cubic, first time", lambda: sample(PEER_DEPTHS_A, 3)),
        ("band of 20 depths, cubic, prefilter kept", lambda: sample(PEER_DEPTHS_A, 3)),
        ("band of 20 depths from the wide slab", lambda: slab.resample(PEER_DEPTHS_A)),
        ("layer of 20 Å at a depth (a tick of the slider)", lambda: slab.mean(35.0, 20.0)),
    ]
    for name, job in jobs:
        start = time.process_time()
        job()
        table.add_row(name, f"{1000 * (time.process_time() - start):.1f}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", default=os.environ.get(PEER_VARIABLE))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    python = options.peer_python
    if not python or not Path(python).exists():
        print(f"No MemBrain-pick to compare with: give --peer-python or set {PEER_VARIABLE}.")
        python = None
    table = Table("case", "by", "mesh CPU s", "slab CPU s", "vertices", "|distance| mean", "95 %",
                  "edge CV", "triangle quality", "worst 5 %", "open edges",
                  title="distances in voxels; slab: 20 depths")  # fmt: skip
    cases = make_cases()
    for case in cases:
        compare(case, python, options.rounds, table)
    slab = Table("slab of the torus", "CPU ms")
    time_slab(cases[0], slab)
    console = Console(width=160)
    console.print(table)
    console.print(slab)


if __name__ == "__main__":
    main()
