"""Steps of a training without a trainer."""

from typing import Any


def make_steps(module: Any, count: int) -> list[float]:
    """Make steps as the trainer does; return their losses."""
    losses = []
    for _ in range(count):
        loss = module.training_step(None, 0)
        module.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        module.optimizer.step()
        losses.append(float(loss.detach()))
    return losses
