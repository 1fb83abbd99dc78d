"""What kind of thing a path is: one answer for viewer, command line and training."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tomoscribe.io.image_lists import is_list, is_tiles
from tomoscribe.io.membrane_h5 import is_membrane_file
from tomoscribe.io.meshes import is_mesh_file
from tomoscribe.io.pick_files import is_pick_file
from tomoscribe.io.volumes import is_image, is_volume

Kind = Literal[
    "volume", "picks", "membrane", "mesh", "project", "run", "checkpoint", "training folder"
]

_CHECKPOINTS = (".ckpt", ".pt", ".pth")


def kind_of(path: str | Path) -> Kind | None:
    """Return what `path` is, by its suffix, its content, or the files in the folder.

    Addresses (`s3://...`) are volumes. None: nothing that tomoscribe opens, or not there.
    """
    if "://" in str(path) or "::" in str(path):
        return "volume" if is_volume(path) else None
    place = Path(path)
    if not place.exists():
        return None
    if place.is_dir():
        if (place / "project.yaml").is_file():
            return "project"
        # A queued run has no events yet.
        marks = ("status.json", "events.jsonl")
        if (place / "config.yaml").is_file() and any((place / m).is_file() for m in marks):
            return "run"
        if is_volume(place):
            return "volume"
        if (place / "train").is_dir():
            return "training folder"
        return "volume" if is_image(place) else None
    if place.suffix.lower() in _CHECKPOINTS:
        return "checkpoint"
    # A container of a membrane is HDF5 too, and its name tells nothing.
    if is_membrane_file(place):
        return "membrane"
    if is_mesh_file(place):
        return "mesh"
    # Lists and tiles have the suffixes of picks.
    if is_list(place) or is_tiles(place):
        return "volume"
    if is_pick_file(place):
        return "picks"
    return "volume" if is_image(place) else None
