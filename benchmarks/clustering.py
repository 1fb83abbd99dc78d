"""Scores on a mesh to picks, beside MemBrain-pick: CPU-seconds, memory and F1.

Maps of planted sites on spheres: 1 - a tenth of the distance in units of 15 Å, clamped as
MemBrain-pick's targets are, with noise that is correlated over neighbours. Sites keep 120 Å apart.
One thread; what is compared is the peer's mean shift at its best bandwidth, our sparse one with
the same, and geodesic suppression; the peer's larger meshes are left out, for it needs the square
of the vertices in memory. The last table is ours alone: time and memory over the vertices.

    OMP_NUM_THREADS=1 python benchmarks/clustering.py --peer-python PYTHON
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import trimesh
from rich.console import Console
from rich.table import Table
from scipy.spatial import cKDTree

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.geodesics import distance_graph
from tomoscribe.membranes.mean_shift import find_mean_shift_peaks
from tomoscribe.membranes.peaks import find_mesh_peaks, smooth_scores
from tomoscribe.picks.match import precision_recall_f1

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PEER_VARIABLE = "TOMOSCRIBE_PEER_PYTHON"
SIZE_A = 10.0
EDGE = 2.2
"""Voxels: the spacing of MemBrain-pick's vertices at 400 Å²."""
APART = 12.0
RADIUS_A = 60.0
BANDWIDTH_A = 60.0
THRESHOLD = 7.0
MIN_SCORE = 0.3
TOLERANCE = 4.0
UNIT, FAR = 1.5, 10.0
"""MemBrain-pick's unit of distance in voxels of 10 Å, and where its targets end."""


class Map(NamedTuple):
    """A scored mesh and its sites (N, 3)."""

    mesh: TriangleMesh
    scores: NDArray[np.float32]
    sites: NDArray[np.float64]


def make_map(subdivisions: int, noise: float, seed: int = 0) -> Map:
    """Return a sphere with 10 × 4^subdivisions vertices and its map."""
    radius = EDGE * np.sqrt(10 * 4**subdivisions / (4 * np.pi)) * 0.93
    ball = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    mesh = TriangleMesh(np.ascontiguousarray(ball.vertices[:, ::-1]), np.asarray(ball.faces))
    rng = np.random.default_rng(seed)
    sites = np.empty((0, 3))
    wanted = len(mesh.vertices_zyx) // 240
    for candidate in rng.normal(size=(20 * wanted, 3)):
        place = radius * candidate / np.linalg.norm(candidate)
        if len(sites) < wanted and (np.linalg.norm(sites - place, axis=1) >= APART).all():
            sites = np.concatenate([sites, place[None]])
    away = cKDTree(sites).query(mesh.vertices_zyx)[0] / UNIT
    rough = rng.normal(0, 1, len(away))
    smooth = smooth_scores(distance_graph(mesh), rough, EDGE)
    distances = np.minimum(away, FAR) + noise * smooth / smooth.std()
    scores = np.clip(1 - distances / FAR, 0, 1).astype(np.float32)
    return Map(mesh, scores, sites)


def timed(work: Callable[[], Any], rounds: int = 5) -> tuple[float, Any]:
    """Return the median CPU-seconds and the result."""
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        result = work()
        seconds.append(time.process_time() - start)
    return float(np.median(seconds)), result


def peak_mb(work: Callable[[], Any]) -> float:
    """Return the most memory in MB that `work` holds at once."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def run_peer(python: str, scored: Map) -> tuple[float, float, NDArray[np.float64]]:
    """Return CPU-seconds, MB and centres (N, 3) voxels of MemBrain-pick's mean shift."""
    with tempfile.TemporaryDirectory() as folder:
        held, out = Path(folder, "map.npz"), Path(folder, "out.npz")
        np.savez(
            held, points_A=scored.mesh.vertices_zyx * SIZE_A, distances=FAR * (1 - scored.scores)
        )
        script = str(Path(__file__).with_name("clustering_peer.py"))
        command = [python, script, str(held), str(out), str(BANDWIDTH_A), str(THRESHOLD)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        told = json.loads(done.stdout.splitlines()[-1])
        return told["cpu_s"], told["peak_mb"], np.load(out)["centres_A"] / SIZE_A


def compare(python: str | None, scored: Map, table: Table, label: str) -> None:
    """Add the rows of one map."""
    graph = distance_graph(scored.mesh)

    def suppress() -> NDArray[np.float64]:
        return find_mesh_peaks(
            scored.mesh,
            graph,
            scored.scores,
            RADIUS_A / SIZE_A,
            2 * MIN_SCORE,
            smoothing_voxels=RADIUS_A / SIZE_A / 3,
        ).zyx

    def shift() -> NDArray[np.float64]:
        return find_mean_shift_peaks(scored.mesh, scored.scores, SIZE_A, BANDWIDTH_A, MIN_SCORE).zyx

    results = [("suppression", *timed(suppress), peak_mb(suppress))]
    results.append(("sparse mean shift", *timed(shift, 3), peak_mb(shift)))
    if python is not None:
        seconds, memory, centres = run_peer(python, scored)
        results.append(("MemBrain-pick", seconds, centres, memory))
    base = results[-1][1]
    for name, seconds, zyx, memory in results:
        f1 = precision_recall_f1(zyx, scored.sites, TOLERANCE)[2]
        table.add_row(
            label,
            name,
            f"{seconds:.3f}",
            f"{base / seconds:.0f}x" if python is not None else "",
            f"{memory:.1f}",
            f"{f1:.3f}",
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", default=os.environ.get(PEER_VARIABLE))
    parser.add_argument("--subdivisions", type=int, default=5, help="of the compared sphere")
    options = parser.parse_args()
    console = Console()
    table = Table(title="Clustering one membrane")
    for head in ("noise", "method", "CPU s", "faster", "MB", "F1"):
        table.add_column(head)
    for noise in (0.0, 1.0):
        scored = make_map(options.subdivisions, noise)
        label = f"{noise:g} ({len(scored.mesh.vertices_zyx)} vertices, {len(scored.sites)} sites)"
        compare(options.peer_python, scored, table, label)
    console.print(table)
    grown = Table(title="Suppression over the vertices")
    for head in ("vertices", "sites", "CPU s", "MB", "MB a million vertices"):
        grown.add_column(head)
    for subdivisions in (4, 5, 6, 7):
        scored = make_map(subdivisions, 1.0)
        graph = distance_graph(scored.mesh)

        def suppress(scored: Map = scored, graph: Any = graph) -> Any:
            return find_mesh_peaks(scored.mesh, graph, scored.scores, 6.0, 0.6)

        seconds, _ = timed(suppress, 3)
        memory, count = peak_mb(suppress), len(scored.scores)
        row = (count, len(scored.sites), f"{seconds:.3f}", f"{memory:.1f}")
        grown.add_row(*map(str, row), f"{1e6 * memory / count:.0f}")
    console.print(grown)


if __name__ == "__main__":
    main()
