"""Prediction from a script: scores and picks of tomograms or membranes as arrays and frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.table import Pick, PickState
from tomoscribe.project.default_task import VOXEL_TASKS
from tomoscribe.scripting.checkpoints import checkpoint_of, project_of
from tomoscribe.scripting.pick_frames import frame_of
from tomoscribe.scripting.samples import chosen_samples, folder_of, stems_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from tomoscribe.prediction.batch import Predicted, PredictionFiles
    from tomoscribe.scripting.checkpoints import Model
    from tomoscribe.scripting.project import Project
    from tomoscribe.scripting.samples import Sample
    from tomoscribe.tasks.base import FoundPicks, Predictor


@dataclass(frozen=True)
class Prediction:
    """What a checkpoint says of one tomogram or membrane.

    Parameters
    ----------
    sample : str
        Name in the project, or the file as it was given.
    picks : DataFrame
        Picks at or above the threshold, best first within a class, in the columns of
        `Project.picks`; their state is `proposed`, so that `Project.add_picks` adds proposals.
    scores : (class, z, y, x) array of float32
        In 0..1; of a membrane (class, 1, 1, vertices).
    class_names : tuple of str
        Classes of the scores.
    bin : int
        Tomogram voxels along each axis to one voxel of `scores`; voxel i of it is centred on
        tomogram voxel i * bin + (bin - 1) / 2.
    thresholds : dict of str to float
        Lowest score of a pick by class.
    files : PredictionFiles or None
        What was written, with `out`: `scores`, `star` and `csv`.
    """

    sample: str
    picks: pd.DataFrame
    scores: NDArray[np.float32]
    class_names: tuple[str, ...]
    bin: int
    thresholds: dict[str, float]
    files: PredictionFiles | None = None


def predict(
    model: Model,
    samples: str | Path | Sequence[str | Path],
    *,
    project: Project | str | Path | None = None,
    threshold: float | None = None,
    out: str | Path | None = None,
    device: str = "auto",
    voxel_size_A: float | None = None,
    progress: Callable[[str, float], object] | None = None,
) -> list[Prediction]:
    """Predict tomograms or membranes with a trained model, in this process.

    Parameters
    ----------
    model : str, Path, Run or Project
        A checkpoint file; of a run its best checkpoint; of a project its current model.
    samples : str, Path or sequence of them
        Names in the project, or files: tomograms, or membranes for a training on membranes.
    project : Project, str or Path, optional
        Where names are looked up; default: the model's own project.
    threshold : float, optional
        Lowest score of a pick, 0..1; default: the checkpoint's own for each class.
    out : str or Path, optional
        Folder for heatmaps (MRC) or scored membranes (HDF5), and picks as STAR and CSV.
    device : str
        auto, cpu, cuda, cuda:1 or mps.
    voxel_size_A : float, optional
        Of files whose headers do not tell it, in Å.
    progress : callable, optional
        Is given the sample and the share of it that is done.

    Returns
    -------
    list of Prediction
        One for each sample, in their order; scores take 4 bytes a voxel of the heatmap.

    Raises
    ------
    TomoscribeError
        If there is no such model or sample, or they do not fit each other.

    Examples
    --------
    >>> [found] = tomoscribe.predict(run, "TS_02")  # doctest: +SKIP
    >>> project.add_picks("TS_02", found.picks)  # doctest: +SKIP
    """
    folder = folder_of(project) or project_of(model)
    ref, chosen = checkpoint_of(model, folder), chosen_samples(samples, folder, voxel_size_A)
    # Loading torch takes seconds, which a mistyped name need not wait for.
    from tomoscribe.prediction.volume import choose_device
    from tomoscribe.tasks.table import task_of

    stems = _stems(chosen, out)
    task = task_of(ref.where)
    if task.name in VOXEL_TASKS:
        raise TomoscribeError(
            f"{ref.source} was trained on labels of voxels: segment with tomoscribe.segment."
        )
    predictor = task.load(ref.where, choose_device(device))
    return [
        _predict_one(predictor, sample, stem, threshold, ref.source, progress)
        for sample, stem in zip(chosen, stems, strict=True)
    ]


def _stems(chosen: Sequence[Sample], out: str | Path | None) -> list[Path | None]:
    """Return where each sample's files go, without endings; the folder is made."""
    from tomoscribe.prediction.batch import make_folder

    if out is None:
        return [None] * len(chosen)
    make_folder(Path(out))
    return [Path(out) / stem for stem in stems_of(chosen)]


def _predict_one(
    predictor: Predictor,
    sample: Sample,
    stem: Path | None,
    threshold: float | None,
    source: str,
    progress: Callable[[str, float], object] | None,
) -> Prediction:
    from tomoscribe.prediction.batch import predict_source, write_predicted

    predicted = predict_source(
        predictor,
        sample.path,
        threshold=threshold,
        voxel_size_A=_pixel_A(sample),
        tomogram=sample.tomogram_path,
        on_progress=None if progress is None else _teller(progress, sample.name),
    )
    files = None if stem is None else write_predicted(predictor, predicted, stem)
    limits = {
        c.name: predictor.thresholds[c.name] if threshold is None else threshold
        for c in predictor.classes
    }
    return _prediction(sample, predicted, limits, source, files)


def _prediction(
    sample: Sample,
    predicted: Predicted,
    thresholds: dict[str, float],
    source: str,
    files: PredictionFiles | None,
) -> Prediction:
    size_A = _pixel_A(sample) or _voxel_size(predicted)
    picks = _picks(predicted.found, source, sample.membrane)
    return Prediction(
        sample.name,
        frame_of((sample.tomogram, pick, size_A) for pick in picks),
        predicted.heatmap,
        tuple(thresholds),
        predicted.grid.bin,
        thresholds,
        files,
    )


def _pixel_A(sample: Sample) -> float | None:
    return sample.size[2] if isinstance(sample.size, tuple) else sample.size


def _voxel_size(predicted: Predicted) -> float:
    size: float = predicted.subject.voxel_size_A
    return size


def _picks(found: Sequence[FoundPicks], source: str, membrane: str) -> Iterator[Pick]:
    nan = float("nan")
    for one in found:
        for i, (zyx, score) in enumerate(zip(one.zyx.tolist(), one.scores.tolist(), strict=True)):
            normal = None if one.normals_zyx is None else tuple(one.normals_zyx[i].tolist())
            angle = nan if one.angles_deg is None else float(one.angles_deg[i])
            yield Pick(
                0, tuple(zyx), one.class_name, score, normal, angle, PickState.PROPOSED, source,
                membrane,
            )  # fmt: skip


def _teller(progress: Callable[[str, float], object], name: str) -> Callable[[float], None]:
    def tell(share: float) -> None:
        progress(name, share)

    return tell
