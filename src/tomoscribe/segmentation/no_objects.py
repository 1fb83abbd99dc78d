"""Why nothing of a class was found: which setting left no voxel over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.segmentation.levels import as_floats, at_least
from tomoscribe.segmentation.maps import map_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.segmentation.decoder_settings import DecoderSettings

_SECTIONS = 16
"""Read at once."""


@dataclass(frozen=True)
class Lost:
    """The setting that left nothing of a class over.

    Parameters
    ----------
    setting : str
        A name of `DecoderSettings`; empty where voxels to begin with are left, so that the least
        sizes dropped what came of them.
    reached : float
        The score 0..1 that is reached; of contours the lowest where an object might begin.
    """

    setting: str
    reached: float = 0.0


def lost_by(
    maps: Any,
    map_names: Sequence[str],
    others: Sequence[str],
    name: str,
    settings: DecoderSettings,
) -> Lost:
    """Tell why decoding found no object of a class, a few sections at a time.

    Parameters
    ----------
    maps : (map, Z, Y, X) array
        As `decoders.decode` takes them.
    map_names : sequence of str
    others : sequence of str
        Classes that exclude this one; they take what they are likelier for.
    name : str
    settings : DecoderSettings
        Of a kind that tells objects apart.
    """
    at = {each: i for i, each in enumerate(map_names)}
    steps: dict[str, float] = {}
    for z in range(0, maps.shape[1], _SECTIONS):
        part = np.asarray(maps[:, z : z + _SECTIONS])
        mine = part[at[name]]
        left = np.ones(mine.shape, dtype=bool)
        for other in others:
            left &= mine >= part[at[other]]
        for setting, scores, kept in _conditions(part, at, name, settings):
            inside = scores[left]
            if inside.size:
                lowest = setting == "contour_threshold"
                best = float(as_floats(inside.min() if lowest else inside.max()))
                known = steps.get(setting, best)
                steps[setting] = min(known, best) if lowest else max(known, best)
            left &= kept
        if left.any():
            return Lost("")
    setting = list(steps)[-1] if steps else "threshold"
    return Lost(setting, steps.get(setting, 0.0))


def _conditions(
    part: NDArray[Any], at: dict[str, int], name: str, settings: DecoderSettings
) -> list[tuple[str, NDArray[Any], NDArray[np.bool_]]]:
    """Return settings in their order, with the scores they look at and where those suffice."""
    mine = part[at[name]]
    found = [("threshold", mine, at_least(mine, settings.threshold))]
    if not settings.kind.startswith("watershed"):
        return found
    found.append(("seed_threshold", mine, at_least(mine, settings.seed_threshold)))
    contour, distance = (at.get(map_name(name, kind)) for kind in ("contour", "distance"))
    if contour is not None:
        kept = ~at_least(part[contour], settings.contour_threshold)
        found.append(("contour_threshold", part[contour], kept))
    if settings.kind == "watershed_distance" and distance is not None:
        kept = at_least(part[distance], settings.distance_threshold)
        found.append(("distance_threshold", part[distance], kept))
    return found
