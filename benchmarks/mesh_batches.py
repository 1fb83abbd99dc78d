"""Batches of parts of several membranes for `mesh_operators.py`: operators, places, vertices.

What is known of each vertex (densities, targets, weights) stays in one tensor over all vertices of
all membranes, and is looked up by `index`: new labels touch nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.geodesics import edge_graph
from tomoscribe.nets.mesh_augment import Places
from tomoscribe.nets.mesh_parts import PartBatch, ResidentParts
from tomoscribe.nets.mesh_sparse import Rows, on_diagonal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.membranes.operator_cache import MeshOperators


@dataclass(frozen=True)
class MeshBatch:
    """B parts of up to N vertices.

    Parameters
    ----------
    parts : PartBatch
        Operators; its `valid` says what is no padding.
    places : Places
        Positions and edges, for augmentation.
    index : (B, N) tensor of int64
        Each vertex among all vertices of all membranes in a row; 0 where padded.
    core : (B, N) tensor of bool
        Vertices that the part answers for; padding is none.
    """

    parts: PartBatch
    places: Places
    index: Tensor
    core: Tensor


class MeshBatches:
    """Parts of several membranes, resident on a device.

    Parameters
    ----------
    membranes : sequence of (TriangleMesh, float, MeshOperators)
        Mesh in voxels, its voxel size in Å, and its parts with operators.
    device : torch.device
        Where all shall be.
    """

    def __init__(
        self,
        membranes: Sequence[tuple[TriangleMesh, float, MeshOperators]],
        device: torch.device,
    ) -> None:
        self.membrane_of: list[int] = []
        """Number of the membrane of each part."""
        self._index: list[Tensor] = []
        self._core: list[Tensor] = []
        self._positions: list[Tensor] = []
        self._edges: list[Rows] = []
        before = 0
        for number, (mesh, voxel_size_A, made) in enumerate(membranes):
            positions = mesh.vertices_zyx * voxel_size_A
            for part in made.parts:
                own = TriangleMesh(positions[part.vertices], part.faces)
                self.membrane_of.append(number)
                self._index.append(torch.from_numpy(part.vertices + before).to(device))
                self._core.append(torch.from_numpy(part.core).to(device))
                self._positions.append(torch.from_numpy(own.vertices_zyx).float().to(device))
                self._edges.append(Rows.of(edge_graph(own), device))
            before += len(positions)
        operators = [one for _, _, made in membranes for one in made.operators]
        self._operators = ResidentParts(operators, device)

    def __len__(self) -> int:
        return len(self._index)

    def batch(self, chosen: Sequence[int]) -> MeshBatch:
        """Return some parts together."""
        parts = self._operators.batch(chosen)
        n = parts.mass.shape[1]

        def padded(of: list[Tensor]) -> Tensor:
            return pad_sequence([of[number] for number in chosen], batch_first=True)

        edges = on_diagonal([self._edges[number] for number in chosen], n, n)
        places = Places(padded(self._positions), parts.valid, edges)
        return MeshBatch(parts, places, padded(self._index), padded(self._core))
