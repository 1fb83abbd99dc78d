"""The own architecture at work: charts resident on the device, batches drawn, maps put together."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import torch

from tomoscribe.nets.losses import Labels
from tomoscribe.nets.mesh_augment import resample
from tomoscribe.tasks.membrane.network import ChartNet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from tomoscribe.tasks.membrane.charts import Charts
    from tomoscribe.tasks.membrane.plan import MembranePlan
    from tomoscribe.tasks.membrane.prepared import PreparedMembrane
    from tomoscribe.tasks.membrane.targets import VertexLabels

_CHARTS_AT_ONCE = 64
_MOST_VERTICES = 40_000
"""Vertices that are predicted at once, so that a large mesh answers in parts."""
_GAIN = 0.2
_OFFSET = 0.1
_NOISE = 0.2
"""Of the augmentation, in standard deviations of the density."""


def make_net(plan: MembranePlan, classes: int) -> nn.Module:
    """Return the network of a plan."""
    return ChartNet(plan.depths, classes, plan.width)


class LocalMembrane:
    """A membrane on the device, as charts with profiles.

    Parameters
    ----------
    prepared : PreparedMembrane
        The membrane.
    plan : MembranePlan
        Band, depths and charts.
    device : torch.device
        Where it shall be.
    training : bool
        Whether it is trained on: keeps what lies above and below the band, too.
    """

    def __init__(
        self,
        prepared: PreparedMembrane,
        plan: MembranePlan,
        device: torch.device,
        *,
        training: bool = False,
    ) -> None:
        self.prepared, self.plan = prepared, plan
        self._values = torch.from_numpy(prepared.profiles(plan))
        self._wide = torch.empty(0)
        if training:
            self._wide = torch.from_numpy(prepared.profiles(plan, training_depths_A(plan)))
        self._charts: Charts | None = None
        self._corners = self._shares = torch.empty(0)
        self.count = len(prepared.membrane.mesh.vertices_zyx)
        self.to(device)

    def to(self, device: torch.device) -> None:
        """Move it to a device."""
        self.device = device
        self._values, self._wide = self._values.to(device), self._wide.to(device)
        if self._charts is not None:
            self._corners, self._shares = self._corners.to(device), self._shares.to(device)

    @property
    def charts(self) -> Charts:
        """The charts of the whole surface."""
        if self._charts is None:
            charts = self.prepared.charts(self.plan)
            self._corners, self._shares = self._tensors(charts)
            self._charts = charts
        return self._charts

    def _tensors(self, charts: Charts) -> tuple[Tensor, Tensor]:
        corners = torch.from_numpy(charts.corners).to(self.device)
        return corners, torch.from_numpy(charts.shares).to(self.device)

    # ---- training -----------------------------------------------------------------------------

    def set_labels(self, labels: VertexLabels, clicked: Sequence[tuple[int, float]]) -> None:
        """Take labels over.

        Parameters
        ----------
        labels : VertexLabels
            Of every vertex.
        clicked : sequence of (vertex, weight)
            Where to look more often.
        """
        self._labels = [
            torch.from_numpy(np.ascontiguousarray(part.T.astype(np.float32))).to(self.device)
            for part in (labels.target, labels.negative, labels.ignored)
        ]
        charts = self.charts
        weight = np.zeros(self.count)
        for vertex, more in clicked:
            weight[vertex] += more
        self.weights = np.bincount(
            charts.owners, weight[charts.vertices] * charts.weights, minlength=len(charts)
        )

    def draw(self, chart: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return a chart, turned and flipped by chance.

        Returns
        -------
        profiles : (S, P, P) tensor
            At `training_depths_A`.
        labels : (3 C + 1, P, P) tensor
            Targets, negative weights and ignored of each class, then where the surface is and
            the network can know it.
        """
        _ = self.charts
        corners, shares = self._corners[chart].long(), self._shares[chart][..., None]
        profiles = (self._wide[corners] * shares).sum(-2)
        known = [(part[corners] * shares).sum(-2) for part in self._labels]
        surface = (shares.sum(-2) > 0).float()
        rim = self.plan.margin - 1
        surface[:rim], surface[-rim:], surface[:, :rim], surface[:, -rim:] = 0, 0, 0, 0
        both = torch.cat([profiles, *known, surface], dim=-1).permute(2, 0, 1)
        both = torch.rot90(both, int(rng.integers(4)), (1, 2))
        if rng.random() < 0.5:
            both = both.flip(2)
        return both[: profiles.shape[-1]], both[profiles.shape[-1] :]

    # ---- prediction ---------------------------------------------------------------------------

    def parts(self) -> list[tuple[int, int]]:
        """Return the ranges of vertices that are predicted at once."""
        edges = [*range(0, self.count, _MOST_VERTICES), self.count]
        return list(itertools.pairwise(edges))

    def predict(
        self, net: nn.Module, near_zyx: NDArray[np.float64] | None = None
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield first vertex and scores (C, n) of each range; they cover all vertices.

        The range that comes nearest to a position in voxels is first.
        """
        parts = self.parts()
        if near_zyx is not None and len(parts) > 1:
            away = np.linalg.norm(self.prepared.membrane.mesh.vertices_zyx - near_zyx, axis=1)
            parts.sort(key=lambda part: float(away[slice(*part)].min()))
        for lo, hi in parts:
            if len(parts) == 1:
                charts = self.charts
                corners, shares = self._corners, self._shares
            else:
                charts = self.prepared.charts(self.plan, np.arange(lo, hi))
                corners, shares = self._tensors(charts)
            yield lo, self._predict(net, charts, corners, shares)[:, lo:hi]

    def _predict(
        self, net: nn.Module, charts: Charts, corners: Tensor, shares: Tensor
    ) -> NDArray[np.float32]:
        maps = []
        with torch.inference_mode():
            for start in range(0, len(charts), _CHARTS_AT_ONCE):
                chosen = slice(start, start + _CHARTS_AT_ONCE)
                at, share = corners[chosen].long(), shares[chosen][..., None]
                profiles = (self._values[at] * share).sum(-2).permute(0, 3, 1, 2)
                maps.append(net(profiles).float().cpu())
        return put_together(torch.cat(maps).numpy(), charts, self.count)


def put_together(maps: NDArray[np.float32], charts: Charts, count: int) -> NDArray[np.float32]:
    """Return scores (C, V) from the logits (N, C, P, P) of charts: weighted means at the vertices.

    Weights fall to nothing at a chart's inner rim, so that there are no seams.
    """
    low = np.floor(charts.places).astype(np.int64)
    high_share = charts.places - low
    classes = maps.shape[1]
    total = np.zeros((classes, count))
    for row in (0, 1):
        for column in (0, 1):
            part_row = high_share[:, 0] if row else 1 - high_share[:, 0]
            part_column = high_share[:, 1] if column else 1 - high_share[:, 1]
            weight = part_row * part_column * charts.weights
            values = maps[charts.owners, :, low[:, 0] + row, low[:, 1] + column]
            for index in range(classes):
                total[index] += np.bincount(charts.vertices, values[:, index] * weight, count)
    mass = np.bincount(charts.vertices, charts.weights, count)
    logits = total / np.maximum(mass, 1e-12)
    scores = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    return np.where(mass > 0, scores, 0.0).astype(np.float32)


def draw_batch(
    membranes: Sequence[LocalMembrane],
    plan: MembranePlan,
    rng: np.random.Generator,
    generator: torch.Generator,
    *,
    augment: bool = True,
) -> tuple[Tensor, Labels]:
    """Return a batch of charts (B, depths, P, P) and its labels (B, C, 1, P, P).

    Half of them show clicks, the others lie anywhere.
    """
    sizes = np.array([len(one.charts) for one in membranes])
    of = np.repeat(np.arange(len(membranes)), sizes)
    first = np.concatenate([[0], np.cumsum(sizes)])
    weights = np.concatenate([one.weights for one in membranes])
    half = plan.batch // 2 if weights.sum() > 0 else 0
    chosen = list(rng.integers(len(of), size=plan.batch - half))
    if half:
        chosen += list(rng.choice(len(of), size=half, p=weights / weights.sum()))
    drawn = [membranes[of[i]].draw(int(i - first[of[i]]), rng) for i in chosen]
    profiles = torch.stack([one for one, _ in drawn])
    known = torch.stack([one for _, one in drawn])
    classes = (known.shape[1] - 1) // 3
    ignored = (known[:, 2 * classes : 3 * classes] > 0.5) | (known[:, -1:] < 0.5)
    labels = Labels(
        known[:, :classes].masked_fill(ignored, 0.0)[:, :, None],
        known[:, classes : 2 * classes].masked_fill(ignored, 0.0)[:, :, None],
        ignored[:, :, None],
    )
    profiles = sample_band(profiles, plan, generator, augment=augment)
    return vary(profiles, generator) if augment else profiles, labels


def training_depths_A(plan: MembranePlan) -> NDArray[np.float64]:
    """Return depths that reach as far as a moved, stretched and rough band, evenly spaced.

    The band's own depths are among them.
    """
    band = plan.band_high_A - plan.band_low_A
    step = 0.5 * band / (plan.depths - 1)
    slack = plan.slab_shift_A + 0.5 * band * plan.slab_stretch + 2 * plan.slab_jitter_A
    more = int(np.ceil(slack / step))
    places = np.arange(-more, 2 * (plan.depths - 1) + more + 1)
    return np.asarray(plan.band_low_A + step * places, dtype=np.float64)


def sample_band(
    wide: Tensor, plan: MembranePlan, generator: torch.Generator, *, augment: bool
) -> Tensor:
    """Return profiles (B, depths, P, P) of those at `training_depths_A` (B, S, P, P).

    Augmented, the band is moved, stretched and rough.
    """
    count, _, size, _ = wide.shape
    depths = training_depths_A(plan)
    flat = wide.flatten(2).transpose(1, 2)
    device = wide.device
    # Whole shifts up, down or none, as fractions of one were no better in two trials.
    moved = torch.randint(-1, 2, (count,), generator=generator) * plan.slab_shift_A
    stretched = 1 + plan.slab_stretch * (2 * torch.rand(count, generator=generator) - 1)
    rough = torch.randn((count, size * size), generator=generator) if plan.slab_jitter_A else None
    sampled = resample(
        flat,
        float(depths[1] - depths[0]),
        float(depths[0]),
        torch.linspace(plan.band_low_A, plan.band_high_A, plan.depths, device=device),
        shift_A=moved.to(device) if augment else None,
        step=stretched.to(device) if augment else None,
        jitter_A=(plan.slab_jitter_A * rough).to(device) if augment and rough is not None else None,
    )
    return sampled.transpose(1, 2).reshape(count, -1, size, size)


def vary(profiles: Tensor, generator: torch.Generator) -> Tensor:
    """Return profiles with gain, offset and noise."""
    shape = (len(profiles), 1, 1, 1)
    gain = 1 + _GAIN * (2 * torch.rand(shape, generator=generator) - 1)
    offset = _OFFSET * torch.randn(shape, generator=generator)
    noise = _NOISE * torch.randn(profiles.shape, generator=generator)
    device = profiles.device
    return profiles * gain.to(device) + offset.to(device) + noise.to(device)
