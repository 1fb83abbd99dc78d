"""Which tomogram a membrane belongs to, when files have been moved; answers are remembered."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.io.own_folder import own_folder
from tomoscribe.io.volumes import is_volume

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_REMEMBERED = 500


def find_tomogram(
    container: Path,
    stored: str | None,
    relative: str | None = None,
    given: str | None = None,
    folders: Sequence[str | Path] = (),
) -> tuple[str | None, tuple[str, ...]]:
    """Return the path of a membrane's tomogram, None if it is not found, and notes.

    In this order: what the user gave; the relative path; the absolute one; its name beside the
    container, in `folders`, and where a file of the same folder was found before.

    Parameters
    ----------
    container : Path
        The membrane's file.
    stored, relative : str or None
        Paths in the file: absolute, and from its folder.
    given : str or None
        The user's answer. Where the file names another place, it is remembered.
    folders : sequence
        Where else to look by name.
    """
    if given is not None:
        if stored and not _is_there(stored):
            _remember(stored, given)
        return given, ()
    if relative and _is_there(str(container.parent / relative)):
        return os.path.normpath(container.parent / relative), ()
    if not stored:
        return None, ("The file names no tomogram.",)
    if _is_there(stored):
        return stored, ()
    for place in _candidates(container, stored, folders):
        if _is_there(str(place)):
            return str(place), (f"The tomogram {stored} is not there any more; {place} is read.",)
    return None, (f"The tomogram {stored} is not there any more: name it once, and it is kept.",)


def check_same_grid(
    container: Path,
    made_in: tuple[int, int, int] | None,
    found: str | None,
    shape_zyx: tuple[int, int, int] | None,
) -> None:
    """Raise if a membrane was made in a tomogram of another size than the one that was found."""
    if made_in is not None and made_in != shape_zyx:
        mine, other = (" x ".join(map(str, s)) for s in (made_in, shape_zyx or ()))
        raise TomoscribeError(
            f"{container} was made in a tomogram of {mine} voxels (z y x), {found} has {other}: "
            "name the tomogram that it was made in, or mesh the segmentation again."
        )


def _is_there(path: str) -> bool:
    # A part of a file is named behind "::". What the system lets no one look at is not there.
    return "://" in path or (os.path.exists(path.partition("::")[0]) and is_volume(path))


def _name_of(path: str) -> str:
    return PureWindowsPath(path).name if "\\" in path else Path(path).name


def _candidates(container: Path, stored: str, folders: Sequence[str | Path]) -> list[Path]:
    name = _name_of(stored)
    known = _remembered()
    places = [container.parent / name, container.parent.parent / name]
    places += [Path(folder) / name for folder in folders]
    if stored in known:
        places.insert(0, Path(known[stored]))
    folder = str(Path(stored).parent)
    if folder in known:
        places.append(Path(known[folder]) / name)
    return places


def _memory() -> Path:
    return own_folder() / "moved_tomograms.json"


def _remembered() -> dict[str, str]:
    """Return what was answered before: old path or folder → new one."""
    try:
        held = json.loads(_memory().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # A memory that is lost or damaged only means that the user is asked again.
        return {}
    return {str(k): str(v) for k, v in held.items()} if isinstance(held, dict) else {}


def _remember(stored: str, given: str) -> None:
    known = _remembered()
    place = given if "://" in given else os.path.abspath(given)
    answers = {stored: place}
    if _name_of(stored) == _name_of(given):
        answers[str(Path(stored).parent)] = str(Path(place).parent)
    if answers.items() <= known.items():
        return
    kept = dict(list({**known, **answers}.items())[-_MOST_REMEMBERED:])
    memory = _memory()
    # Where nothing can be kept, the user is asked again: no reason not to open the membrane.
    with suppress(OSError, TomoscribeError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_text_atomic(memory, json.dumps(kept, indent=1))
