"""Networks of segmentations by name, all of one shape: a box in, logits of its voxels out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from tomoscribe.errors import TomoscribeError
from tomoscribe.nets.resnet import ResNet
from tomoscribe.nets.trusted_net import TrustedNet
from tomoscribe.nets.unet import UNet3d
from tomoscribe.nets.unet2d import UNet2d
from tomoscribe.nets.vitnet import ViTNet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Triple = tuple[int, int, int]

Dimension = Literal["2d", "2.5d", "3d"]


class VoxelNet(nn.Module):
    """Maps boxes (B, 1, z + 2 context, y, x) to logits (B, output, z, y, x), whatever is inside.

    Parameters
    ----------
    net : nn.Module
        Of sections (B, 1 + 2 context, y, x), or of boxes (B, 1, z, y, x).
    sections : bool
        Which of the two.
    context : int
        Neighbouring sections on each side that a section is seen with.
    """

    def __init__(self, net: nn.Module, *, sections: bool, context: int = 0) -> None:
        super().__init__()
        self.net, self.sections, self.context = net, sections, context

    @property
    def multiple_zyx(self) -> Triple:
        """Voxels of the box along each axis must be a multiple of this."""
        multiple: Triple = self.net.multiple_zyx  # type: ignore[assignment]
        return multiple

    def forward(self, boxes: Tensor) -> Tensor:
        """Return logits (B, output, z, y, x) of boxes (B, 1, z + 2 context, y, x)."""
        if not self.sections:
            result: Tensor = self.net(boxes.contiguous(memory_format=torch.channels_last_3d))
            return result
        count, depth = len(boxes), boxes.shape[2] - 2 * self.context
        stack = boxes[:, 0].unfold(1, 2 * self.context + 1, 1)  # (B, z, y, x, channel)
        images = stack.permute(0, 1, 4, 2, 3).flatten(0, 1)
        logits: Tensor = self.net(images.contiguous(memory_format=torch.channels_last))
        return logits.reshape(count, depth, *logits.shape[1:]).transpose(1, 2)

    def place(self, device: torch.device) -> VoxelNet:
        """Move to a device, with channels last in memory, which is faster everywhere."""
        layout = torch.channels_last if self.sections else torch.channels_last_3d
        self.to(device)
        for module in self.modules():
            rank = 2 if isinstance(module, nn.Conv2d) else 3
            if isinstance(module, (nn.Conv2d, nn.Conv3d)) and (rank == 2) == self.sections:
                module.to(memory_format=layout)  # type: ignore[call-overload]
        return self


def _unet(dims: int, inputs: int, outputs: int, **options: Any) -> nn.Module:
    if dims == 2:
        options.pop("steps", None)
        return UNet2d(inputs, outputs, **options)
    return UNet3d(outputs, stem=1, prior=0.1, **options)


NETS: dict[str, Callable[..., nn.Module]] = {
    "unet": _unet,
    "resnet": ResNet,
    "vit": ViTNet,
    "file": TrustedNet,
}
"""By name: called with `dims` 2 or 3, `inputs`, `outputs` and options; each net has
`multiple_zyx`."""


def make_net(
    name: str,
    dimension: Dimension,
    outputs: int,
    *,
    width: int,
    levels: int,
    steps: Sequence[Triple],
    options: dict[str, Any] | None = None,
) -> VoxelNet:
    """Return a network by its name.

    Parameters
    ----------
    name : str
        One of `NETS`.
    dimension : {"2d", "2.5d", "3d"}
    outputs : int
        Logits of a voxel.
    width, levels : int
        Channels of the first level, and resolutions.
    steps : sequence of (int, int, int)
        Voxels along z, y, x that each level takes together; of 3D networks.
    options : dict, optional
        Of the network's own.

    Raises
    ------
    TomoscribeError
        If there is no such network, or it does not know an option or cannot be with it.
    """
    if name not in NETS:
        raise TomoscribeError(f"There is no network '{name}'; there are: {', '.join(NETS)}.")
    context = 1 if dimension == "2.5d" else 0
    dims = 3 if dimension == "3d" else 2
    given: dict[str, Any] = {"width": width, "levels": levels}
    if dims == 3:
        given["steps"] = tuple(steps)
    try:
        net = NETS[name](dims, 1 + 2 * context, outputs, **{**given, **(options or {})})
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise TomoscribeError(
            f"The network '{name}' does not take these options ({error}); "
            "correct net_options [model_kwargs]."
        ) from error
    return VoxelNet(net, sections=dims == 2, context=context)
