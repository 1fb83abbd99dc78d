"""What the plan of a training chose, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = {
    "softmax": "classes exclude each other",
    "contour_3d": "contours between sections",
    "contour_width": "half width of contours",
    "depth_known": "distance of sections known",
    "reduction_zyx": "voxels averaged, z y x",
    "steps_zyx": "voxels that each level takes together, z y x",
    "kinds": "maps of each class",
    "net": "network",
    "net_options": "options of the network",
    "distance_scale": "pixels at which the distance map is 1",
    "steps": "most steps",
}
"""Of choices whose own names say little."""
ENDS = {"_zyx_nm": ", z y x in nm", "_zyx": ", z y x", "_nm": " in nm", "_A": " in Å"}


def plan_lines(plan: Mapping[str, object], reasons: Mapping[str, str]) -> list[str]:
    """Return a line for each choice, with its reason; what holds nothing is left out."""
    lines = []
    for name, value in plan.items():
        if value in ({}, [], ()):
            continue
        reason = f" ({reasons[name]})" if reasons.get(name) else ""
        lines.append(f"{name_of(name)}: {value_of(name, value)}{reason}")
    return lines


def name_of(name: str) -> str:
    """Return what a choice is called."""
    if name in NAMES:
        return NAMES[name]
    end = next((end for end in ENDS if name.endswith(end)), "")
    return name.removesuffix(end).replace("_", " ") + ENDS.get(end, "")


def value_of(name: str, value: object) -> str:
    """Return a value as people write it; None as what the plan leaves open."""
    if value is None:
        return "as many as the time allows" if name == "steps" else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {value_of('', each)}" for key, each in value.items())
    if isinstance(value, (list, tuple)):
        numbers = all(isinstance(each, (int, float)) for each in value)
        between = " × " if numbers and "zyx" in name else ", "
        return between.join(value_of(name, each) for each in value)
    return str(value)
