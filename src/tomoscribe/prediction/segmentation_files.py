"""Segmentations of many images as files: maps, and the labels decoded from them."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_write import LABEL_SUFFIXES, require_other_place
from tomoscribe.io.score_maps import HDF5_SUFFIXES, open_score_maps
from tomoscribe.prediction.streamed import stream_maps
from tomoscribe.prediction.window_checks import check_windows
from tomoscribe.segmentation.decoded_files import Decoded, decode_file, of_class
from tomoscribe.segmentation.stored_settings import settings_by_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tomoscribe.io.volumes import Volume
    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.prediction.settings import PredictionSettings
    from tomoscribe.segmentation.decoder_settings import DecoderSettings
    from tomoscribe.tasks.voxels.predictor import VoxelPredictor

_MAPS_SUFFIXES = (".zarr", *HDF5_SUFFIXES)
_PREDICTED = 0.8
"""Share of the work that prediction is; the rest is decoding."""


@dataclass(frozen=True)
class SegmentationFiles:
    """What was written for one image.

    Parameters
    ----------
    source : str
        As it was given.
    maps : Path
        Predicted maps.
    decoded : tuple of Decoded
        Labels; empty where they were not wanted.
    notes : tuple of str
        What was assumed.
    settings : mapping of str to DecoderSettings
        What it was decoded with, by class.
    """

    source: str
    maps: Path
    decoded: tuple[Decoded, ...]
    notes: tuple[str, ...] = ()
    settings: Mapping[str, DecoderSettings] = field(default_factory=dict)


def places(out: Path, stems: Mapping[str, str]) -> dict[str, tuple[Path, Path | None]]:
    """Return the files of maps and of labels of each source; None: a format that suits its size.

    Parameters
    ----------
    out : Path
        A folder, or for one image the file of maps (.zarr, .h5) or of labels (.tif, .mrc).
    stems : mapping of str to str
        File stem of each source.

    Raises
    ------
    TomoscribeError
        If several images are to go into one file, or it is a file that is not written.
    """
    suffix = out.suffix.lower()
    if suffix not in (*_MAPS_SUFFIXES, *LABEL_SUFFIXES):
        require_folder_name(out, "maps as .zarr or .h5, labels also as .tif or .mrc")
        return {s: (out / f"{stem}_maps.zarr", None) for s, stem in stems.items()}
    if len(stems) > 1:
        raise TomoscribeError(
            f"{out} is one file, but there are {len(stems)} images: give a folder."
        )
    (source,) = stems
    if suffix in _MAPS_SUFFIXES:
        return {source: (out, out.with_name(f"{out.stem}_labels{suffix}"))}
    return {source: (out.with_name(f"{out.stem}_maps.zarr"), out)}


def require_folder_name(out: Path, written: str) -> None:
    """Refuse a new folder with the name of a file, which somebody expects to be one.

    Raises
    ------
    TomoscribeError
        If it is none yet and ends as a file does; it tells what is `written`.
    """
    if out.suffix[1:].isalpha() and not out.is_dir():
        raise TomoscribeError(
            f"{out} is no file that is written: {written}. Give a folder, and make it first if it "
            "shall have that name."
        )


def predict_segmentations(
    predictor: VoxelPredictor,
    checkpoint: Path,
    stems: Mapping[str, str],
    out: Path,
    settings: PredictionSettings,
    *,
    decode: bool = True,
    sizes: Mapping[str, VoxelSize] | None = None,
    on_progress: Callable[[str, float], None] = lambda _source, _share: None,
) -> Iterator[SegmentationFiles | TomoscribeError]:
    """Write maps and labels of each image, one after the other.

    What is there already, made by the same checkpoint with the same settings, is not predicted
    again, and what was begun goes on.

    Parameters
    ----------
    predictor, checkpoint
        The model, and its file.
    stems : mapping of str to str
        File stem of each image.
    out : Path
        See `places`.
    settings : PredictionSettings
    decode : bool
        Whether labels are wanted too.
    sizes : mapping of str to (float or tuple of float), optional
        Voxel sizes in Å of images; override their headers.
    on_progress : callable
        Is told the source and the share of it that is done.

    Yields
    ------
    SegmentationFiles or TomoscribeError
        What was written for an image, or why nothing was; what headers tell comes first.
    """
    where, opened, targets = places(out, stems), {}, {}
    for source in stems:
        # All headers first: a mistake in the last file must not show after an hour.
        try:
            volume, notes = _open(predictor, source, (sizes or {}).get(source))
            notes = (*notes, *check_windows(predictor.plan, settings, volume))
            opened[source] = volume, notes
            maps, labels = where[source]
            require_other_place(out, source)
            if decode:
                _check_labels(volume, labels, settings)
                suffix = ".tif" if _size(volume) <= settings.decode_voxels else ".zarr"
                targets[source] = labels or maps.with_name(f"{stems[source]}_labels{suffix}")
                if targets[source] != out:
                    _require_own(predictor, source, maps, targets[source])
        except TomoscribeError as error:
            opened.pop(source, None)
            yield error
    weights = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    for source, (volume, notes) in opened.items():
        maps, _ = where[source]
        share = _PREDICTED if decode else 1.0
        told = partial(_part, partial(on_progress, source), 0.0, share)
        origin = {"image": source, "file": _stamp(source), "weights": weights}
        try:
            predictor.image(volume)  # which may show nothing; then nothing is written
            maps.parent.mkdir(parents=True, exist_ok=True)
            stream_maps(predictor, volume, maps, settings, origin=origin, on_progress=told)
            decoded: tuple[Decoded, ...] = ()
            used: dict[str, DecoderSettings] = {}
            if decode:
                told = partial(_part, partial(on_progress, source), share, 1.0)
                decoded, used = _decode(predictor, maps, targets[source], settings, told)
            yield SegmentationFiles(source, maps, decoded, notes, used)
        except TomoscribeError as error:
            yield error
        except OSError as error:
            yield TomoscribeError(f"{source}: {error.strerror or error}.")


def _open(
    predictor: VoxelPredictor, source: str, size: VoxelSize | None
) -> tuple[Volume, tuple[str, ...]]:
    """Open an image; where nobody tells its voxel size, it is taken as in the training."""
    volume, notes = predictor.open(source, size), ()
    if volume.voxel_size_A is None:
        z, y, x = (10 * size for size in predictor.plan.voxel_size_zyx_nm)
        volume = replace(volume, voxel_size_A=x, voxel_sizes_zyx_A=(z, y, x))
        edges = f"{x / 10:g}" if z == y == x else f"{z / 10:g} x {y / 10:g} x {x / 10:g} (z, y, x)"
        said = f"{source} tells no voxel size: taken as in the training, {edges} nm."
        predictor.grid(volume)
        return volume, (said,)
    predictor.grid(volume)
    return volume, notes


def _check_labels(volume: Volume, labels: Path | None, settings: PredictionSettings) -> None:
    """Refuse a format that needs all labels in memory for an image that is decoded in blocks."""
    if labels is None or _size(volume) <= settings.decode_voxels:
        return
    if labels.suffix.lower() not in _MAPS_SUFFIXES:
        raise TomoscribeError(
            f"{volume.path} has {_size(volume):,} voxels, too many for labels in memory: write "
            f".zarr or .h5 instead of {labels.suffix}, or set decode_voxels higher."
        )


def _require_own(predictor: VoxelPredictor, source: str, maps: Path, labels: Path) -> None:
    """Refuse to write over labels that no prediction has made.

    Labels that an image is trained on have the very name that those predicted of it get: without
    predicted maps beside them they are somebody's work.
    """
    names = [c.name for c in predictor.label_classes]
    files = [labels] if predictor.exclusive else [of_class(labels, name) for name in names]
    there = next((file for file in files if file.exists()), None)
    if there is not None and not maps.exists():
        raise TomoscribeError(
            f"{there} is there already, and no maps of {source} are beside it that it was decoded "
            "from: it is left as it is; move it away, or write to another folder."
        )


def _decode(
    predictor: VoxelPredictor,
    maps: Path,
    labels: Path,
    settings: PredictionSettings,
    on_progress: Callable[[float], None],
) -> tuple[tuple[Decoded, ...], dict[str, DecoderSettings]]:
    with closing(open_score_maps(maps)) as opened:
        header = opened.header
        if header.voxel_size_zyx_nm is None:
            raise TomoscribeError(f"{maps}: the maps have no voxel size.")
        wanted = settings_by_class(
            header.decoder,
            header.classes,
            header.maps,
            instances=predictor.task == "instance",
            exclusive=header.exclusive,
            shape_zyx=opened.data.shape[1:],
            voxel_size_zyx_nm=header.voxel_size_zyx_nm,
        )
        decoded = decode_file(
            opened, labels, wanted, most_voxels=settings.decode_voxels, on_progress=on_progress
        )
        return decoded, wanted


def _size(volume: Volume) -> int:
    return int(np.prod(volume.shape_zyx))


def _stamp(source: str) -> list[int]:
    """Return what changes when a local file is written anew."""
    place = Path(source.partition("::")[0])
    if not place.exists():
        return []
    known = place.stat()
    return [known.st_size, known.st_mtime_ns]


def _part(show: Callable[[float], None], first: float, last: float, done: float) -> None:
    show(first + (last - first) * done)
