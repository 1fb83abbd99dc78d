"""Operators, a training epoch and a prediction of one membrane, side by side with MemBrain-pick.

    OMP_NUM_THREADS=1 python benchmarks/mesh_operators.py --peer-python PYTHON

Both get the same mesh of case `m15` and take turns in one run; what is compared are CPU-seconds of
one thread, medians over the rounds of theirs over ours. Beside each stands what says that both did
the same. Ours is measured twice: with the peer's network, and with our default one, which needs
charts of the surface in place of operators and whose epoch is as many steps as cover it once.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import starfile
import torch

from cases import ensure_case
from mesh_batches import MeshBatches
from mesh_operators_charts import OursByCharts
from tomoscribe.io.volumes import open_volume
from tomoscribe.membranes.geodesics import distance_graph, distance_to
from tomoscribe.membranes.mesh_normals import vertex_normals_zyx
from tomoscribe.membranes.meshing import mesh_segmentation
from tomoscribe.membranes.operator_cache import MeshOperators
from tomoscribe.membranes.operators import PEER_UNIT_A, Operators, make_operators
from tomoscribe.membranes.partition import partition_mesh
from tomoscribe.membranes.slab import sample_slab
from tomoscribe.nets.diffusionnet import DiffusionNet
from tomoscribe.nets.mesh_augment import MeshAugmentation, augment, standardise
from tomoscribe.nets.mesh_losses import peer_targets, weighted_mse
from tomoscribe.nets.mesh_parts import ResidentParts

VOXEL_A = 10.0
PEER_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "QT_QPA_PLATFORM": "offscreen", "MPLBACKEND": "Agg"}
PEER_VARIABLE = "TOMOSCRIBE_PEER_PYTHON"
CPU = torch.device("cpu")
BATCH = 4
"""Parts a step: three steps an epoch of one membrane, where the peer does two."""


class Case:
    """A membrane of case `m15` with densities and particles."""

    def __init__(self, name: str, number: int) -> None:
        folder = ensure_case(name)
        mask = np.asarray(open_volume(folder / "segmentations" / f"mb{number}.mrc").data[...]) > 0
        self.mesh = mesh_segmentation(mask, VOXEL_A).meshes[0].mesh
        self.normals = vertex_normals_zyx(self.mesh)
        self.volume = open_volume(folder / "tomogram.mrc")
        volume = np.asarray(self.volume.data[...])
        depths = 7.5 * np.arange(-3, 17)
        slab = sample_slab(volume, self.mesh.vertices_zyx, self.normals, depths, VOXEL_A)
        self.values = np.asarray(slab.values)
        table = pd.DataFrame(starfile.read(folder / "gt" / f"mb{number}.star"))
        self.positions = table[[f"rlnCoordinate{axis}" for axis in "XYZ"]].to_numpy(float)
        self.part = partition_mesh(self.mesh)[0]

    def write(self, path: Path) -> None:
        """Write what the peer needs, in its axis order and with its inward normals."""
        scale = VOXEL_A / PEER_UNIT_A
        own = self.part.vertices
        np.savez(
            path,
            points=self.mesh.vertices_zyx[:, ::-1],
            faces=self.mesh.faces[:, ::-1],
            normals=-self.normals[:, ::-1],
            normal_values=self.values,
            positions=self.positions,
            part_points=self.mesh.vertices_zyx[own][:, ::-1] * scale,
            part_normals=self.normals[own][:, ::-1],
            part_faces=self.part.faces,
        )


class Ours:
    """The same work with our functions."""

    def __init__(self, case: Case) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(0)
        self.case = case
        self.net = DiffusionNet(16)
        self.data: MeshBatches | None = None
        self.targets = peer_targets(self._distances())

    def _distances(self) -> torch.Tensor:
        mesh = self.case.mesh
        apart = mesh.vertices_zyx[None] - self.case.positions[:, None, ::-1]
        sources = np.argmin(np.linalg.norm(apart, axis=2), axis=1)
        return torch.from_numpy(VOXEL_A * distance_to(distance_graph(mesh), sources, 15.0))

    def part(self) -> Operators:
        """Operators of the part that both get."""
        own, scale = self.case.part.vertices, VOXEL_A / PEER_UNIT_A
        vertices, normals = self.case.mesh.vertices_zyx[own] * scale, self.case.normals[own]
        return make_operators(vertices, self.case.part.faces, normals, 128)

    def prepare(self) -> tuple[list[Any], list[Operators]]:
        """Partition and operators of the membrane."""
        mesh, scale = self.case.mesh, VOXEL_A / PEER_UNIT_A
        parts = partition_mesh(mesh)
        operators = [
            make_operators(
                mesh.vertices_zyx[p.vertices] * scale, p.faces, self.case.normals[p.vertices], 128
            )
            for p in parts
        ]
        return parts, operators

    def epoch(self) -> float:
        """Every vertex of the membrane once, augmented, with the peer's network."""
        if self.data is None:
            parts, operators = self.prepare()
            made = MeshOperators(tuple(parts), tuple(operators))
            self.data = MeshBatches([(self.case.mesh, VOXEL_A, made)], CPU)
        data, net, values = self.data, self.net.train(), torch.from_numpy(self.case.values)
        optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
        generator = torch.Generator().manual_seed(0)
        losses = []
        order = torch.randperm(len(data), generator=generator).tolist()
        for start in range(0, len(order), BATCH):
            batch = data.batch(order[start : start + BATCH])
            valid = batch.parts.valid
            first = int(torch.randint(0, 5, (), generator=generator))
            x = standardise(values[batch.index], valid)
            x = augment(x, batch.places, MeshAugmentation(), generator)
            maps = net(x[..., first : first + 16], batch.parts)[..., 0]
            loss = weighted_mse(maps, self.targets[batch.index], valid.float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        return losses[-1]

    def predict(self) -> np.ndarray:
        """Scores of the membrane from nothing, with the peer's network."""
        parts, operators = self.prepare()
        resident, net = ResidentParts(operators, CPU), self.net.eval()
        mean, deviation = self.case.values.mean(), self.case.values.std()
        values = torch.from_numpy((self.case.values[:, 2:18] - mean) / deviation)
        scores = np.full(len(values), np.nan, np.float32)
        with torch.no_grad():
            for number, part in enumerate(parts):
                own = torch.from_numpy(part.vertices)
                maps = net(values[own][None], resident.batch([number]))[0, :, 0].numpy()
                scores[part.vertices[part.core]] = maps[part.core]
        return scores


class Peer:
    """The peer's process."""

    def __init__(self, python: str, case: Path, work: Path) -> None:
        script = Path(__file__).with_name("mesh_operators_peer.py")
        self._log = (work / "peer.log").open("w")
        self._process = subprocess.Popen(
            [python, str(script), str(case), str(work)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=os.environ | PEER_ENVIRONMENT,
        )
        self._answer()

    def __call__(self, what: str) -> dict[str, Any]:
        """Have it do something, and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"The peer ended; see {self._log.name}.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._log.close()


def compare(title: str, theirs: Any, ours: dict[str, Any], rounds: int) -> None:
    """Print CPU-seconds of theirs and each of ours in turn, and the median ratios."""
    for own in ours.values():
        own()  # what is made once belongs to no round
    their: list[float] = []
    our: dict[str, list[float]] = {name: [] for name in ours}
    for _ in range(rounds):
        their.append(theirs()["cpu_s"])
        for name, own in ours.items():
            start = time.process_time()
            own()
            our[name].append(time.process_time() - start)
    for name, seconds in our.items():
        ratios = sorted(a / b for a, b in zip(their, seconds, strict=True))
        middle = [statistics.median(values) for values in (their, seconds, ratios)]
        print(
            f"{title + name:<52} {middle[0]:8.3f} {middle[1]:8.3f} {middle[2]:8.1f}"
            f"  {ratios[0]:.1f}-{ratios[-1]:.1f}",
            flush=True,
        )


def agreement(path: Path, own: Operators) -> None:
    """Print how far both sides' operators of the same part agree."""
    from scipy import sparse

    theirs = np.load(path)
    n = len(own.mass)

    def matrix(name: str) -> Any:
        return sparse.coo_array((theirs[name], theirs[f"{name}_at"]), shape=(n, n)).tocsr()

    def residual(values: np.ndarray, vectors: np.ndarray) -> float:
        left = own.laplacian @ vectors - own.mass[:, None] * vectors * values
        scale = np.linalg.norm(own.mass[:, None] * vectors * values.max(), axis=0)
        return float((np.linalg.norm(left, axis=0) / scale).max())

    slopes = [
        abs(matrix(name) - grad).max() / abs(grad).max()
        for name, grad in (("x", own.gradient_x), ("y", own.gradient_y))
    ]
    # The last few may have a partner beyond the cut.
    inside = theirs["vectors"][:, :120].astype(float)
    caught = np.linalg.norm(own.eigenvectors.T @ (own.mass[:, None] * inside), axis=0)
    print(f"  gradients differ by {max(slopes):.1e} of the largest entry")
    print(f"  Laplacians by {abs(matrix('laplacian') - own.laplacian).max():.1e}")
    print(
        "  eigenvalues by "
        f"{np.abs(theirs['values'] - own.eigenvalues).max() / own.eigenvalues[-1]:.1e} of the last"
    )
    print(
        f"  residual of an eigenpair: theirs {residual(theirs['values'], theirs['vectors']):.1e}, "
        f"ours {residual(own.eigenvalues, own.eigenvectors):.1e}"
    )
    print(f"  of each of their first 120 eigenvectors ours hold {caught.min():.6f} or more")


def main() -> None:
    """Compare both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", default=os.environ.get(PEER_VARIABLE))
    parser.add_argument("--case", default="m15")
    parser.add_argument("--membrane", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.peer_python or not Path(options.peer_python).exists():
        print(f"No MemBrain-pick to compare with: give --peer-python or set {PEER_VARIABLE}.")
        return
    case = Case(options.case, options.membrane)
    ours = Ours(case)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        case.write(work / "case.npz")
        peer = Peer(options.peer_python, work / "case.npz", work)
        prepared = peer("prepare")
        print(
            f"{options.case}, membrane {options.membrane}: {len(case.values)} vertices; theirs in "
            f"{prepared['parts']} parts of {prepared['vertices']} vertices together, ours in "
            f"{len(partition_mesh(case.mesh))}\n"
            f"{'CPU-seconds':<52} {'theirs':>8} {'ours':>8} {'ratio':>8}  range"
        )
        n = options.rounds
        compare(
            "operators of one part of 2000, 128 eigenvectors",
            lambda: peer("part"),
            {"": ours.part},
            n,
        )
        agreement(work / "part.npz", ours.part())
        charts = OursByCharts(case.mesh, case.volume, case.positions[:, ::-1], work)
        for what, title in (
            ("prepare", "all operators of the membrane"),
            ("epoch", "training epoch"),
            ("predict", "prediction"),
        ):
            own = {", peer's net": getattr(ours, what), ", our default": getattr(charts, what)}
            compare(title, partial(peer, what), own, n)
        covered = np.isfinite(ours.predict()).mean()
        print(f"  vertices with a score: theirs {peer('predict')['vertices']}, ours {covered:.0%}")
        print(f"  our default network: {charts.charts} charts, {charts.steps} steps an epoch")
        peer.close()


if __name__ == "__main__":
    main()
