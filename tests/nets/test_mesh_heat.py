"""The heat network: whole meshes without seams, learning what lies around a vertex."""

import numpy as np
import pytest
import torch
from tests.membranes.shapes import normals, plane

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.heat import make_heat
from tomoscribe.membranes.partition import partition_mesh
from tomoscribe.nets.mesh_heat import HeatField, HeatNet

CPU = torch.device("cpu")


def _field(mesh: TriangleMesh) -> HeatField:
    return HeatField.of(make_heat(mesh, normals(mesh), 10.0, (15.0, 30.0)), CPU)


def _net(blocks: int = 2) -> HeatNet:
    torch.manual_seed(1)
    net = HeatNet(8, 2, width=8, blocks=blocks, scales=2)
    torch.nn.init.normal_(net.head[-1].weight)
    return net.eval()


def test_the_order_of_the_vertices_does_not_matter() -> None:
    mesh = plane(14, 12)
    shuffle = np.random.default_rng(0).permutation(14 * 12)
    place = np.argsort(shuffle)
    shuffled = TriangleMesh(mesh.vertices_zyx[shuffle], place[mesh.faces])
    x = torch.randn(14 * 12, 8, generator=torch.Generator().manual_seed(0))
    net = _net()
    with torch.no_grad():
        one, other = net(x, _field(mesh)), net(x[torch.from_numpy(shuffle)], _field(shuffled))
    assert torch.allclose(one[torch.from_numpy(shuffle)], other, atol=1e-5)


def test_cores_of_parts_give_what_the_whole_mesh_gives() -> None:
    mesh = plane(60, 60, spacing=1.5)
    x = torch.randn(3600, 8, generator=torch.Generator().manual_seed(0))
    net = _net()
    with torch.no_grad():
        whole = net(x, _field(mesh))
        stitched = torch.full_like(whole, torch.nan)
        for part in partition_mesh(mesh, core=900, total=2600):
            own = TriangleMesh(mesh.vertices_zyx[part.vertices], part.faces)
            scores = net(x[torch.from_numpy(part.vertices)], _field(own))
            core = torch.from_numpy(part.core)
            stitched[torch.from_numpy(part.vertices[part.core])] = scores[core]
    assert (stitched - whole).abs().max() < 0.01 * whole.std()


def test_it_learns_a_mark_that_is_beside_the_vertex() -> None:
    mesh = plane(30, 30)
    field = _field(mesh)
    generator = torch.Generator().manual_seed(2)
    x = 0.3 * torch.randn(900, 8, generator=generator)
    # What makes a particle is on the ring around it, and nothing in its middle.
    centres = torch.tensor([30 * 7 + 8, 30 * 20 + 9, 30 * 14 + 22])
    positions = torch.from_numpy(mesh.vertices_zyx).float()
    apart = torch.cdist(positions, positions[centres]).min(dim=1).values
    x[(apart > 1.5) & (apart < 3.0), 3] += 3.0
    target = torch.exp(-0.5 * (apart / 1.0).square())
    torch.manual_seed(0)
    net = HeatNet(8, 1, width=12, scales=2)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    for _ in range(60):
        logits = net(x, field)[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        scores = net.eval()(x, field)[:, 0]
    assert set(scores.topk(3).indices.tolist()) == set(centres.tolist())


@pytest.mark.parametrize("gradients", [True, False])
def test_every_parameter_is_used(gradients: bool) -> None:
    mesh = plane(10, 10)
    net = HeatNet(8, 1, width=8, scales=2, gradients=gradients)
    torch.nn.init.normal_(net.head[-1].weight)
    net(torch.randn(100, 8), _field(mesh)).square().sum().backward()
    assert all(values.grad is not None for values in net.parameters())
