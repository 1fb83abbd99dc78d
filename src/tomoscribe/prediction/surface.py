"""Files of a prediction on a membrane: the container with its scores, picks with directions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tomoscribe.membranes.membrane import save_membrane

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.membranes.membrane import Membrane


def write_scored(
    path: Path, membrane: Membrane, heatmap: NDArray[np.float32], class_names: tuple[str, ...]
) -> None:
    """Write a membrane with its scores (class, 1, 1, V) as a container that MemBrain-pick reads."""
    scores = heatmap.reshape(len(class_names), -1)
    save_membrane(path, replace(membrane, scores=scores, class_names=class_names))


def tomogram_name(membrane: Membrane) -> str:
    """Return the name that picks give to their tomogram."""
    return PurePosixPath(membrane.tomogram).name if membrane.tomogram else membrane.name
