"""The one-second self-test that decides between float32 and bfloat16 on a device."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import nn

_LEAST_GAIN = 1.15
_LARGEST_DIFFERENCE = 0.1


@dataclass(frozen=True)
class PrecisionTest:
    """Seconds of a training step in both precisions, and the outputs' relative difference."""

    float32_s: float
    bfloat16_s: float
    difference: float

    @property
    def bfloat16_pays(self) -> bool:
        """Whether bfloat16 is faster and agrees."""
        return (
            self.bfloat16_s * _LEAST_GAIN < self.float32_s and self.difference < _LARGEST_DIFFERENCE
        )

    @property
    def reason(self) -> str:
        """Return the result as one line for the user."""
        return (
            f"self-test: bfloat16 {self.float32_s / self.bfloat16_s:.1f} times as fast as float32, "
            f"outputs differ by {100 * self.difference:.1f} %"
        )


def measure_precision(
    net: nn.Module, shape: tuple[int, ...], device: torch.device
) -> PrecisionTest:
    """Time a forward and backward pass on noise of `shape` (B, 1, z, y, x) in both precisions."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(shape, generator=generator).to(device)
    noise = noise.contiguous(memory_format=torch.channels_last_3d)
    # On a CPU the process's own seconds, so that a busy machine does not decide.
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    seconds, outputs = {}, {}
    state = {k: v.clone() for k, v in net.state_dict().items()}
    for dtype in (torch.float32, torch.bfloat16):
        best = float("inf")
        for _ in range(3):
            start = clock()
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype is torch.bfloat16):
                output = net(noise)
            output.float().square().mean().backward()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            best = min(best, clock() - start)
        seconds[dtype], outputs[dtype] = best, output.detach().float()
    net.zero_grad(set_to_none=True)
    net.load_state_dict(state)
    exact, half = outputs[torch.float32], outputs[torch.bfloat16]
    difference = float((exact - half).norm() / (exact - exact.mean()).norm().clamp_min(1e-6))
    return PrecisionTest(seconds[torch.float32], seconds[torch.bfloat16], difference)
