"""Settings of decoders as checkpoints and files of maps hold them, or else default ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tomoscribe.segmentation.decoder_settings import (
    DecoderSettings,
    default_settings,
    likely_dimension,
)
from tomoscribe.segmentation.maps import affinities_of, go_through

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomoscribe.segmentation.decoder_settings import Triple


def settings_by_class(
    stored: Mapping[str, Mapping[str, Any]],
    classes: Sequence[str],
    map_names: Sequence[str],
    *,
    instances: bool,
    exclusive: bool,
    shape_zyx: tuple[int, int, int],
    voxel_size_zyx_nm: Triple,
) -> dict[str, DecoderSettings]:
    """Return the settings that suit maps, by class.

    Parameters
    ----------
    stored : mapping of str to mapping
        By class, as a checkpoint or a file of maps tells them; those that this version of the
        program does not understand count as not told.
    classes, map_names : sequence of str
        Objects come from affinities where there are maps of them.
    instances, exclusive : bool
        Objects are told apart; a voxel has one class at most.
    shape_zyx : tuple of int
        Of the maps.
    voxel_size_zyx_nm : tuple of float
    """
    dimension = likely_dimension(shape_zyx, voxel_size_zyx_nm)
    found = {}
    for name in classes:
        offsets = affinities_of(name, map_names).values()
        if offsets and dimension != "2d":
            dimension = "3d" if go_through(offsets) else "linked"
        found[name] = _understood(stored.get(name)) or default_settings(
            "instance" if instances else "semantic",
            dimension,
            voxel_size_zyx_nm,
            exclusive=exclusive and len(classes) > 1,
            affinities=bool(offsets),
        )
    return found


def _understood(told: Mapping[str, Any] | None) -> DecoderSettings | None:
    if told is None:
        return None
    try:
        return DecoderSettings(**told)
    except ValidationError:
        return None  # of another version of the program
