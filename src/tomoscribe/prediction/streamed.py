"""Maps of a segmentation into a file, block by block: memory is flat, and a killed one goes on."""

from __future__ import annotations

import json
import math
import shutil
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_error
from tomoscribe.io.score_maps import MapsHeader, create_score_maps, is_hdf5, open_score_maps
from tomoscribe.prediction.augmented import WindowScores
from tomoscribe.prediction.finished_blocks import FinishedBlocks
from tomoscribe.tasks.tomogram.scaled import inside
from tomoscribe.tasks.voxels.tiles import cut

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.io.volumes import Volume
    from tomoscribe.prediction.settings import PredictionSettings, Triple
    from tomoscribe.tasks.tomogram.scaled import ScaledVolume
    from tomoscribe.tasks.voxels.predictor import VoxelPredictor

CHUNK = 64
"""Edge of the chunks of a file of maps; a block ends with chunks, so that none has two writers."""
_BLOCK, _BLOCK_DEEP = (64, 512, 512), (64, 256, 256)
_SECTIONS = 4
"""Sections whose scores are in memory as floats at once."""


@dataclass(frozen=True)
class _Region:
    """A part of a scaled image in memory; what lies beyond it is read from the file."""

    image: ScaledVolume
    lo: Triple
    values: NDArray[np.float32]

    @classmethod
    def around(cls, image: ScaledVolume, lo: Triple, hi: Triple, margin: Triple) -> _Region:
        """Read a box of an image with a margin, as far as the image goes."""
        first = tuple(max(0, a - m) for a, m in zip(lo, margin, strict=True))
        ends = zip(hi, margin, image.shape_zyx, strict=True)
        last = tuple(min(n, b + m) for b, m, n in ends)
        return cls(image, first, image.read(first, last))  # type: ignore[arg-type]

    def read(self, lo: tuple[int, ...], hi: tuple[int, ...]) -> NDArray[np.float32]:
        """Return the box `lo` <= index < `hi`; the image's edge repeats."""
        inner, pads = zip(
            *(inside(a, b, n) for a, b, n in zip(lo, hi, self.shape_zyx, strict=True)), strict=True
        )
        ends = zip(inner, self.lo, self.values.shape, strict=True)
        if any(a < o or b > o + n for (a, b), o, n in ends):
            return self.image.read(lo, hi)
        box = self.values[
            tuple(slice(a - o, b - o) for (a, b), o in zip(inner, self.lo, strict=True))
        ]
        return np.pad(box, pads, mode="edge") if np.any(pads) else np.ascontiguousarray(box)

    @property
    def shape_zyx(self) -> Triple:
        """Of the whole image."""
        return self.image.shape_zyx

    @property
    def volume(self) -> Volume:
        """The image's file."""
        return self.image.volume


def stream_maps(
    predictor: VoxelPredictor,
    volume: Volume,
    path: Path,
    settings: PredictionSettings,
    *,
    origin: dict[str, Any] | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
) -> None:
    """Predict the maps of an image into `path`, which is whole or not there.

    Until it is, they gather in `<stem>.unfinished.zarr` beside it, with a list of the blocks that
    are finished: the same prediction, called again after it was killed, does only the rest.

    Parameters
    ----------
    predictor : VoxelPredictor
    volume : Volume
        Only the boxes that a block needs are read.
    path : Path
        .zarr (OME-Zarr) or .h5; see `io.score_maps`.
    settings : PredictionSettings
    origin : dict, optional
        Tells predictions apart, as JSON: what is begun goes on only where it is the same.
    on_progress : callable
        Is told the share that is done.

    Raises
    ------
    TomoscribeError
        If the image does not fit the checkpoint or cannot be read, or the disk refuses.
    """
    predictor.grid(volume)
    header = header_of(predictor, volume)
    wanted = {
        "shape_zyx": list(volume.shape_zyx),
        "maps": list(header.maps),
        "voxel_size_zyx_nm": list(header.voxel_size_zyx_nm or ()),
        "settings": settings.model_dump(mode="json", exclude={"batch", "decode_voxels"}),
        **(origin or {}),
    }
    unfinished = path.with_name(f"{path.stem}.unfinished.zarr")
    finished = FinishedBlocks(path.with_name(f"{path.stem}.unfinished.txt"))
    if path.exists() and _prediction_in(path) == wanted:
        # A kill may have come between the last step and tidying.
        shutil.rmtree(unfinished, ignore_errors=True)
        finished.remove()
        on_progress(1.0)
        return
    _require_replaceable(path)
    try:
        if not (unfinished.is_dir() and finished.resume(wanted)):
            create_score_maps(unfinished, volume.shape_zyx, header)
            finished.begin(wanted)
        array: Any = zarr.open_group(str(unfinished), mode="r+")["0"]
        _fill(predictor, volume, array, settings, finished, on_progress)
        _put_in_place(unfinished, path, header, wanted)
        finished.remove()
    except OSError as error:
        raise write_error(path, error) from error


