"""Files of a project that were moved: which are gone, and where they are now."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tomoscribe.project.store import Project

MOST_LOOKED_AT = 50_000
"""Files below a chosen folder that are looked at for a name; somebody may choose the root."""


@dataclass(frozen=True)
class Lost:
    """Files that are gone from one folder.

    `folder` is the highest folder that is gone with them, or the one that they lay in.
    """

    folder: Path
    files: tuple[Path, ...]

    @property
    def words(self) -> str:
        """What is gone, for the user."""
        if len(self.files) == 1:
            return f"{self.files[0]} is gone."
        return f"{len(self.files)} files of {self.folder} are gone."


def used_files(project: Project) -> list[Path]:
    """Return the files that a project uses: tomograms, membranes, the current model."""
    paths = [entry.path for entry in project.tomograms.values() if "://" not in entry.address]
    paths += [entry.path for entry in project.membranes.values()]
    paths += [project.model] if project.model is not None else []
    return list(dict.fromkeys(paths))


def find_lost(files: Iterable[Path]) -> list[Lost]:
    """Return which files are gone, folder by folder; it asks the disk for each one.

    A file that cannot be asked for, as its disk does not answer, is not gone.
    """
    lost: dict[Path, list[Path]] = {}
    for path in files:
        place = _place(path)
        if _is_gone(place):
            lost.setdefault(_highest_gone(place), []).append(path)
    return [Lost(folder, tuple(paths)) for folder, paths in lost.items()]


def find_again(lost: Lost, folder: Path) -> dict[Path, Path]:
    """Look for lost files in the folder that they were moved to.

    Parameters
    ----------
    lost : Lost
        What is gone.
    folder : Path
        Where to look: what was below `lost.folder` is looked for at the same place below
        it, then by its name anywhere below it. A name that is there twice is not taken.

    Returns
    -------
    dict
        New path of each file that is found, by its old one.
    """
    found: dict[Path, Path] = {}
    for path in lost.files:
        there = folder / path.relative_to(lost.folder)
        if not _is_gone(_place(there)):
            found[path] = there
    missing = {p: _place(p).name for p in lost.files if p not in found}
    if missing:
        places = _by_name(folder, set(missing.values()))
        for path, name in missing.items():
            if len(places.get(name, ())) == 1:
                _, part, inner = str(path).partition("::")
                found[path] = Path(f"{places[name][0]}{part}{inner}")
    return found


def relocate(project: Project, old: Path, new: Path) -> dict[Path, Path]:
    """Let a project use the files of folder `old` where they are below `new` now.

    Also files that are still at the old place move, so that a relocation can be taken back by
    telling it the other way round.

    Returns
    -------
    dict
        New path of each file that was found, by its old one.

    Raises
    ------
    TomoscribeError
        If the project uses no file of `old`, none is found below `new`, or it cannot be saved.
    """
    old, new = (p.expanduser().absolute() for p in (old, new))
    files = tuple(p for p in used_files(project) if p.is_relative_to(old))
    if not files:
        raise TomoscribeError(f"The project {project.path} uses no file of {old}.")
    moved = find_again(Lost(old, files), new)
    if not moved:
        raise TomoscribeError(
            f"None of the {len(files)} files of {old} that the project uses is below {new}: "
            "choose the folder that they were moved to."
        )
    project.move_files(moved)
    return moved


def words_of(moved: Mapping[Path, Path], lost: Lost) -> str:
    """Return how many of what was lost was found again."""
    missing = len(lost.files) - len(moved)
    found = f"{len(moved)} file{'s' * (len(moved) != 1)} found again"
    return f"{found}, {missing} still missing." if missing else f"{found}."


def _place(path: Path) -> Path:
    """Return the file on the disk, of a path that may name a part of it."""
    return Path(str(path).partition("::")[0])


def _is_gone(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _highest_gone(path: Path) -> Path:
    folder = path.parent
    while folder.parent != folder and _is_gone(folder) and _is_gone(folder.parent):
        folder = folder.parent
    return folder


def _by_name(folder: Path, names: set[str]) -> dict[str, list[Path]]:
    places: dict[str, list[Path]] = {}
    for place in _walk(folder):
        if place.name in names:
            places.setdefault(place.name, []).append(place)
    return places


def _walk(folder: Path) -> Iterator[Path]:
    """Yield files and folders below a folder: a volume may be either."""
    looked_at = 0
    for parent, folders, files in os.walk(folder):
        for name in (*files, *folders):
            yield Path(parent, name)
            looked_at += 1
        if looked_at >= MOST_LOOKED_AT:
            return
        # The chunks of a volume are many and no volumes.
        folders[:] = [name for name in folders if not name.endswith(".zarr")]
