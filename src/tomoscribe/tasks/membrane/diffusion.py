"""MemBrain-pick's architecture at work: parts of a mesh with operators, distances as targets.

What it does differently, because it was found wrong there: distances are geodesic, labels are never
cached, cores of the parts share out the mesh, and weights of 0 keep what is unknown out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from tomoscribe.membranes.geodesics import edge_graph
from tomoscribe.membranes.operator_cache import mesh_operators
from tomoscribe.nets.diffusionnet import DiffusionNet
from tomoscribe.nets.mesh_augment import MeshAugmentation, Places, augment, standardise
from tomoscribe.nets.mesh_losses import (
    PEER_DISTANCE_UNIT_A,
    mean_shift_loss,
    scores_from_distances,
    weighted_mse,
)
from tomoscribe.nets.mesh_parts import ResidentParts
from tomoscribe.nets.mesh_sparse import Rows, on_diagonal
from tomoscribe.tasks.membrane.targets import REJECTED_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from tomoscribe.tasks.membrane.plan import MembranePlan
    from tomoscribe.tasks.membrane.prepared import PreparedMembrane
    from tomoscribe.tasks.membrane.settings import MembraneSettings
    from tomoscribe.tasks.membrane.targets import VertexLabels

_PARTS_AT_ONCE = 8
_PROBABILITY = 0.3
"""Of each augmentation where the peer does not use all of them always."""


def make_net(plan: MembranePlan, classes: int) -> nn.Module:
    """Return the network of a plan."""
    options = plan.diffusion
    return DiffusionNet(
        plan.depths,
        classes,
        width=int(options["c_width"]),
        blocks=int(options["n_block"]),
        conv_width=int(options["conv_width"]),
        normal_convolution=bool(options["one_d_conv_first"]),
        dropout=bool(options["dropout"]),
        gradient_features=bool(options["gradient_features"]),
        gradient_rotations=bool(options["gradient_rotations"]),
    )


class DiffusionMembrane:
    """A membrane on the device, as parts with operators.

    Parameters
    ----------
    prepared : PreparedMembrane
        The membrane.
    plan : MembranePlan
        Band, depths and the network's options.
    device : torch.device
        Where it shall be.
    """

    def __init__(
        self, prepared: PreparedMembrane, plan: MembranePlan, device: torch.device
    ) -> None:
        self.prepared, self.plan = prepared, plan
        membrane = prepared.membrane
        self._made = mesh_operators(
            membrane.mesh,
            membrane.normals_zyx,
            membrane.voxel_size_A,
            name=membrane.name,
            k=int(plan.diffusion["k_eig"]),
        )
        self._edges = edge_graph(membrane.mesh) * membrane.voxel_size_A
        self._profiles = prepared.profiles(plan)
        self.count = len(membrane.mesh.vertices_zyx)
        self.to(device)

    def to(self, device: torch.device) -> None:
        """Move it to a device."""
        self.device = device
        self.parts = ResidentParts(self._made.operators, device)
        self._values = torch.from_numpy(self._profiles).to(device)
        size = self.prepared.membrane.voxel_size_A
        positions = self.prepared.membrane.mesh.vertices_zyx * size
        self._positions = torch.from_numpy(positions.astype(np.float32)).to(device)
        self._rows = [
            Rows.of(self._edges[part.vertices][:, part.vertices].tocsr(), device)
            for part in self._made.parts
        ]
        if hasattr(self, "_given"):
            self.set_labels(*self._given)

    def set_labels(self, labels: VertexLabels, clicked: Sequence[tuple[int, float]]) -> None:
        """Take labels over; `clicked` are vertices with weights, 0 or less for none."""
        self._given = (labels, clicked)
        largest = self.plan.diffusion["max_distance_A"]
        distance = np.minimum(labels.distances_A, largest) / PEER_DISTANCE_UNIT_A
        weight = np.where(labels.ignored, 0.0, 1.0)
        weight = np.where(labels.negative >= REJECTED_WEIGHT, REJECTED_WEIGHT**0.5, weight)
        self._target = torch.from_numpy(distance.T.astype(np.float32)).to(self.device)
        self._weight = torch.from_numpy(weight.T.astype(np.float32)).to(self.device)
        self._particles = torch.from_numpy((labels.distances_A.T < 1.0) | (labels.target.T > 0.97))

    def batch(self, chosen: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return padded vertex numbers (B, N) of parts and which are no padding (B, N)."""
        parts = [self._made.parts[i].vertices for i in chosen]
        most = max(map(len, parts))
        numbers = np.zeros((len(parts), most), np.int64)
        valid = np.zeros((len(parts), most), bool)
        for row, vertices in enumerate(parts):
            numbers[row, : len(vertices)], valid[row, : len(vertices)] = vertices, True
        return torch.from_numpy(numbers).to(self.device), torch.from_numpy(valid).to(self.device)

    def _chosen(self, numbers: Tensor, valid: Tensor) -> Tensor:
        """Return the profiles (B, N, depths) of parts, 0 in the padding.

        They have mean 0 and deviation 1 over the membrane, so that scores do not step where parts
        meet. Checkpoints that do not say so were trained on parts that had it each by itself.
        """
        values = self._values[numbers]
        if self.plan.diffusion.get("part_statistics", 1.0):
            return standardise(values, valid)
        return values * valid.unsqueeze(-1)

    def loss(
        self,
        net: nn.Module,
        settings: MembraneSettings,
        rng: np.random.Generator,
        generator: torch.Generator,
    ) -> Tensor:
        """Return the loss of some parts, drawn by chance."""
        count = min(len(self._made.parts), self.plan.batch)
        chosen = rng.permutation(len(self._made.parts))[:count].tolist()
        numbers, valid = self.batch(chosen)
        values = self._chosen(numbers, valid)
        if settings.augment:
            edges = on_diagonal([self._rows[i] for i in chosen], *(2 * [numbers.shape[1]]))
            places = Places(self._positions[numbers], valid, edges)
            values = augment(values, places, augmentation(settings), generator)
        predicted = net(values, self.parts.batch(chosen))
        weight = self._weight[numbers] * valid.unsqueeze(-1)
        loss = weighted_mse(predicted, self._target[numbers], weight)
        if settings.mean_shift_loss:
            loss = loss + self._mean_shift(predicted, numbers, valid, settings)
        return loss

    def _mean_shift(
        self, predicted: Tensor, numbers: Tensor, valid: Tensor, settings: MembraneSettings
    ) -> Tensor:
        total = predicted.sum() * 0.0
        for row, own in enumerate(valid):
            at = numbers[row][own]
            for index in range(predicted.shape[-1]):
                particles = self._positions[at[self._particles[at.cpu(), index].to(self.device)]]
                total = total + mean_shift_loss(
                    self._positions[at],
                    predicted[row, own, index],
                    particles,
                    bandwidth=settings.mean_shift_bandwidth_A,
                    iterations=settings.mean_shift_iterations,
                    margin=settings.mean_shift_margin_A,
                    precision=0.0,
                )
        return total / (len(valid) * PEER_DISTANCE_UNIT_A)

    def predict(
        self,
        net: nn.Module,
        near_zyx: NDArray[np.float64] | None = None,
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield the scores (C, V) of the whole membrane: every part's own vertices."""
        scores: NDArray[np.float32] | None = None
        largest = self.plan.diffusion["max_distance_A"] / PEER_DISTANCE_UNIT_A
        for start in range(0, len(self._made.parts), _PARTS_AT_ONCE):
            chosen = list(range(start, min(start + _PARTS_AT_ONCE, len(self._made.parts))))
            numbers, valid = self.batch(chosen)
            with torch.inference_mode():
                values = self._chosen(numbers, valid)
                maps = scores_from_distances(net(values, self.parts.batch(chosen)), largest).cpu()
            if scores is None:
                scores = np.zeros((maps.shape[-1], self.count), np.float32)
            for row, index in enumerate(chosen):
                part = self._made.parts[index]
                own = maps[row, : len(part.vertices)].numpy()[part.core]
                scores[:, part.vertices[part.core]] = own.T
        if scores is not None:
            yield 0, scores


def augmentation(settings: MembraneSettings) -> MeshAugmentation:
    """Return the peer's augmentation without what is switched off."""
    off = {
        "surface_sigma_A": (settings.smooth_surface, (0.0, 0.0)),
        "normal_reach": (settings.smooth_normal, (0, 0)),
        "dropout": (settings.drop_values, (0.0, 0.0)),
        "noise": (settings.add_noise, (0.0, 0.0)),
        "shift": (settings.shift_values, (0.0, 0.0)),
        "scale": (settings.scale_values, (1.0, 1.0)),
        "gamma": (settings.bend_values, (1.0, 1.0)),
        "patches": (settings.erase_patches, (0, 0)),
        "slope": (settings.brightness_slope, (0.0, 0.0)),
        "local_gamma": (settings.bend_locally, (1.0, 1.0)),
    }
    ranges = {name: nothing for name, (wanted, nothing) in off.items() if not wanted}
    probability = 1.0 if settings.augment_always else _PROBABILITY
    return MeshAugmentation(probability=probability, **ranges)  # type: ignore[arg-type]
