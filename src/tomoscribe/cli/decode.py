"""`tomoscribe decode`: predicted maps to labels, with other settings than the model's if wanted."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from tomoscribe.cli.decode_notes import tell_nothing_found, tell_unused
from tomoscribe.cli.label_volumes import VoxelSizeNm, edges_given
from tomoscribe.cli.prediction_options import DecodeVoxels, parse_voxels, settings_of
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_files import open_label_array
from tomoscribe.io.label_write import LABEL_SUFFIXES, require_other_place
from tomoscribe.segmentation.decode_request import open_to_decode, settings_asked
from tomoscribe.segmentation.decoded_files import decode_file, of_class
from tomoscribe.segmentation.decoder_settings import (
    DecoderKind,
    DecoderSettings,
    Dimension,
    presets,
)
from tomoscribe.segmentation.statistics import object_table, write_object_table
from tomoscribe.segmentation.user_decoder import user_decoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.io.score_maps import ScoreMaps
    from tomoscribe.segmentation.blockwise import DecodeBox
    from tomoscribe.segmentation.decoded_files import Decoded

Kind = StrEnum("Kind", {k: k for k in get_args(DecoderKind)})  # type: ignore[misc]
Depth = StrEnum("Depth", {d: d for d in get_args(Dimension)})  # type: ignore[misc]
Preset = StrEnum("Preset", {n: n for n in presets((1.0, 1.0, 1.0))})  # type: ignore[misc]


def _help(name: str) -> str:
    told = DecoderSettings.model_fields[name].description or ""
    return f"{told[0].upper()}{told[1:]}."


def _option(name: str) -> Any:
    """Return the option of a setting, in the words of the settings themselves."""
    return typer.Option(help=_help(name), show_default="the model's")


MapNames = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME",
        help="Name of a map, in their order, where the file has none: mito, 'mito contour', "
        "'mito distance'.",
        show_default="object, object contour, object distance",
    ),
]
Function = Annotated[
    Path | None,
    typer.Option(
        help="Python file whose decode(maps) [process_func] returns the objects of maps "
        "(map, z, y, x) in 0..1; the other options do not count then.",
        show_default=False,
    ),
]
TrustFunction = Annotated[
    bool, typer.Option("--trust-function", help="Run that file; it can do anything.")
]
Halo = Annotated[
    str | None,
    typer.Option(
        metavar="Z,Y,X",
        help="Voxels that a block sees around it; given, decoding is block by block, as it "
        "is for large volumes.",
        show_default="16,32,32 for large volumes",
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        help="Labels: .tif, .mrc, .h5 or .zarr. Classes that may overlap get a file each.",
    ),
]
ObjectTable = Annotated[Path | None, typer.Option(help="CSV of the objects, with their classes.")]
Maps = Annotated[Path, typer.Argument(help="Predicted maps: .zarr or .h5, as `predict` writes.")]


def decode(
    maps: Maps,
    out: Out,
    preset: Annotated[
        Preset | None, typer.Option(help="AutoSeg's numbers; other options count over them.")
    ] = None,
    kind: Annotated[Kind | None, _option("kind")] = None,
    dimension: Annotated[Depth | None, _option("dimension")] = None,
    threshold: Annotated[float | None, _option("threshold")] = None,
    seed_threshold: Annotated[float | None, _option("seed_threshold")] = None,
    contour_threshold: Annotated[float | None, _option("contour_threshold")] = None,
    distance_threshold: Annotated[float | None, _option("distance_threshold")] = None,
    joined_from: Annotated[float | None, _option("joined_from")] = None,
    parted_below: Annotated[float | None, _option("parted_below")] = None,
    min_area_nm2: Annotated[float | None, _option("min_area_nm2")] = None,
    min_volume_nm3: Annotated[float | None, _option("min_volume_nm3")] = None,
    min_seed_nm2: Annotated[float | None, _option("min_seed_nm2")] = None,
    min_seed_nm3: Annotated[float | None, _option("min_seed_nm3")] = None,
    link_overlap: Annotated[float | None, _option("link_overlap")] = None,
    name: MapNames = None,
    voxel_size_nm: VoxelSizeNm = None,
    function: Function = None,
    trust_function: TrustFunction = False,
    halo: Halo = None,
    decode_voxels: DecodeVoxels = None,
    table: ObjectTable = None,
) -> None:
    """Turn predicted maps into labels: classes, or objects told apart.

    Without options as the model was tuned. Sizes are in nm, so they suit any resolution.
    """
    changes = {
        "kind": kind, "dimension": dimension, "threshold": threshold,
        "seed_threshold": seed_threshold, "contour_threshold": contour_threshold,
        "distance_threshold": distance_threshold, "joined_from": joined_from,
        "parted_below": parted_below, "min_area_nm2": min_area_nm2,
        "min_volume_nm3": min_volume_nm3, "min_seed_nm2": min_seed_nm2,
        "min_seed_nm3": min_seed_nm3, "link_overlap": link_overlap,
    }  # fmt: skip
    if out.suffix.lower() not in LABEL_SUFFIXES:
        raise TomoscribeError(f"{out}: labels are written as {', '.join(LABEL_SUFFIXES)}.")
    require_other_place(out, maps)
    opened, size = open_to_decode(maps, name or [], edges_given(voxel_size_nm))
    settings: dict[str, DecoderSettings] | DecodeBox
    if function is not None:
        settings = user_decoder(function, opened.header.maps, size, trusted=trust_function)
    else:
        settings = _asked(opened, preset, changes)
    results = decode_file(
        opened,
        out,
        settings,
        most_voxels=settings_of(decode_voxels=decode_voxels).decode_voxels,
        halo=None if halo is None else parse_voxels(halo, "halo"),
    )
    _tell(results, table, size)
    if not callable(settings):
        tell_nothing_found(opened, settings, results)


def _asked(opened: ScoreMaps, preset: Any, changes: dict[str, Any]) -> dict[str, DecoderSettings]:
    """Return the settings by class, and tell which options have no effect."""
    given = {k: v for k, v in changes.items() if v is not None}
    settings = settings_asked(opened, None if preset is None else preset.value, given)
    for class_name, made in settings.items():
        tell_unused(class_name, made, given)
    return settings


def _tell(results: Sequence[Decoded], table: Path | None, size: tuple[float, float, float]) -> None:
    for result in results:
        typer.echo(f"{result.path}: {result.told}")
        if table is not None:
            place = table if len(results) == 1 else of_class(table, result.class_names[0])
            _write_table(place, result, size)


def _write_table(path: Path, result: Decoded, size: tuple[float, float, float]) -> None:
    labels, _ = open_label_array(str(result.path), size)
    rows = object_table(labels, size, result.class_names, result.class_of, in_sections=result.anew)
    write_object_table(path, rows)
    typer.echo(f"{path}")
