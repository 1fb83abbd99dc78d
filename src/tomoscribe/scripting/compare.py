"""Two checkpoints against each other from a script: figures, curves, what was missed, a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.judgement import Standing
from tomoscribe.evaluation.judgement_words import how_measured
from tomoscribe.project.source import LabelFiles
from tomoscribe.project.store import Project as Store
from tomoscribe.scripting.checkpoints import checkpoint_of
from tomoscribe.scripting.compare_segments import SegmentComparison
from tomoscribe.scripting.compared import described, known_side, write_page
from tomoscribe.scripting.project import Project
from tomoscribe.scripting.sources import label_files, source_of
from tomoscribe.training import compare_segments as core_segments
from tomoscribe.training.seen import data_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tomoscribe.evaluation.judgement import JudgedSample, Judgement
    from tomoscribe.picks.match import PrecisionRecallCurve
    from tomoscribe.project.source import DataSource
    from tomoscribe.scripting.checkpoints import Model
    from tomoscribe.scripting.compared import Side
    from tomoscribe.training import compare as core

FIGURES = (
    "threshold", "proposed", "found", "clicks", "wrong", "open", "precision", "recall", "f1",
    "exact",
)  # fmt: skip
"""Columns that `Comparison.figures` takes from the figures at the threshold."""


class Comparison:
    """What came of `compare` of two checkpoints that pick particles.

    Where nothing is declared complete, an extra proposal is not wrong but not judged yet:
    precision and F1 are then the least that they can be, and `exact` is False.

    Attributes
    ----------
    result : tomoscribe.training.compare.Comparison
        The same as the command line has it, with heatmaps.
    """

    def __init__(self, result: core.Comparison, project_name: str) -> None:
        self.result = result
        self._project_name = project_name

    def __repr__(self) -> str:
        names = (sample.evidence.name for sample in self.result.samples)
        return described("Comparison", self.result.sides, names)

    @property
    def figures(self) -> pd.DataFrame:
        """Figures by class and side, each at its own threshold.

        Columns threshold, proposed, found, clicks, wrong, open (not judged), precision, recall,
        f1, exact, average_precision, best_f1 and best_threshold (NaN where F1 is not exact).
        """
        rows = {}
        for name, side, judgement in self._judgements():
            figures = judgement.at(self.result.threshold(side, name))
            values = {key: getattr(figures, key) for key in FIGURES}
            best = judgement.best
            values["average_precision"] = judgement.curve.average_precision
            values["best_f1"] = float("nan") if best is None else best.f1
            values["best_threshold"] = float("nan") if best is None else best.threshold
            rows[name, side] = values
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["class", "side"])

    @property
    def how_measured(self) -> str:
        """How the figures were counted, in sentences."""
        said = (how_measured(judgement) for _, _, judgement in self._judgements())
        return " ".join(dict.fromkeys(said))

    def curve(self, side: Side, class_name: str | None = None) -> PrecisionRecallCurve:
        """Return precision, recall and F1 at every threshold, as arrays.

        Parameters
        ----------
        side : {"A", "B"}
            Which checkpoint.
        class_name : str, optional
            Default: the first class.

        Raises
        ------
        TomoscribeError
            If there is no such side or class.
        """
        return self.result.judgement(
            known_side(self.result.sides, side), self._class(class_name)
        ).curve

    def picks(
        self, side: Side, class_name: str | None = None, threshold: float | None = None
    ) -> pd.DataFrame:
        """Return what a checkpoint found and missed.

        Parameters
        ----------
        side : {"A", "B"}
            Which checkpoint.
        class_name : str, optional
            Default: the first class.
        threshold : float, optional
            Lowest score of a proposal; default: its own.

        Returns
        -------
        DataFrame
            Columns sample, z y x in voxels of the tomogram, score (NaN of what was missed), and
            standing: matched, missed, wrong, or not judged.

        Raises
        ------
        TomoscribeError
            If there is no such side or class.
        """
        name, letter = self._class(class_name), known_side(self.result.sides, side)
        limit = self.result.threshold(letter, name) if threshold is None else threshold
        rows = [
            (sample.evidence.name, *row)
            for sample in self.result.samples
            if name in sample.sides[letter]
            for row in _rows(sample.sides[letter][name].judged, limit)
        ]
        return pd.DataFrame(rows, columns=["sample", "z", "y", "x", "score", "standing"])

    def report(self, path: str | Path) -> Path:
        """Write a page (HTML) for the lab book, whole in one file; return its path.

        Raises
        ------
        TomoscribeError
            If it cannot be written.
        """
        return write_page(path, self._project_name, self.result)

    def _judgements(self) -> Iterator[tuple[str, str, Judgement]]:
        for particle in self.result.classes:
            for side in self.result.sides:
                yield particle.name, side, self.result.judgement(side, particle.name)

    def _class(self, name: str | None) -> str:
        names = [particle.name for particle in self.result.classes]
        if name is not None and name not in names:
            raise TomoscribeError(f"There is no class '{name}' here: {', '.join(names)}.")
        return names[0] if name is None else name


def compare(
    a: Model,
    b: Model,
    data: Project | str | Path | None = None,
    samples: str | Sequence[str] | None = None,
    *,
    image: str | Path | None = None,
    labels: str | Path | None = None,
    classes: Sequence[str] = (),
    unlabelled: int | None = None,
    background: int | None = 0,
    objects: bool | None = None,
    voxel_size_nm: float | tuple[float, float, float] | None = None,
    device: str = "auto",
    progress: Callable[[str, float], object] | None = None,
) -> Comparison | SegmentComparison:
    """Judge two checkpoints by what is known; what they have not predicted is predicted.

    Pickers are judged by the picks of a project; segmentations by the labels of a project or of
    files, and where nothing is labelled they are set against each other.

    Parameters
    ----------
    a, b : str, Path, Run or Project
        Checkpoint files, runs (their best checkpoint), `RUN/step_000120`, or a project (its
        current model).
    data : Project, str or Path, optional
        What both are judged by: a project; of segmentations also a folder of images with labels,
        or a datasplit (.csv). Default: what A was trained on.
    samples : str or sequence of str, optional
        Tomograms, membranes or images by name; default: those with picks or labels that
        validate, else all with any.
    image, labels : str or Path, optional
        An image and its labels, instead of `data`.
    classes : sequence of str
        Names of the classes in label files, by rising value; default class 1, class 2, …
    unlabelled, background : int, optional
        Values of what nobody has labelled, and of what is of no class.
    objects : bool, optional
        Values number the objects of one class; default: where a side tells objects apart.
    voxel_size_nm : float or tuple of float, optional
        Edge of a voxel, or its edges z, y, x, where the image does not tell them.
    device : str
        auto, cpu, cuda, cuda:1 or mps.
    progress : callable, optional
        Is given what is predicted and the share of it that is done.

    Returns
    -------
    Comparison or SegmentComparison
        Of pickers, or of segmentations.

    Raises
    ------
    TomoscribeError
        If there is no such checkpoint, project or sample, nothing to judge by, or one picks and
        the other segments.

    Examples
    --------
    >>> found = tomoscribe.compare(first, second)  # doctest: +SKIP
    >>> found.figures[["f1", "precision", "recall"]]  # doctest: +SKIP
    >>> found.report("first_and_second.html")  # doctest: +SKIP
    """
    files = label_files(image, labels, classes, unlabelled, background, objects, voxel_size_nm)
    source = _source(a, data, files)
    folder = source.path if source.kind == "project" else None
    sides = {"A": checkpoint_of(a, folder), "B": checkpoint_of(b, folder)}
    names = [samples] if isinstance(samples, str) else samples
    # Loading torch takes seconds, which a mistyped name need not wait for.
    from tomoscribe.training.compare import compare as compare_checkpoints
    from tomoscribe.training.compare_labels import compare_on_labels

    told = None if progress is None else _teller(progress)
    if folder is None:
        found = compare_on_labels(source, sides, names, device=device, on_progress=told)
        return SegmentComparison(found, "")
    opened = data.store if isinstance(data, Project) else Store.open(folder, read_only=True)
    result = compare_checkpoints(opened, sides, names, device=device, on_progress=told)
    if isinstance(result, core_segments.SegmentComparison):
        return SegmentComparison(result, opened.name)
    return Comparison(result, opened.name)


def _source(a: Model, data: Project | str | Path | None, files: LabelFiles) -> DataSource:
    """Return what both are judged by: what is named, else the data of A's training."""
    if data is not None or files.image is not None or files.labels is not None:
        return source_of(data, files)
    if isinstance(a, Project):
        return source_of(a, files)
    if files != LabelFiles():
        raise TomoscribeError(
            "What is said of labels (classes, objects, …) needs data, or image and labels."
        )
    ref = checkpoint_of(a)
    found = data_of(ref)
    if found is None:
        raise TomoscribeError(
            f"Nobody knows what {ref.source} was trained on: say what both are judged by, with "
            "data, or with image and labels."
        )
    return found


def _rows(
    judged: JudgedSample, threshold: float
) -> Iterator[tuple[float, float, float, float, str]]:
    verdicts, proposals = judged.at(threshold), judged.proposals
    for index, standing in zip(verdicts.shown.tolist(), verdicts.standing, strict=True):
        z, y, x = proposals.zyx[index].tolist()
        yield z, y, x, float(proposals.scores[index]), str(standing)
    for index in verdicts.missed.tolist():
        yield (*judged.known.accepted[index].zyx, float("nan"), str(Standing.MISSED))


def _teller(progress: Callable[[str, float], object]) -> Callable[[str, float], None]:
    def tell(what: str, share: float) -> None:
        progress(what, share)

    return tell
