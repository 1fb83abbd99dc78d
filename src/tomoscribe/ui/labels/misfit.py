"""Why a file that seems meant as labels cannot be those of the image in view."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_volume import looks_like_labels, looks_rescaled
from tomoscribe.project.label_checks import check_shapes

if TYPE_CHECKING:
    from tomoscribe.io.volumes import Volume
    from tomoscribe.project.model import TomogramEntry

NAMED = re.compile(r"(?<![a-z])(label|seg|mask)", re.IGNORECASE)
"""In names of files that somebody takes for labels."""


def misfit(
    place: str, volume: Volume, entry: TomogramEntry, shown: Volume, *, read: bool
) -> str | None:
    """Return in a sentence why a file is not labels of the image in view.

    Parameters
    ----------
    place : str
        The file.
    volume : Volume
        What it holds.
    entry, shown : TomogramEntry, Volume
        The image in view.
    read : bool
        Look at values, too; otherwise the name of the file alone tells what it is meant as.

    Returns
    -------
    str or None
        None if it fits, or seems to be an image.

    Raises
    ------
    TomoscribeError
        If it cannot be read.
    """
    name = Path(place).name
    try:
        rescaled = read and looks_rescaled(volume)
        meant = NAMED.search(name) is not None or rescaled or (read and looks_like_labels(volume))
    except OSError as error:
        raise TomoscribeError(f"{place} cannot be read: {error}") from error
    if not meant:
        return None
    try:
        check_shapes(entry.name, shown.shape_zyx, name, volume.shape_zyx)
    except TomoscribeError as error:
        return f"{error} Or open the file as an image of its own."
    if rescaled:
        return (
            f"{name} has the shape of {entry.name}, but fractions or values below 0, which number "
            "no class or object. Save it again with its whole numbers, or open it as an image."
        )
    return None
