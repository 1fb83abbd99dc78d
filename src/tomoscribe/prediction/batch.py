"""Prediction of many tomograms to files: the next one is read while this one is predicted."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.coords import Geometry, binned_to_voxels
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mrc_write import write_mrc
from tomoscribe.io.pick_files import PickColumns, write_picks
from tomoscribe.io.volumes import Volume, open_volume
from tomoscribe.prediction.volume import choose_device, load_predictor, predict_heatmap
from tomoscribe.project.names import free_name, safe_name, tomogram_stem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomoscribe.tasks.base import FoundPicks, Grid, Predictor

_PREFETCH_BYTES = 1 << 24


@dataclass(frozen=True)
class PredictionFiles:
    """What was written for one tomogram; of several heatmaps, the first class's."""

    tomogram: str
    heatmap: Path
    star: Path
    csv: Path
    pick_count: int


def predict_tomograms(
    checkpoint: Path,
    tomograms: Sequence[str],
    out: Path,
    *,
    device: str = "auto",
    threshold: float | None = None,
    voxel_size_A: float | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> list[PredictionFiles]:
    """Write heatmap, STAR and CSV of each tomogram to `out`.

    Parameters
    ----------
    checkpoint : Path
        A checkpoint file.
    tomograms : sequence of str
        Files or addresses.
    out : Path
        Folder; made where it does not exist.
    device : str
        auto, cpu, cuda, cuda:1, mps.
    threshold : float or None
        Lowest score of a pick; None: what the checkpoint says, by class.
    voxel_size_A : float or None
        Overrides the headers.
    on_progress : callable or None
        Is told the tomogram and the share of it that is done.

    Raises
    ------
    TomoscribeError
        If a file cannot be read, its voxel size does not fit, or the folder cannot be written to.
    """
    predictor = load_predictor(checkpoint, choose_device(device))
    # All headers first: a mistake in the last file should not show after an hour.
    volumes = [open_volume(tomogram, voxel_size_A) for tomogram in tomograms]
    for volume in volumes:
        predictor.grid(volume)
    stems = _distinct_stems(tomograms)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TomoscribeError(f"The folder {out} cannot be made: {error.strerror}.") from error
    results = []
    with ThreadPoolExecutor(1, "prefetch") as pool:
        for index, (tomogram, volume) in enumerate(zip(tomograms, volumes, strict=True)):
            ahead = (
                pool.submit(_read_ahead, volumes[index + 1]) if index + 1 < len(volumes) else None
            )

            def tell(share: float, tomogram: str = tomogram) -> None:
                if on_progress is not None:
                    on_progress(tomogram, share)

            heatmap, grid = predict_heatmap(predictor, volume, on_progress=tell)
            floor = min(predictor.thresholds.values()) if threshold is None else threshold
            found = [
                _above(f, predictor.thresholds[f.class_name] if threshold is None else threshold)
                for f in predictor.decode(heatmap, grid, floor)
            ]
            results.append(
                _write(predictor, tomogram, volume, heatmap, grid, found, out / stems[index])
            )
            if ahead is not None:
                ahead.result()
    return results


def _above(found: FoundPicks, threshold: float) -> FoundPicks:
    keep = found.scores >= threshold
    return type(found)(found.class_name, found.zyx[keep], found.scores[keep])


def _read_ahead(volume: Volume) -> None:
    """Read the file through in small pieces, so that the system holds it when it is needed."""
    if "://" in volume.path or not Path(volume.path).is_file():
        return
    with Path(volume.path).open("rb", buffering=0) as file:
        while file.read(_PREFETCH_BYTES):
            pass


def _write(
    predictor: Predictor,
    tomogram: str,
    volume: Volume,
    heatmap: np.ndarray,
    grid: Grid,
    found: list[FoundPicks],
    stem: Path,
) -> PredictionFiles:
    size = volume.require_voxel_size()
    first = binned_to_voxels((0, 0, 0), grid.bin) * size
    z, y, x = (np.asarray(volume.origin_zyx_A) + first).tolist()
    paths = [
        stem.with_name(f"{stem.name}_heatmap{_suffix(c.name) if len(heatmap) > 1 else ''}.mrc")
        for c in predictor.classes
    ]
    for path, scores in zip(paths, heatmap, strict=True):
        write_mrc(path, scores, size * grid.bin, (z, y, x))
    columns = PickColumns(
        zyx=np.concatenate([f.zyx for f in found]),
        class_names=[f.class_name for f in found for _ in f.scores],
        scores=np.concatenate([f.scores for f in found]).astype(np.float64),
    )
    geometry = Geometry(volume.shape_zyx, size, volume.origin_zyx_A)
    star, csv = (stem.with_name(f"{stem.name}_picks.{kind}") for kind in ("star", "csv"))
    # Part of a file: no file name tells it from the others.
    name = stem.name if "::" in tomogram else PurePosixPath(tomogram).name
    write_picks(star, columns, geometry=geometry, tomogram_name=name, flavour="relion3.1")
    write_picks(csv, columns, geometry=geometry, tomogram_name=name, flavour="csv")
    return PredictionFiles(tomogram, paths[0], star, csv, len(columns.zyx))


def _suffix(class_name: str) -> str:
    return "_" + re.sub(r"[^\w.-]+", "_", class_name)


def _distinct_stems(tomograms: Sequence[str]) -> list[str]:
    """Return a file stem for each tomogram; equal names in other folders get a number."""
    stems: list[str] = []
    for tomogram in tomograms:
        stems.append(free_name(safe_name(tomogram_stem(tomogram)), stems))
    return stems
