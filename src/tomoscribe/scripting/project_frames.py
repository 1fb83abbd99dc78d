"""What a project holds, as data frames with one row a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from tomoscribe.picks.table import PickState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomoscribe.project.store import Project


def tomogram_frame(project: Project) -> pd.DataFrame:
    """Return the tomograms by name: role, voxel_size_A, picks (accepted), membranes, path."""
    members = [m.tomogram for m in project.membranes.values()]
    rows = {
        name: (
            str(entry.role),
            entry.voxel_size_A,
            len(entry.picks.select(state=PickState.ACCEPTED)),
            members.count(name),
            entry.address,
        )
        for name, entry in project.tomograms.items()
    }
    return by_name(rows, ["role", "voxel_size_A", "picks", "membranes", "path"])


def membrane_frame(project: Project) -> pd.DataFrame:
    """Return the membranes by name: role, tomogram, picks (accepted), path."""
    rows = {}
    for name, entry in project.membranes.items():
        accepted = project.tomograms[entry.tomogram].picks.select(state=PickState.ACCEPTED)
        own = sum(p.membrane == name for p in accepted)
        rows[name] = (str(entry.role), entry.tomogram, own, str(entry.path))
    return by_name(rows, ["role", "tomogram", "picks", "path"])


def class_frame(project: Project) -> pd.DataFrame:
    """Return the particle classes by name: diameter_A, color."""
    rows = {c.name: (c.diameter_A, c.color) for c in project.classes}
    return by_name(rows, ["diameter_A", "color"])


def by_name(rows: Mapping[str, tuple[object, ...]], columns: list[str]) -> pd.DataFrame:
    """Return rows as a frame whose index is called `name`."""
    frame = pd.DataFrame.from_dict(dict(rows), orient="index", columns=columns)
    return frame.rename_axis("name")
