"""Prediction of many files: the next one is read while this one is predicted."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

import numpy as np

from tomoscribe.coords import Geometry, binned_to_voxels
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.membrane_h5 import is_membrane_file
from tomoscribe.io.meshes import is_mesh_file
from tomoscribe.io.mrc_write import write_mrc
from tomoscribe.io.pick_files import PickColumns, write_picks
from tomoscribe.prediction.segmentation_files import (
    SegmentationFiles,
    predict_segmentations,
    require_folder_name,
)
from tomoscribe.prediction.settings import PredictionSettings
from tomoscribe.prediction.surface import tomogram_name, write_scored
from tomoscribe.prediction.volume import choose_device, predict_heatmap
from tomoscribe.project.default_task import MEMBRANE, VOXEL_TASKS
from tomoscribe.project.membrane_files import geometry_of
from tomoscribe.project.names import free_name, safe_name, tomogram_stem
from tomoscribe.tasks.base import MeshGrid
from tomoscribe.tasks.table import task_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from tomoscribe.io.volumes import Volume
    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.tasks.base import FoundPicks, Grid, Predictor, Subject
    from tomoscribe.tasks.voxels.predictor import VoxelPredictor

_PREFETCH_BYTES = 1 << 24


@dataclass(frozen=True)
class PredictionFiles:
    """What was written for one tomogram or membrane.

    `scores` is the heatmap (of several, the first class's), or the membrane's scored container.
    """

    source: str
    scores: Path
    star: Path
    csv: Path
    pick_count: int


@dataclass(frozen=True)
class Predicted:
    """A checkpoint's scores and picks of one tomogram or membrane.

    Parameters
    ----------
    source : str
        As it was given.
    subject : Volume or Membrane
        What was opened.
    heatmap : (class, z, y, x) array of float32
        In 0..1, on `grid`.
    grid : Grid
        Of the heatmap.
    found : list of FoundPicks
        One for each class, at or above the threshold.
    """

    source: str
    subject: Subject
    heatmap: NDArray[np.float32]
    grid: Grid
    found: list[FoundPicks]


def predict_files(
    checkpoint: Path,
    sources: Sequence[str],
    out: Path,
    *,
    device: str = "auto",
    threshold: float | None = None,
    voxel_size_A: VoxelSize | None = None,
    tomogram: str | None = None,
    settings: PredictionSettings | None = None,
    decode: bool = True,
    on_progress: Callable[[str, float], None] | None = None,
) -> Iterator[PredictionFiles | SegmentationFiles | TomoscribeError]:
    """Write scores, STAR and CSV of each tomogram or membrane to `out`, or maps and labels.

    Parameters
    ----------
    checkpoint, out : Path
        A checkpoint file, and a folder, which is made where it does not exist; of segmentations
        see `segmentation_files.places`.
    sources : sequence of str
        Tomograms or membranes, as the checkpoint's task wants them: files or addresses.
    device : str
        auto, cpu, cuda, cuda:1, mps.
    threshold : float or None
        Lowest score of a pick; None: what the checkpoint says, by class.
    voxel_size_A : float, tuple of float or None
        Edge of a voxel or edges z, y, x in Å; overrides the headers.
    tomogram : str or None
        Of membranes whose containers do not lead to it.
    settings : PredictionSettings or None
        Of segmentations.
    decode : bool
        Whether maps of segmentations become labels at once.
    on_progress : callable or None
        Is told the source and the share of it that is done.

    Yields
    ------
    PredictionFiles, SegmentationFiles or TomoscribeError
        What was written for a source, or why nothing was; what headers tell comes first.

    Raises
    ------
    TomoscribeError
        If the checkpoint cannot be read, or the folder cannot be written to.
    """
    task = task_of(checkpoint)
    predictor = task.load(checkpoint, choose_device(device))
    stems = dict(zip(sources, _distinct_stems(sources), strict=True))
    if task.name in VOXEL_TASKS:
        if threshold is not None:
            raise TomoscribeError(
                "--threshold is of picks: decode segmentations with `tomoscribe decode`."
            )
        segmenting = cast("VoxelPredictor", predictor)
        yield from predict_segmentations(
            segmenting, checkpoint, stems, out, settings or PredictionSettings(), decode=decode,
            sizes={} if voxel_size_A is None else dict.fromkeys(sources, voxel_size_A),
            on_progress=on_progress or (lambda _source, _share: None),
        )  # fmt: skip
        return
    require_folder_name(out, "scores as .mrc or .h5 and picks as .star and .csv, into a folder")
    make_folder(out)
    # All headers first: a mistake in the last file must not show after an hour.
    problems = {s: _why_not(predictor, s, voxel_size_A, task.name) for s in stems}
    yield from filter(None, problems.values())
    for source in _while_next_is_read([s for s, problem in problems.items() if problem is None]):
        try:
            predicted = predict_source(
                predictor,
                source,
                threshold=threshold,
                voxel_size_A=voxel_size_A,
                tomogram=tomogram,
                on_progress=None if on_progress is None else partial(on_progress, source),
            )
            yield write_predicted(predictor, predicted, out / stems[source])
        except TomoscribeError as error:
            yield error


def make_folder(out: Path) -> None:
    """Make the folder of predictions where there is none.

    Raises
    ------
    TomoscribeError
        If the system refuses.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TomoscribeError(f"The folder {out} cannot be made: {error.strerror}.") from error


def _while_next_is_read(sources: Sequence[str]) -> Iterator[str]:
    """Yield the sources; while one is worked on, a thread reads the next one's file through."""
    with ThreadPoolExecutor(1, "prefetch") as pool:
        for i, source in enumerate(sources):
            ahead = [pool.submit(_read_ahead, following) for following in sources[i + 1 : i + 2]]
            yield source
            for reading in ahead:
                reading.result()


def predict_source(
    predictor: Predictor,
    source: str,
    *,
    threshold: float | None = None,
    voxel_size_A: VoxelSize | None = None,
    tomogram: str | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> Predicted:
    """Return scores and picks of one tomogram or membrane; parameters as of `predict_files`.

    Raises
    ------
    TomoscribeError
        If it cannot be read, or does not fit the checkpoint.
    """
    subject = predictor.open(source, voxel_size_A, tomogram)
    heatmap, grid = predict_heatmap(predictor, subject, on_progress=on_progress)
    found = _decode(predictor, heatmap, grid, threshold)
    return Predicted(source, subject, heatmap, grid, found)


def _why_not(
    predictor: Predictor, source: str, voxel_size_A: VoxelSize | None, task: str
) -> TomoscribeError | None:
    """Return why a source cannot be predicted, as far as its kind and its header tell."""
    on_surface = is_membrane_file(source) or is_mesh_file(source)
    if on_surface and task != MEMBRANE:
        return TomoscribeError(
            f"{source} is a membrane, but the checkpoint was trained on tomograms: give tomograms."
        )
    if on_surface:
        return None
    if task == MEMBRANE:
        return TomoscribeError(
            f"{source} is no membrane, on which the checkpoint was trained: give containers, "
            "as `tomoscribe mesh` makes them."
        )
    try:
        predictor.grid(predictor.open(source, voxel_size_A))
    except TomoscribeError as error:
        return error
    return None


def _decode(
    predictor: Predictor, heatmap: NDArray[np.float32], grid: Grid, threshold: float | None
) -> list[FoundPicks]:
    floor = min(predictor.thresholds.values()) if threshold is None else threshold
    return [
        _above(f, predictor.thresholds[f.class_name] if threshold is None else threshold)
        for f in predictor.decode(heatmap, grid, floor)
    ]


def _above(found: FoundPicks, threshold: float) -> FoundPicks:
    keep = found.scores >= threshold
    return replace(
        found,
        zyx=found.zyx[keep],
        scores=found.scores[keep],
        normals_zyx=None if found.normals_zyx is None else found.normals_zyx[keep],
        angles_deg=None if found.angles_deg is None else found.angles_deg[keep],
    )


def _read_ahead(source: str) -> None:
    """Read a file through in small pieces, so that the system holds it when it is needed."""
    if "://" in source or not Path(source).is_file():
        return
    # What is wrong with it is told when it is its turn.
    with suppress(OSError), Path(source).open("rb", buffering=0) as file:
        while file.read(_PREFETCH_BYTES):
            pass


def write_predicted(predictor: Predictor, predicted: Predicted, stem: Path) -> PredictionFiles:
    """Write scores, STAR and CSV of a prediction as `<stem>_heatmap.mrc`, `<stem>_picks.star`, ….

    Raises
    ------
    TomoscribeError
        If the disk refuses.
    """
    source, grid = predicted.source, predicted.grid
    if isinstance(grid, MeshGrid):
        scores = stem.with_name(f"{stem.name}_scored.h5")
        class_names = tuple(c.name for c in predictor.classes)
        write_scored(scores, grid.membrane, predicted.heatmap, class_names)
        geometry, name = geometry_of(grid.membrane), tomogram_name(grid.membrane)
    else:
        volume = predicted.subject
        scores = _write_heatmaps(predictor, volume, predicted.heatmap, grid, stem)
        geometry = Geometry(volume.shape_zyx, volume.require_voxel_size(), volume.origin_zyx_A)
        # Part of a file: no file name tells it from the others.
        name = stem.name if "::" in source else PurePosixPath(source).name
    columns = columns_of_found(predicted.found)
    star, csv = (stem.with_name(f"{stem.name}_picks.{kind}") for kind in ("star", "csv"))
    write_picks(star, columns, geometry=geometry, tomogram_name=name, flavour="relion3.1")
    write_picks(csv, columns, geometry=geometry, tomogram_name=name, flavour="csv")
    return PredictionFiles(source, scores, star, csv, len(columns.zyx))


def _write_heatmaps(
    predictor: Predictor, volume: Volume, heatmap: NDArray[np.float32], grid: Grid, stem: Path
) -> Path:
    """Write a heatmap for each class where the tomogram is; return the first one's path."""
    size = volume.require_voxel_size()
    first = binned_to_voxels((0, 0, 0), grid.bin) * size
    z, y, x = (np.asarray(volume.origin_zyx_A) + first).tolist()
    paths = [
        stem.with_name(f"{stem.name}_heatmap{_suffix(c.name) if len(heatmap) > 1 else ''}.mrc")
        for c in predictor.classes
    ]
    for path, scores in zip(paths, heatmap, strict=True):
        write_mrc(path, scores, size * grid.bin, (z, y, x))
    return paths[0]


def columns_of_found(found: Sequence[FoundPicks]) -> PickColumns:
    """Return decoded picks of all classes as columns for a file; of all or none normals are told.

    Parameters
    ----------
    found : sequence of FoundPicks
        One for each class.
    """
    normals = [f.normals_zyx for f in found if f.normals_zyx is not None]
    angles = [f.angles_deg for f in found if f.angles_deg is not None]
    whole = len(found)
    return PickColumns(
        zyx=np.concatenate([f.zyx for f in found]),
        class_names=[f.class_name for f in found for _ in f.scores],
        scores=np.concatenate([f.scores for f in found]).astype(np.float64),
        normals_zyx=np.concatenate(normals) if len(normals) == whole else None,
        angles_deg=np.concatenate(angles) if len(angles) == whole else None,
    )


def _suffix(class_name: str) -> str:
    return "_" + re.sub(r"[^\w.-]+", "_", class_name)


def _distinct_stems(tomograms: Sequence[str]) -> list[str]:
    """Return a file stem for each tomogram; equal names in other folders get a number."""
    stems: list[str] = []
    for tomogram in tomograms:
        stems.append(free_name(safe_name(tomogram_stem(tomogram)), stems))
    return stems
