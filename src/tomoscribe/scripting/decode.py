"""Decoding from a script: predicted maps to labels, as often as wanted; it needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_write import LABEL_SUFFIXES, require_other_place
from tomoscribe.io.voxel_size import edges_nm
from tomoscribe.prediction.settings import PredictionSettings
from tomoscribe.scripting.label_files import LabelFile
from tomoscribe.segmentation.decode_request import open_to_decode, settings_asked
from tomoscribe.segmentation.decoded_files import decode_file
from tomoscribe.segmentation.user_decoder import function_decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tomoscribe.segmentation.blockwise import DecodeBox
    from tomoscribe.segmentation.decoder_settings import DecoderSettings

_MOST_VOXELS: int = PredictionSettings.model_fields["decode_voxels"].default


def decode(
    maps: str | Path,
    out: str | Path,
    *,
    preset: str | None = None,
    map_names: Sequence[str] = (),
    voxel_size_nm: float | tuple[float, float, float] | None = None,
    function: Callable[..., Any] | None = None,
    halo: tuple[int, int, int] | None = None,
    decode_voxels: int = _MOST_VOXELS,
    progress: Callable[[float], None] | None = None,
    **settings: object,
) -> list[LabelFile]:
    """Turn predicted maps into labels: classes, or objects told apart.

    Parameters
    ----------
    maps : str or Path
        What `segment` wrote (.zarr, .h5), or AutoSeg's OUTPUT.h5.
    out : str or Path
        Labels: .tif, .mrc, .h5 or .zarr.
    preset : {"Semantic2D", "Semantic3D", "Instance2D", "Instance3D"}, optional
        AutoSeg's numbers; default: those that the model was tuned to.
    map_names : sequence of str
        Names of the maps in their order, where the file has none: `mito`, `mito contour`.
    voxel_size_nm : float or tuple of float, optional
        Edge of a voxel, or its edges z, y, x, where the file does not tell them.
    function : callable, optional
        A decoder of your own instead: is given maps (map, z, y, x), 0..1, and if it has arguments
        of these names `map_names` and `voxel_size_zyx_nm`; returns numbered objects (z, y, x).
    halo : tuple of int, optional
        Voxels that a block sees around it; given, decoding is block by block.
    decode_voxels : int
        Larger volumes are decoded block by block, into .zarr or .h5.
    progress : callable, optional
        Is given the share that is done.
    **settings : object
        Count over the others: `kind`, `dimension`, `threshold`, `seed_threshold`,
        `contour_threshold`, `min_area_nm2`, `min_volume_nm3`, …, as the command has them.

    Returns
    -------
    list of LabelFile
        One, or one a class where classes may overlap.

    Raises
    ------
    TomoscribeError
        If the maps cannot be read, a setting cannot be, or the labels cannot be written.

    Examples
    --------
    >>> [labels] = tomoscribe.decode("em_maps.zarr", "em.tif", threshold=0.6)  # doctest: +SKIP
    """
    if Path(out).suffix.lower() not in LABEL_SUFFIXES:
        raise TomoscribeError(f"{out}: labels are written as {', '.join(LABEL_SUFFIXES)}.")
    require_other_place(Path(out), maps)
    size = None if voxel_size_nm is None else edges_nm(voxel_size_nm)
    opened, size = open_to_decode(Path(maps), map_names, size)
    how: Mapping[str, DecoderSettings] | DecodeBox
    if function is not None:
        name = getattr(function, "__name__", "The function")
        how = function_decoder(function, name, opened.header.maps, size)
    else:
        how = settings_asked(opened, preset, settings)
    found = decode_file(
        opened,
        Path(out),
        how,
        most_voxels=decode_voxels,
        halo=halo,
        on_progress=progress or (lambda _share: None),
    )
    return [LabelFile.of(each) for each in found]
