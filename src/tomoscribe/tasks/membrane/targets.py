"""What the labels say of each vertex, in the terms of the losses for sparse clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.project.model import TrainingSample
    from tomoscribe.tasks.membrane.prepared import PreparedMembrane
    from tomoscribe.tasks.tomogram.labels import SampleLabels

REJECTED_WEIGHT = 4.0
"""Loss weight around rejected picks and clicks of other classes."""
_SIGMA = 0.2
_REACH = 3.5
"""The target is nothing so many of its widths away from a click."""
_IGNORED_RADIUS = 0.4
_NEGATIVE_RADIUS = 0.35
"""In diameters, along the surface."""


class VertexLabels:
    """What is known of the vertices of a membrane, each (C, V).

    Parameters
    ----------
    target : array of float32
        Gaussian of the distance along the surface to the nearest click, 1 on it.
    negative : array of float32
        Weight of known negatives: rejected picks, clicks of other classes, complete patches.
    ignored : array of bool
        Around held-out clicks.
    distances_A : array of float32
        Along the surface to the nearest click, inf beyond the limit.
    """

    def __init__(
        self,
        target: NDArray[np.float32],
        negative: NDArray[np.float32],
        ignored: NDArray[np.bool_],
        distances_A: NDArray[np.float32],
    ) -> None:
        self.target, self.negative, self.ignored = target, negative, ignored
        self.distances_A = distances_A


def target_sigma_A(diameter_A: float, pixel_A: float) -> float:
    """Return the width of the target: a fifth of the particle, but wide enough for the pixels."""
    return max(_SIGMA * diameter_A, 1.3 * pixel_A)


def complete_mask(prepared: PreparedMembrane, sample: TrainingSample) -> NDArray[np.bool_]:
    """Return which vertices (V,) the user declared complete."""
    count = len(prepared.membrane.mesh.vertices_zyx)
    if sample.complete:
        return np.ones(count, bool)
    if not sample.patches:
        return np.zeros(count, bool)
    from tomoscribe.membranes.patches import patch_mask

    return patch_mask(prepared.graph, prepared.membrane.mesh.vertices_zyx, sample.patches)


def make_targets(
    prepared: PreparedMembrane,
    labels: SampleLabels,
    diameters_A: Sequence[float],
    sigmas_A: Sequence[float],
    certain: NDArray[np.bool_],
    limit_A: float = 0.0,
) -> VertexLabels:
    """Return the labels of a membrane's vertices.

    Parameters
    ----------
    prepared : PreparedMembrane
        The membrane.
    labels : SampleLabels
        Its picks by class.
    diameters_A : sequence of float
        Of each class.
    sigmas_A : sequence of float
        Width of the target of each class.
    certain : (V,) array of bool
        Where what is not clicked is background.
    limit_A : float
        How far distances are wanted.
    """
    target, negative, ignored, distances = [], [], [], []
    for index, part in enumerate(labels.points):
        diameter, sigma_A = diameters_A[index], sigmas_A[index]
        away = prepared.distances_A(part.clicked, max(_REACH * sigma_A, limit_A))
        gauss = np.exp(-0.5 * (away / sigma_A) ** 2).astype(np.float32)
        held = prepared.distances_A(part.held_out, _IGNORED_RADIUS * diameter)
        known = prepared.distances_A(labels.negatives_of(index), _NEGATIVE_RADIUS * diameter)
        wrong = np.isfinite(known) & (gauss < 0.3)
        ignore = np.isfinite(held)
        weight = np.where(wrong, REJECTED_WEIGHT, certain.astype(np.float32))
        target.append(gauss)
        negative.append(np.where(ignore, 0.0, weight).astype(np.float32))
        ignored.append(ignore)
        distances.append(away)
    return VertexLabels(
        np.stack(target), np.stack(negative), np.stack(ignored), np.stack(distances)
    )
