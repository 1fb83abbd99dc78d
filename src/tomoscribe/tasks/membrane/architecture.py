"""Which network, which resident form of a membrane and which loss belong to an architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tomoscribe.nets.losses import hot_exclusion, non_negative_pu
from tomoscribe.tasks.membrane import diffusion, local

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import torch
    from torch import Tensor, nn

    from tomoscribe.tasks.membrane.plan import MembranePlan
    from tomoscribe.tasks.membrane.prepared import PreparedMembrane
    from tomoscribe.tasks.settings import TrainingSettings

Resident = local.LocalMembrane | diffusion.DiffusionMembrane

_PRIOR = 0.01
"""Share of the surface near particle centres where the user gives none."""


def make_net(plan: MembranePlan, classes: int) -> nn.Module:
    """Return the network of a plan."""
    if plan.architecture == "diffusionnet":
        return diffusion.make_net(plan, classes)
    return local.make_net(plan, classes)


def place(
    prepared: PreparedMembrane, plan: MembranePlan, device: torch.device, *, training: bool
) -> Resident:
    """Return a membrane on a device, as the plan's network needs it."""
    if plan.architecture == "diffusionnet":
        return diffusion.DiffusionMembrane(prepared, plan, device)
    return local.LocalMembrane(prepared, plan, device, training=training)


def draw_loss(
    net: nn.Module,
    membranes: Sequence[Resident],
    plan: MembranePlan,
    settings: TrainingSettings,
    hot_share: float,
    rng: np.random.Generator,
    generator: torch.Generator,
) -> Tensor:
    """Draw a batch and return its loss."""
    if plan.architecture == "diffusionnet":
        parts = cast("Sequence[diffusion.DiffusionMembrane]", membranes)
        one = parts[int(rng.integers(len(parts)))]
        return one.loss(net, settings.membrane, rng, generator)
    charts = cast("Sequence[local.LocalMembrane]", membranes)
    profiles, labels = local.draw_batch(
        charts, plan, rng, generator, augment=settings.membrane.augment
    )
    logits = net(profiles)[:, :, None]
    if settings.loss == "nnpu":
        return non_negative_pu(logits, labels, settings.prior or _PRIOR)
    return hot_exclusion(logits, labels, hot_share)
