"""DiffusionNet: the published maths, the same whatever a part is batched with."""

import numpy as np
import pytest
import torch
from tests.membranes.shapes import normals, plane, sphere
from torch.nn import functional

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.operators import Operators, make_operators
from tomoscribe.nets.diffusionnet import DiffusionBlock, DiffusionNet
from tomoscribe.nets.mesh_parts import ResidentParts

CPU = torch.device("cpu")


def _operators(mesh: TriangleMesh, k: int) -> Operators:
    return make_operators(mesh.vertices_zyx, mesh.faces, normals(mesh), k)


@pytest.fixture(scope="module")
def operators() -> list[Operators]:
    return [
        _operators(sphere(0.3, 2), 20),
        _operators(plane(12, 11, spacing=0.05), 20),
        _operators(plane(3, 4, spacing=0.05), 20),  # fewer vertices than eigenvectors
    ]


def _awake(net: torch.nn.Module) -> torch.nn.Module:
    """Give diffusion times and biases values that a young net does not have."""
    torch.manual_seed(3)
    with torch.no_grad():
        for name, values in net.named_parameters():
            if name.endswith("time"):
                values.uniform_(1e-4, 1e-2)
    return net.eval()


def _features(operators: list[Operators], channels: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(len(one.mass), channels, generator=generator) for one in operators]


def _batched(features: list[torch.Tensor]) -> torch.Tensor:
    n = max(len(one) for one in features)
    return torch.stack(
        [functional.pad(one, (0, 0, 0, n - len(one)), value=7.0) for one in features]
    )


@pytest.mark.parametrize("normal_convolution", [True, False])
@pytest.mark.parametrize("gradient_features", [True, False])
def test_a_batch_gives_what_each_part_gives_alone(
    operators: list[Operators], normal_convolution: bool, gradient_features: bool
) -> None:
    net = _awake(
        DiffusionNet(
            16, 2, normal_convolution=normal_convolution, gradient_features=gradient_features
        )
    )
    parts, features = ResidentParts(operators, CPU), _features(operators, 16)
    together = net(_batched(features), parts.batch([0, 1, 2]))
    assert together.shape == (3, 162, 2)
    for number, own in enumerate(features):
        alone = net(own[None], parts.batch([number]))[0]
        assert torch.allclose(together[number, : len(own)], alone, atol=1e-5)


def test_gradients_of_a_batch_are_the_sum_of_those_of_its_parts(operators: list[Operators]) -> None:
    net = _awake(DiffusionNet(16, normal_convolution=True))
    parts, features = ResidentParts(operators, CPU), _features(operators, 16)
    batch = parts.batch([0, 1, 2])
    (net(_batched(features), batch).squeeze(-1) ** 2 * batch.valid).sum().backward()
    together = [values.grad.clone() for values in net.parameters()]
    net.zero_grad()
    for number, own in enumerate(features):
        net(own[None], parts.batch([number])).square().sum().backward()
    for one, values in zip(together, net.parameters(), strict=True):
        assert torch.allclose(one, values.grad, rtol=1e-3, atol=1e-3)


def test_a_block_does_what_the_paper_says(operators: list[Operators]) -> None:
    one = operators[1]
    block = _awake(DiffusionBlock(5, (8, 8)))
    x = _features([one], 5)[0]
    with torch.no_grad():
        got = block(x[None], ResidentParts([one], CPU).batch([0]))[0].numpy()
    f, time = x.double().numpy(), block.diffusion.time.detach().double().numpy()
    spectrum = one.eigenvectors.T @ (one.mass[:, None] * f)
    diffused = one.eigenvectors @ (np.exp(-one.eigenvalues[:, None] * time) * spectrum)
    gradient = one.gradient_x @ diffused + 1j * (one.gradient_y @ diffused)
    mix = block.gradients.real.weight.detach().double().numpy() + 1j * (
        block.gradients.imaginary.weight.detach().double().numpy()
    )
    turned = np.tanh((gradient.conj() * (gradient @ mix.T)).real)
    joined = torch.from_numpy(np.concatenate([f, diffused, turned], axis=1)).float()
    with torch.no_grad():
        expected = x + block.mlp(joined)
    assert np.allclose(got, expected.numpy(), atol=1e-4)


