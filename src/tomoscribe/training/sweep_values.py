"""Which settings are worth a sweep, and sensible values around what the plan chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args, get_origin

from tomoscribe.training.setting_keys import DEFAULTS, FIELDS, flat_values
from tomoscribe.training.sweep import BAND, DIAMETER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomoscribe.tasks.settings import TrainingSettings

_BOTH = ("learning_rate", "max_minutes", "width", "batch", "hold_out", "seed")
_VOXELS = (
    "voxels.dimension",
    "voxels.loss",
    "learning_rate",
    "max_minutes",
    "width",
    "batch",
    "voxels.hold_out_labels",
    "seed",
)
OFFERED: dict[str, tuple[str, ...]] = {
    "tomogram": (DIAMETER, "bin", "patch", "loss", *_BOTH),
    "membrane": (BAND, "membrane.depths", "membrane.radius_A", DIAMETER, *_BOTH),
    "semantic": _VOXELS,
    "instance": ("voxels.contour_width", *_VOXELS),
}
"""What the dock offers to vary, by task, the likeliest to matter first."""

WIDER_A = 40.0
"""A second depth band reaches so much further on both sides: a membrane's own thickness."""

FACTORS: dict[str, tuple[float, ...]] = {
    "learning_rate": (0.3, 1.0, 3.0),
    "patch": (1.0, 1.5),
    "membrane.radius_A": (0.7, 1.0, 1.4),
}
"""By what a value is multiplied; the others are doubled, which is the smallest step that shows."""


def suggest(key: str, settings: TrainingSettings, planned: Mapping[str, object]) -> str:
    """Return values to try, as a text that `sweep.parse` reads; empty where nothing is known.

    Parameters
    ----------
    key : str
        One of `OFFERED`.
    settings : TrainingSettings
        What the user has set, which goes first.
    planned : mapping of str to object
        What the plan chose for the last training, or would choose, by the plan's names.
    """
    if key == DIAMETER:
        return "0.8, 1, 1.25"
    if key == BAND:
        return _bands(settings, planned)
    if key == "seed":
        first = settings.seed
        return f"{first}, {first + 1}, {first + 2}"
    if get_origin(FIELDS[key].annotation) is Literal:
        return ", ".join(get_args(FIELDS[key].annotation))
    value = flat_values(settings)[key]
    if value is None:
        value = planned.get(key.rpartition(".")[2], DEFAULTS[key])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if key == "bin" and value > 1:
        return f"{value - 1}, {value}, {value + 1}"
    return ", ".join(_multiple(value, factor) for factor in FACTORS.get(key, (1.0, 2.0)))


def _bands(settings: TrainingSettings, planned: Mapping[str, object]) -> str:
    own = settings.membrane
    low: object = planned.get("band_low_A") if own.band_low_A is None else own.band_low_A
    high: object = planned.get("band_high_A") if own.band_high_A is None else own.band_high_A
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return ""
    return f"{low:.0f}:{high:.0f}, {low - WIDER_A:.0f}:{high + WIDER_A:.0f}"


def _multiple(value: float, factor: float) -> str:
    return f"{round(value * factor)}" if isinstance(value, int) else f"{value * factor:.3g}"