def header_of(predictor: VoxelPredictor, volume: Volume) -> MapsHeader:
    """Return what a file of maps of an image tells of them."""
    sizes = volume.voxel_sizes_zyx_A or (volume.require_voxel_size(),) * 3
    return MapsHeader(
        predictor.maps,
        tuple(c.name for c in predictor.label_classes),
        predictor.exclusive,
        predictor.decoder,
        (sizes[0] / 10, sizes[1] / 10, sizes[2] / 10),
    )


def blocks_of(predictor: VoxelPredictor, shape_working: Triple) -> list[tuple[Triple, Triple]]:
    """Return boxes of working voxels whose voxels of the image fill whole chunks."""
    deep = predictor.plan.dimension == "3d"
    size = []
    for edge, step in zip(
        _BLOCK_DEEP if deep else _BLOCK, predictor.plan.reduction_zyx, strict=True
    ):
        unit = math.lcm(CHUNK, step)
        size.append(unit * max(1, edge // unit) // step)
    spans = [range(0, n, s) for n, s in zip(shape_working, size, strict=True)]
    return [
        ((z, y, x), _least((z + size[0], y + size[1], x + size[2]), shape_working))
        for z in spans[0]
        for y in spans[1]
        for x in spans[2]
    ]


def _fill(
    predictor: VoxelPredictor,
    volume: Volume,
    array: Any,
    settings: PredictionSettings,
    finished: FinishedBlocks,
    on_progress: Callable[[float], None],
) -> None:
    image = predictor.image(volume)
    windows = WindowScores(predictor, settings, image.shape_zyx)
    boxes = blocks_of(predictor, image.shape_zyx)
    for index, (lo, hi) in enumerate(boxes):
        if lo not in finished:
            _predict_block(predictor, windows, image, array, lo, hi)
            finished.add(lo)
        on_progress((index + 1) / len(boxes))


def _predict_block(
    predictor: VoxelPredictor,
    windows: WindowScores,
    image: ScaledVolume,
    array: Any,
    lo: Triple,
    hi: Triple,
) -> None:
    """Predict a box of working voxels and write it at once."""
    # A voxel more for the interpolation.
    z, y, x = (m + 1 for m in windows.margin_zyx)
    region: Any = _Region.around(image, lo, hi, (z, y, x))
    deep = predictor.plan.dimension == "3d"
    thick = hi[0] - lo[0] if deep else max(_SECTIONS, windows.batch)
    parts = []
    for part_lo, part_hi in cut(lo, hi, (thick, hi[1] - lo[1], hi[2] - lo[2])):
        block = predictor.enlarged(
            region, part_lo, part_hi, lambda a, b: windows.scores(region, a, b)
        )
        scaled = block.scores * 255
        parts.append((block.lo_zyx, np.rint(scaled, out=scaled).astype(np.uint8)))
    start, values = parts[0][0], np.concatenate([p for _, p in parts], axis=1)
    stop = [a + n for a, n in zip(start, values.shape[1:], strict=True)]
    array[(slice(None), *(slice(a, b) for a, b in zip(start, stop, strict=True)))] = values


def _put_in_place(unfinished: Path, path: Path, header: MapsHeader, wanted: dict[str, Any]) -> None:
    """Move what is whole to its place, as the file that its suffix says."""
    if not is_hdf5(path):
        zarr.open_group(str(unfinished), mode="r+").attrs["prediction"] = wanted
        _require_replaceable(path)
        if path.exists():
            shutil.rmtree(path)
        unfinished.replace(path)
        return
    source: Any = zarr.open_group(str(unfinished), mode="r")["0"]
    temporary = path.with_name(f"{path.stem}.unfinished{path.suffix}")
    target = create_score_maps(temporary, source.shape[1:], header)
    with target.file:
        for index in range(source.shape[0]):
            for z in range(0, source.shape[1], CHUNK):
                target[index, z : z + CHUNK] = source[index, z : z + CHUNK]
        target.attrs["prediction"] = json.dumps(wanted)
    temporary.replace(path)
    shutil.rmtree(unfinished)


def _require_replaceable(path: Path) -> None:
    """Refuse to replace what is no file of maps that we wrote.

    Raises
    ------
    TomoscribeError
        If something else is there.
    """
    if path.exists() and _prediction_in(path) is None:
        raise TomoscribeError(
            f"{path} is there already and holds no predicted maps: it is left as it is; move it "
            "away, or write to another name."
        )


def _prediction_in(path: Path) -> dict[str, Any] | None:
    """Return what the maps in a file say of their prediction; None: it holds no maps of ours."""
    try:
        opened = open_score_maps(path)
    except TomoscribeError:
        return None
    with closing(opened):
        if not opened.header.maps:
            return None
        if is_hdf5(path):
            told: Any = json.loads(opened.data.attrs.get("prediction", "{}"))
        else:
            told = zarr.open_group(str(path), mode="r").attrs.get("prediction", {})
    return dict(told)


def _least(one: Triple, other: Triple) -> Triple:
    z, y, x = (min(a, b) for a, b in zip(one, other, strict=True))
    return z, y, x
