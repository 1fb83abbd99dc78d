"""Spatial transforms of a configuration as flips, transpositions and rotations of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from tomoscribe.training.cellmap_keys import CellMapConfig

FULL_TURN = (-180.0, 180.0)
NO_TURN = (0.0, 0.0)
_CUBE = 1.1
"""Edges of voxels that are turned about any axis by default differ by this factor at most."""


def turns(config: CellMapConfig, dimension: str, notes: list[str]) -> dict[str, Any]:
    """Return our settings for the spatial transforms; sentences tell what is left out.

    Raises
    ------
    TomoscribeError
        If one is unknown, or does not tell its axes.
    """
    given = config.spatial_transforms or {}
    unknown = given.keys() - {"mirror", "rotate", "transpose"}
    if unknown:
        raise TomoscribeError(
            f"spatial_transforms knows mirror, transpose and rotate, not {sorted(unknown)[0]}."
        )
    chances = {axis: _chance(value) for axis, value in _axes(given, "mirror", 0.5).items()}
    angles = {axis: _range(value) for axis, value in _axes(given, "rotate", FULL_TURN).items()}
    about = [axis for axis, (low, high) in angles.items() if low != high or low]
    tilts = [axis for axis in about if axis != "z"]
    asked = "spatial_transforms" in config.model_fields_set
    scale = (config.target_array_info or config.input_array_info).scale
    if dimension != "3d":
        # Windows are sections: what turns at all turns within them.
        angles = {"z": angles.get("z") or max(angles.values(), key=_width, default=NO_TURN)}
        if tilts and asked:
            notes.append(
                f"rotate about {', '.join(tilts)}: sections are turned within their plane, never "
                "out of it."
            )
    elif tilts and not asked and max(scale) > _CUBE * min(scale):
        angles = {}
        notes.append(
            f"Nothing is turned about {', '.join(tilts)}, as it is by default: voxels are no "
            "cubes, and what is tilted looks like nothing in the image. Set rotate to turn it."
        )
    return {
        "turns": bool(given),
        "scale": 1.0,
        "flips_zyx": tuple(chances.get(axis, 0.0) for axis in "zyx"),
        "quarter_turns": False,
        "transpose": sorted(_axes(given, "transpose", True), reverse=True),
        **{f"rotate_{axis}": angles.get(axis, NO_TURN) for axis in "zyx"},
    }


def _axes(given: dict[str, Any], name: str, default: Any) -> dict[str, Any]:
    """Return what a transform says of each axis; those of a list have the default."""
    found = given.get(name)
    if found is None:
        return {}
    axes = found.get("axes", {}) if isinstance(found, dict) else found
    by_axis = dict(axes) if isinstance(axes, dict) else dict.fromkeys(axes, default)
    if not by_axis.keys() <= {"x", "y", "z"}:
        raise TomoscribeError(f"{name} of spatial_transforms has the axes x, y, z, not {axes!r}.")
    return by_axis


def _chance(value: Any) -> float:
    """Return a chance.

    Raises
    ------
    TomoscribeError
        If it is none.
    """
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise TomoscribeError(f"mirror of spatial_transforms needs chances, 0 to 1, not {value!r}.")
    return float(value)


def _range(value: Any) -> tuple[float, float]:
    """Return degrees from and to; one number stands for both directions.

    Raises
    ------
    TomoscribeError
        If it is neither.
    """
    try:
        low, high = value if isinstance(value, (list, tuple)) else (-value, value)
        return float(low), float(high)
    except (TypeError, ValueError):
        raise TomoscribeError(
            f"rotate of spatial_transforms needs degrees from and to, not {value!r}."
        ) from None


def _width(span: tuple[float, float]) -> float:
    return abs(span[1] - span[0])
