"""Batched augmentation on the device: only what keeps the missing wedge as it is.

The wedge lies in the plane of beam (z) and tilt direction (x) and is symmetric, so that every
flip, and with it the half turn in the plane, gives a volume that could have been recorded.
Other turns do not.
"""

from __future__ import annotations

import torch
from torch import Tensor

GAIN = 0.2
"""Half range of the factor on a patch."""
OFFSET = 0.2
"""Half range of what is added to a patch, in standard deviations of the tomogram."""
NOISE = 0.3
"""Largest standard deviation of the noise added to a patch."""


def flip_each(patches: Tensor, flips: Tensor) -> Tensor:
    """Flip each patch (B, C, z, y, x) along the axes that `flips` (B, 3) says."""
    flipped = [
        patch.flip([axis + 1 for axis in range(3) if which[axis]])
        for patch, which in zip(patches, flips.tolist(), strict=True)
    ]
    return torch.stack(flipped)


def vary_intensity(patches: Tensor, generator: torch.Generator) -> Tensor:
    """Change gain, offset and noise of each patch (B, 1, z, y, x), in standard deviations."""
    count, device = len(patches), patches.device
    draw = torch.rand((3, count, 1, 1, 1, 1), generator=generator).to(device)
    scaled = patches * (1 + GAIN * (2 * draw[0] - 1)) + OFFSET * (2 * draw[1] - 1)
    if NOISE == 0:
        return scaled
    grain = torch.empty_like(patches)
    if device.type == "cpu":
        grain.normal_(generator=generator)
    else:
        grain.normal_()
    return scaled + NOISE * draw[2] * grain
