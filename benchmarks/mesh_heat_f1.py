"""F1 of the whole-mesh heat network on an unseen membrane, and the CPU-seconds that it took.

    OMP_NUM_THREADS=1 python benchmarks/mesh_heat_f1.py --case m15 --clicks 0.2

Membranes 1 to 3 train, 4 chooses the threshold, 5 is scored, within 4 voxels. The band is the one
that reaches the cases' particles; choosing it is measured elsewhere.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import starfile
import torch

from cases import MEMBRANE_OPTIONS, ensure_case
from tomoscribe.io.volumes import open_volume
from tomoscribe.membranes.geodesics import distance_graph, distance_to, edge_graph
from tomoscribe.membranes.heat import make_heat
from tomoscribe.membranes.mesh_normals import vertex_normals_zyx
from tomoscribe.membranes.meshing import mesh_segmentation
from tomoscribe.membranes.peaks import MeshPeaks, find_mesh_peaks
from tomoscribe.membranes.slab import sample_slab
from tomoscribe.nets.losses import hot_exclusion
from tomoscribe.nets.mesh_augment import resample
from tomoscribe.nets.mesh_heat import HeatField, HeatNet
from tomoscribe.nets.mesh_losses import as_grid, vertex_labels
from tomoscribe.picks.match import pr_curve, precision_recall_f1

if TYPE_CHECKING:
    from tomoscribe.io.mesh_data import TriangleMesh

VOXEL_A = 10.0
FIRST_A, SPACING_A = -40.0, 5.0
BAND_A = torch.linspace(-20.0, 120.0, 16)
SIGMA_A = 25.0
TOLERANCE = 4.0
RADIUS = 7.0
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Sample:
    """A membrane, what is clicked on it and what is there."""

    mesh: TriangleMesh
    slab: torch.Tensor
    field: HeatField
    target: torch.Tensor
    truth_zyx: np.ndarray


def load(case: str, number: int, clicks: float, seed: int) -> tuple[Sample, float]:
    """Return a membrane of a case, and the CPU-seconds from mesh and slab to what trains."""
    folder = ensure_case(case)
    mask = np.asarray(open_volume(folder / "segmentations" / f"mb{number}.mrc").data[...]) > 0
    mesh = mesh_segmentation(mask, VOXEL_A).meshes[0].mesh
    normals = vertex_normals_zyx(mesh)
    volume = np.asarray(open_volume(folder / "tomogram.mrc").data[...])
    depths = np.arange(FIRST_A, 140.1, SPACING_A)
    values = np.asarray(
        sample_slab(volume, mesh.vertices_zyx, normals, depths, VOXEL_A).values, np.float32
    )
    table = pd.DataFrame(starfile.read(folder / "gt" / f"mb{number}.star"))
    truth = table[[f"rlnCoordinate{axis}" for axis in "ZYX"]].to_numpy(float)
    start = time.process_time()
    rng = np.random.default_rng([seed, number])
    clicked = truth[rng.random(len(truth)) < clicks]
    apart = np.linalg.norm(clicked[:, None] - mesh.vertices_zyx[None], axis=2)
    far = VOXEL_A * distance_to(distance_graph(mesh), apart.argmin(axis=1), 15.0)
    target = torch.exp(-0.5 * (torch.from_numpy(far) / SIGMA_A).square())
    slab = torch.from_numpy((values - values.mean()) / values.std())[None]
    field = HeatField.of(make_heat(mesh, normals, VOXEL_A), CPU)
    return Sample(mesh, slab, field, target, truth), time.process_time() - start


def vary(slab: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return the band sampled anew: moved, stretched, its contrast changed, with noise."""
    draw = torch.rand(5, generator=generator)
    shift, step = VOXEL_A * (2 * draw[:1] - 1), 0.9 + 0.2 * draw[1:2]
    values = resample(slab, SPACING_A, FIRST_A, BAND_A, shift_A=shift, step=step)[0]
    noise = torch.randn(values.shape, generator=generator)
    return values * (0.8 + 0.4 * draw[2]) + 0.4 * (draw[3] - 0.5) + 0.3 * draw[4] * noise


def train(samples: list[Sample], steps: int, hot_share: float, seed: int) -> HeatNet:
    """Return the network after so many steps, one whole membrane each."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    net = HeatNet(len(BAND_A))
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=1e-3)
    for number in range(steps):
        warm, cosine = min(1.0, (number + 1) / 20), 0.5 * (1 + math.cos(math.pi * number / steps))
        optimizer.param_groups[0]["lr"] = 4e-3 * warm * cosine
        sample = samples[number % len(samples)]
        logits = net(vary(sample.slab, generator), sample.field)[None]
        target = sample.target[None, :, None]
        nothing = torch.zeros_like(target)
        labels = vertex_labels(target, nothing, nothing.bool(), torch.ones(target.shape[:2]).bool())
        hot = hot_share if number > 0.1 * steps else 0.0
        loss = hot_exclusion(as_grid(logits), labels, hot)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()


def peaks(net: HeatNet, sample: Sample) -> MeshPeaks:
    """Return the peaks of a membrane's scores."""
    with torch.no_grad():
        values = resample(sample.slab, SPACING_A, FIRST_A, BAND_A)[0]
        scores = torch.sigmoid(net(values, sample.field)[:, 0]).numpy()
    return find_mesh_peaks(sample.mesh, edge_graph(sample.mesh), scores, RADIUS, 0.02)


def choose_threshold(found: MeshPeaks, truth_zyx: np.ndarray) -> float:
    """Return the middle of the gap below the lowest score that is worth to be kept."""
    curve = pr_curve(found.zyx, found.scores, truth_zyx, TOLERANCE)
    last = int(np.flatnonzero(curve.f1 == curve.f1.max())[-1])
    below = curve.thresholds[last + 1] if last + 1 < len(curve.thresholds) else 0.0
    return float(0.5 * (curve.thresholds[last] + below))


def main() -> None:
    """Print one line a seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=sorted(MEMBRANE_OPTIONS), default="m15")
    parser.add_argument("--clicks", type=float, default=1.0, help="share of the particles clicked")
    parser.add_argument("--steps", type=int, default=90)
    parser.add_argument("--hot", type=float, default=None, help="default 0.03 with sparse clicks")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    options = parser.parse_args()
    torch.set_num_threads(1)
    hot = options.hot if options.hot is not None else (0.03 if options.clicks < 1 else 0.0)
    for seed in options.seeds:
        loaded = [
            load(options.case, n, options.clicks if n < 4 else 1.0, seed) for n in range(1, 6)
        ]
        samples = [sample for sample, _ in loaded]
        start = time.process_time()
        net = train(samples[:3], options.steps, hot, seed)
        seconds = time.process_time() - start + sum(took for _, took in loaded[:3])
        chosen, found = peaks(net, samples[3]), peaks(net, samples[4])
        threshold = choose_threshold(chosen, samples[3].truth_zyx)
        kept = found.above(threshold)
        truth = samples[4].truth_zyx
        precision, recall, f1 = precision_recall_f1(kept.zyx, truth, TOLERANCE)
        print(
            f"{options.case}, clicks {options.clicks:.0%}, seed {seed}: F1 {f1:.3f} "
            f"(precision {precision:.3f}, recall {recall:.3f}) at {threshold:.2f} "
            f"after {seconds:.1f} CPU-s",
            flush=True,
        )


if __name__ == "__main__":
    main()
