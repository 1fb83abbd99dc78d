"""What is asked to be decoded: maps with names and a voxel size, and settings that suit them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.score_maps import MapsHeader, ScoreMaps, open_score_maps
from tomoscribe.segmentation.decoder_settings import DecoderSettings, presets
from tomoscribe.segmentation.maps import map_name, maps_of_classes
from tomoscribe.segmentation.stored_settings import settings_by_class

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Triple = tuple[float, float, float]


def open_to_decode(
    path: Path, names: Sequence[str] = (), voxel_size_zyx_nm: Triple | None = None
) -> tuple[ScoreMaps, Triple]:
    """Open a file of maps, and return it with names and voxel size, and that size in nm.

    Parameters
    ----------
    path : Path
        As `predict` writes it, or AutoSeg.
    names : sequence of str
        Of the maps, in their order; default those of the file, else foreground, contour and
        distance of one class, as AutoSeg has them.
    voxel_size_zyx_nm : tuple of float, optional
        Counts over the file's.

    Raises
    ------
    TomoscribeError
        If it cannot be opened, has no voxel size, or has other maps than are named.
    """
    opened = open_score_maps(path)
    size = voxel_size_zyx_nm or opened.header.voxel_size_zyx_nm
    if size is None:
        raise TomoscribeError(
            f"The voxel size of {path} is unknown: give it in nm with --voxel-size-nm."
        )
    header = _named(opened.header, opened.data.shape[0], names, path)
    return ScoreMaps(opened.data, replace(header, voxel_size_zyx_nm=size)), size


def settings_asked(
    opened: ScoreMaps, preset: str | None, given: Mapping[str, Any]
) -> dict[str, DecoderSettings]:
    """Return the settings by class: those that are given, of a preset, of the file, or usual ones.

    Parameters
    ----------
    opened : ScoreMaps
        With names and voxel size.
    preset : str or None
        Of AutoSeg.
    given : mapping of str to value
        Fields of `DecoderSettings`.

    Raises
    ------
    TomoscribeError
        If there is no such preset or setting, or a value cannot be.
    """
    size = opened.header.voxel_size_zyx_nm
    if size is None:
        raise TomoscribeError("The maps have no voxel size.")
    of_preset = presets(size)
    if preset is not None and preset not in of_preset:
        raise TomoscribeError(
            f"There is no preset '{preset}'; presets are: {', '.join(of_preset)}."
        )
    usual = {name: _usual(opened, name) for name in opened.header.classes}
    return {
        name: _with(start if preset is None else of_preset[preset], given)
        for name, start in usual.items()
    }


def _named(header: MapsHeader, count: int, names: Sequence[str], path: Path) -> MapsHeader:
    """Return the header with names; those given, those of the file, or in AutoSeg's order."""
    if names or not header.maps:
        kinds = "foreground", "contour", "distance"
        names = names or [map_name("object", k) for k in kinds[:count]]
        if len(names) != count:
            raise TomoscribeError(f"{path} has {count} maps: name each with --map.")
        classes = tuple(maps_of_classes(names))
        return MapsHeader(tuple(names), classes, header.exclusive, {}, header.voxel_size_zyx_nm)
    return header


def _usual(opened: ScoreMaps, class_name: str) -> DecoderSettings:
    header = opened.header
    assert header.voxel_size_zyx_nm is not None
    return settings_by_class(
        header.decoder,
        header.classes,
        header.maps,
        instances=map_name(class_name, "contour") in header.maps,
        exclusive=header.exclusive,
        shape_zyx=opened.data.shape[1:],
        voxel_size_zyx_nm=header.voxel_size_zyx_nm,
    )[class_name]


def _with(start: DecoderSettings, given: Mapping[str, Any]) -> DecoderSettings:
    try:
        return DecoderSettings.model_validate({**start.model_dump(), **given})
    except ValidationError as error:
        told = error.errors()[0]
        name = str(told["loc"][0])
        raise TomoscribeError(f"{name} {told['input']}: {told['msg']}.") from error