def test_the_convolution_runs_along_each_normal_alone(operators: list[Operators]) -> None:
    net = _awake(DiffusionNet(16)).normal
    x = _features([operators[0]], 16)[0][None]
    batch = ResidentParts(operators[:1], CPU).batch([0])
    with torch.no_grad():
        got = net(x, batch)
        rows = net.block(x, batch)[0][:, None]
        for layer in (net.first, net.second):
            rows = functional.conv1d(rows, layer.weight[:, :, 0], layer.bias, padding=1)
            rows = functional.max_pool1d(functional.relu(rows), 3, 1, 1)
    assert torch.allclose(got[0], x[0] + rows[:, 0], atol=1e-5)


def test_gradients_of_the_convolution_are_those_of_pytorchs_own_pooling(
    operators: list[Operators],
) -> None:
    net = _awake(DiffusionNet(16)).normal
    x = _features([operators[0]], 16)[0][None].requires_grad_()
    batch = ResidentParts(operators[:1], CPU).batch([0])
    weight = torch.randn(x.shape, generator=torch.Generator().manual_seed(9))
    parameters = [x, *net.parameters()]
    own = torch.autograd.grad((net(x, batch) * weight).sum(), parameters)
    rows = net.block(x, batch)[0][:, None]
    for layer in (net.first, net.second):
        rows = functional.conv1d(rows, layer.weight[:, :, 0], layer.bias, padding=1)
        rows = functional.max_pool1d(functional.relu(rows), 3, 1, 1)
    plain = torch.autograd.grad(((x[0] + rows[:, 0])[None] * weight).sum(), parameters)
    for one, other in zip(own, plain, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4)


def test_the_default_net_has_the_parameters_that_the_peer_uses() -> None:
    # 9,701 of which its second separable block, 994, is never called.
    assert sum(values.numel() for values in DiffusionNet(16).parameters()) == 9701 - 994


def test_diffusion_times_learn_although_they_start_at_nothing(operators: list[Operators]) -> None:
    net = DiffusionNet(16, normal_convolution=False)
    net(
        _features(operators, 16)[1][None], ResidentParts(operators, CPU).batch([1])
    ).sum().backward()
    assert all(block.diffusion.time.grad.abs().max() > 0 for block in net.blocks)


def test_turning_the_tangent_frames_changes_nothing(operators: list[Operators]) -> None:
    one = operators[0]
    angle = np.random.default_rng(1).uniform(0, 6, len(one.mass))[:, None]
    turned = Operators(
        one.mass,
        one.laplacian,
        one.eigenvalues,
        one.eigenvectors,
        (one.gradient_x * np.cos(angle) + one.gradient_y * np.sin(angle)).tocsr(),
        (one.gradient_y * np.cos(angle) - one.gradient_x * np.sin(angle)).tocsr(),
    )
    net, x = _awake(DiffusionNet(16)), _features([one], 16)[0][None]
    parts = ResidentParts([one, turned], CPU)
    with torch.no_grad():
        first, second = (net(x, parts.batch([number])) for number in (0, 1))
    assert torch.allclose(first, second, atol=1e-4)


def test_it_learns(operators: list[Operators]) -> None:
    torch.manual_seed(0)
    net, batch = DiffusionNet(16), ResidentParts(operators, CPU).batch([0, 1])
    x = _batched(_features(operators[:2], 16))
    target = x[..., 4] * 2 + 1
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    losses = []
    for _ in range(30):
        loss = ((net(x, batch).squeeze(-1) - target)[batch.valid] ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
