"""What `tomoscribe decode` says besides: options that do not count, and why nothing was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tomoscribe.segmentation.decoder_settings import SEMANTIC_KINDS
from tomoscribe.segmentation.no_objects import lost_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tomoscribe.io.score_maps import ScoreMaps
    from tomoscribe.segmentation.decoded_files import Decoded
    from tomoscribe.segmentation.decoder_settings import DecoderSettings

_TWINS = {
    "min_area_nm2": "min_volume_nm3",
    "min_volume_nm3": "min_area_nm2",
    "min_seed_nm2": "min_seed_nm3",
    "min_seed_nm3": "min_seed_nm2",
}

_MOST_DIGITS = 7
"""As exact as stored scores are."""


def tell_unused(class_name: str, settings: DecoderSettings, given: Iterable[str]) -> None:
    """Say on stderr which options that were given do not count, and which do instead."""
    used = settings.in_use()
    for name in given:
        if name in used:
            continue
        twin = _TWINS.get(name)
        counts = [twin] if twin in used else used[2:]
        does = ", ".join(map(_option, counts)) or "no number"
        typer.echo(
            f"{_option(name)} does not count for {class_name}, which is decoded with --kind "
            f"{settings.kind} --dimension {settings.dimension}: there {does} counts.",
            err=True,
        )


def tell_nothing_found(
    opened: ScoreMaps,
    settings: Mapping[str, DecoderSettings],
    results: Sequence[Decoded],
    command: str = "",
) -> None:
    """Say on stderr why a class has no object, and what to change; by which command, if another."""
    header = opened.header
    for result in results:
        for index, name in enumerate(result.class_names):
            mine = settings[name]
            if mine.kind in SEMANTIC_KINDS or (result.class_of == index).any():
                continue
            rivals = [c for c in header.classes if c != name] if header.exclusive else []
            lost = lost_by(opened.data, header.maps, rivals, name, mine)
            why = _why(name, mine, lost.setting, lost.reached)
            typer.echo(f"{why} with `{command}`." if command else f"{why}.", err=True)


def _why(name: str, settings: DecoderSettings, setting: str, reached: float) -> str:
    if not setting:
        least = [n for n in settings.in_use() if n.startswith("min_")]
        values = " or ".join(f"{_option(n)} {getattr(settings, n):g}" for n in least)
        return f"All of {name} is smaller than {values}: give a smaller number"
    option, value = _option(setting), getattr(settings, setting)
    score = _apart(reached, value)
    if setting == "threshold":
        return (
            f"No voxel is {name}: the highest score is {score}, below {option} {value:g}; lower it"
        )
    if setting == "contour_threshold":
        return (
            f"No seed is left of {name}: wherever an object might begin, the contour's score is "
            f"{score} or more, and {option} {value:g} allows less only; raise it"
        )
    map_told = "its score" if setting == "seed_threshold" else "the map of distances"
    return (
        f"No seed is left of {name}: {map_told} is at most {score} where an object might "
        f"begin, below {option} {value:g}; lower it"
    )


def _apart(score: float, value: float) -> str:
    """Return a score with so many digits that it is on its side of the setting's value."""
    digits = 2
    while digits < _MOST_DIGITS and (round(score, digits) < value) != (score < value):
        digits += 1
    return f"{score:.{digits}f}"


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
