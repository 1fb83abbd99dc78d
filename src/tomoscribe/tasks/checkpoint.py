"""Reading a checkpoint file of any task: plain data, so that loading one runs no code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from pathlib import Path


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint's plain data; code in it is refused.

    Raises
    ------
    TomoscribeError
        If it is no checkpoint.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise TomoscribeError(f"There is no checkpoint {path}.") from error
    except Exception as error:  # a damaged file fails in many ways
        raise TomoscribeError(
            f"{path} is no checkpoint, or it is damaged; choose a file that a training wrote."
        ) from error
    if not isinstance(state, dict):
        raise TomoscribeError(f"{path} is no checkpoint of tomoscribe.")
    return state
