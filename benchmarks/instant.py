"""How good the instant answer is before any training, and what it costs.

Clicks of one tomogram; F1 (radius half a diameter) on the same tomogram and on an unseen one.
`correlation` is the usual template matching with the clicks' radial average, whitened.
Answers are given by an oracle to the best five proposals at a time.

    OMP_NUM_THREADS=1 python benchmarks/instant.py [CASE ...] [--cases DIR] [--clicks N]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import fft as sfft
from scipy.ndimage import map_coordinates
from scipy.spatial import KDTree

from cases import DEFAULT_ROOT, JUDGE, ensure_case
from tomoscribe.io.volumes import Volume, open_volume
from tomoscribe.picks.match import best_f1, precision_recall_f1
from tomoscribe.picks.peaks import SUPPRESSION, find_peaks
from tomoscribe.prediction.instant import InstantAnswer, InstantHeatmap, choose_bin
from tomoscribe.tasks.tomogram.scaled import scale_volume

if TYPE_CHECKING:
    from collections.abc import Callable

Points = NDArray[np.float64]
Result = TypeVar("Result")
Peaks = tuple[Points, NDArray[np.float32]]
ANSWERS = (10, 20, 40)
AT_ONCE = 5


class Split(NamedTuple):
    """A tomogram of a case: volume, true targets, clicks."""

    volume: Volume
    truth: Points
    clicks: Points


def read_split(folder: Path, name: str) -> Split:
    """Return one tomogram of a case."""
    rows = np.loadtxt(folder / f"{name}_truth.tsv", skiprows=1)
    clicks = np.loadtxt(folder / f"{name}_labels.tsv", skiprows=1, ndmin=2)
    truth = rows[rows[:, 0] == 0, 1:4][:, ::-1]
    return Split(open_volume(folder / f"{name}.mrc"), truth, clicks[:, ::-1])


def correlate(splits: list[Split], diameter: float) -> list[Peaks]:
    """Return peaks of the whitened correlation with the clicks' radial average."""
    factor = choose_bin(splits[0].volume.shape_zyx, diameter)
    volumes = [scale_volume(s.volume, factor).read_all() for s in splits]
    half = int(np.ceil(0.6 * diameter / factor))
    line = np.arange(-half, half + 1)
    grid = np.stack(np.meshgrid(line, line, line, indexing="ij"))
    centres = (splits[0].clicks - (factor - 1) / 2) / factor
    boxes = [map_coordinates(volumes[0], grid + c[:, None, None, None], order=1) for c in centres]
    radius = np.sqrt((grid**2).sum(axis=0))
    ring = np.rint(radius).astype(int)
    profile = np.bincount(ring.ravel(), np.mean(boxes, axis=0).ravel()) / np.bincount(ring.ravel())
    kernel = np.where(radius <= half, profile[ring], 0.0)
    kernel -= np.where(radius <= half, kernel.sum() / (radius <= half).sum(), 0.0)
    return [_whitened_peaks(v, kernel, factor, diameter) for v in volumes]


def _whitened_peaks(
    volume: NDArray[np.float32], kernel: NDArray[np.float64], factor: int, diameter: float
) -> Peaks:
    spectrum = sfft.rfftn(volume)
    axes = [sfft.fftfreq(n) for n in volume.shape[:2]] + [sfft.rfftfreq(volume.shape[2])]
    k = np.sqrt(sum(a**2 for a in np.meshgrid(*axes, indexing="ij")))
    shell = np.minimum((k * 128).astype(int), 126)
    power = np.bincount(shell.ravel(), (np.abs(spectrum) ** 2).ravel()) / np.maximum(
        np.bincount(shell.ravel()), 1
    )
    padded = np.zeros(volume.shape, np.float32)
    padded[tuple(slice(0, n) for n in kernel.shape)] = kernel
    padded = np.roll(padded, [-(n // 2) for n in kernel.shape], axis=(0, 1, 2))
    score = sfft.irfftn(spectrum * np.conj(sfft.rfftn(padded)) / power[shell], s=volume.shape)
    floor = float(np.percentile(score[::2, ::2, ::2], 98))
    zyx, scores = find_peaks(score, SUPPRESSION * diameter / factor, floor)
    return zyx * factor + (factor - 1) / 2, scores


def peaks_of(heatmap: InstantHeatmap) -> Peaks:
    """Return the peaks of an instant heatmap."""
    return heatmap.peaks_zyx, heatmap.peak_scores


def best(peaks: Peaks, truth: Points, diameter: float) -> float:
    """Return the best F1 of any threshold."""
    return float(best_f1(peaks[0], peaks[1], truth, diameter / 2).f1)


def chosen(heatmap: InstantHeatmap, truth: Points, diameter: float) -> float:
    """Return F1 at the heatmap's own threshold."""
    zyx = heatmap.peaks_zyx[heatmap.peak_scores >= heatmap.threshold]
    return float(precision_recall_f1(zyx, truth, diameter / 2)[2])


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """Return a result and the CPU-seconds that it took."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def measure(name: str, root: Path, clicks: int | None) -> list[list[str]]:
    """Return the rows of the table for one case."""
    folder = ensure_case(name, root)
    meta = json.loads((folder / "case.json").read_text())
    diameter, apix = float(meta["diameter_vox"]), float(meta["args"]["apix"])
    train, test = read_split(folder, "train"), read_split(folder, "test")
    train = train._replace(clicks=train.clicks[:clicks])
    plain, seconds = timed(lambda: correlate([train, test], diameter))
    rows = [[name, "correlation", *_scores(plain, train, test, diameter), "", f"{seconds / 2:.2f}"]]
    here, there = InstantAnswer(train.volume), InstantAnswer(test.volume)
    _, ready = timed(lambda: here.prepare(diameter * apix))
    positive: list[Points] = []
    negative: list[Points] = []
    size = diameter * apix
    for answers in (0, *ANSWERS):
        while len(positive) + len(negative) < answers:
            heatmap = here.answer(train.clicks, size, negative, positive)
            known = [*train.clicks, *positive]
            asked = here.proposals(heatmap, known, size, negative, min_score=0.3)[0][:AT_ONCE]
            right = KDTree(train.truth).query(asked)[0] < diameter / 2
            for position, yes in zip(asked, right, strict=True):
                (positive if yes else negative).append(position)
        model = here.fit(train.clicks, size, positive)
        first, seconds = timed(lambda model=model: here.apply(model))
        maps = [first, there.apply(model)]
        numbers = _scores([peaks_of(m) for m in maps], train, test, diameter)
        cost = f"{seconds:.2f}" + (f" + {ready:.2f}" if answers == 0 else "")
        label = f"instant, {answers} answers"
        own = [chosen(m, s.truth, diameter) for m, s in zip(maps, (train, test), strict=True)]
        rows.append(["", label, *numbers, " / ".join(f"{f:.2f}" for f in own), cost])
    return rows


def _scores(peaks: list[Peaks], train: Split, test: Split, diameter: float) -> list[str]:
    found = zip(peaks, (train, test), strict=True)
    return [f"{best(p, split.truth, diameter):.2f}" for p, split in found]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(JUDGE))
    parser.add_argument("--cases", type=Path, default=DEFAULT_ROOT)
    parser.add_argument("--clicks", type=int, default=None, help="use the first N clicks only")
    options = parser.parse_args()
    columns = ["case", "method", "best F1", "on unseen", "own threshold", "CPU s"]
    table = Table(*columns)
    for name in options.names:
        for row in measure(name, options.cases, options.clicks):
            table.add_row(*row)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
