"""Batches over several membranes: every vertex is found again, and predicted once."""

import numpy as np
import pytest
import torch
from tests.membranes.shapes import normals, plane, sphere

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.operator_cache import mesh_operators
from tomoscribe.nets.diffusionnet import DiffusionNet
from tomoscribe.nets.mesh_batches import MeshBatches

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def meshes() -> list[TriangleMesh]:
    return [plane(20, 20, spacing=2.0), sphere(20.0, 3)]


@pytest.fixture(scope="module")
def batches(meshes: list[TriangleMesh], tmp_path_factory: pytest.TempPathFactory) -> MeshBatches:
    folder = tmp_path_factory.mktemp("operators")
    members = []
    for mesh in meshes:
        made = mesh_operators(
            mesh, normals(mesh), 10.0, name="m", k=30, core=150, total=250, folder=folder
        )
        members.append((mesh, 10.0, made))
    return MeshBatches(members, CPU)


def test_each_vertex_of_all_membranes_is_in_one_core(
    batches: MeshBatches, meshes: list[TriangleMesh]
) -> None:
    seen = torch.zeros(sum(len(mesh.vertices_zyx) for mesh in meshes), dtype=torch.long)
    for start in range(0, len(batches), 3):
        batch = batches.batch(range(start, min(start + 3, len(batches))))
        seen += torch.bincount(batch.index[batch.core], minlength=len(seen))
    assert (seen == 1).all()


def test_places_are_those_of_the_vertices_in_angstroms(
    batches: MeshBatches, meshes: list[TriangleMesh]
) -> None:
    every = 10.0 * np.concatenate([mesh.vertices_zyx for mesh in meshes])
    batch = batches.batch([0, len(batches) - 1])
    valid = batch.places.valid
    expected = torch.from_numpy(every).float()[batch.index[valid]]
    assert torch.allclose(batch.places.positions_A[valid], expected)
    assert batches.membrane_of[0] == 0
    assert batches.membrane_of[-1] == 1


def test_a_prediction_of_cores_covers_every_membrane(
    batches: MeshBatches, meshes: list[TriangleMesh]
) -> None:
    torch.manual_seed(0)
    net = DiffusionNet(16).eval()
    count = sum(len(mesh.vertices_zyx) for mesh in meshes)
    values = torch.randn(count, 16, generator=torch.Generator().manual_seed(0))
    scores = torch.full((count,), torch.nan)
    with torch.no_grad():
        for number in range(len(batches)):
            batch = batches.batch([number])
            maps = net(values[batch.index], batch.parts)[..., 0]
            scores[batch.index[batch.core]] = maps[batch.core]
    assert torch.isfinite(scores).all()
