"""Which network, which resident form of a membrane and which batches belong to an architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.tasks.membrane import local

if TYPE_CHECKING:
    import torch
    from torch import nn

    from tomoscribe.tasks.membrane.plan import MembranePlan
    from tomoscribe.tasks.membrane.prepared import PreparedMembrane

Resident = local.LocalMembrane


def make_net(plan: MembranePlan, classes: int) -> nn.Module:
    """Return the network of a plan."""
    return local.make_net(plan, classes)


def place(
    prepared: PreparedMembrane, plan: MembranePlan, device: torch.device, *, training: bool
) -> Resident:
    """Return a membrane on a device, as the plan's network needs it."""
    shift = plan.slab_shift_A if training else 0.0
    shifts = (0.0, -shift, shift) if shift else (0.0,)
    return local.LocalMembrane(prepared, plan, device, shifts)
