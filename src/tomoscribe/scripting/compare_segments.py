"""Two segmentations against each other from a script: figures, errors, agreement, a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.judgement import Standing
from tomoscribe.evaluation.segments.words import (
    FIGURES,
    agreement_text,
    figures_of,
    how_judged,
    not_known,
    places_to_look,
)
from tomoscribe.scripting.compared import described, known_side, write_page

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.evaluation.segments.judgement import ScoreCurve, SegmentJudgement
    from tomoscribe.scripting.compared import Side
    from tomoscribe.training import compare_segments as core

_STANDING = {Standing.WRONG: "extra", Standing.OPEN: "not judged"}


class SegmentComparison:
    """What came of `compare` of two checkpoints that segment.

    Both sides are judged by the same voxels: labelled ones from which no training of either
    learned. Where there are none, by all that are labelled; `how_judged` tells which.

    Attributes
    ----------
    result : tomoscribe.training.compare_segments.SegmentComparison
        The same as the command line has it, with maps.
    """

    def __init__(self, result: core.SegmentComparison, project_name: str) -> None:
        self.result = result
        self._project_name = project_name

    def __repr__(self) -> str:
        names = (image.name for image in self.result.images)
        return described("SegmentComparison", self.result.sides, names)

    @property
    def figures(self) -> pd.DataFrame:
        """Figures by class and side, as many columns as could be told; NaN where one could not.

        Of voxels IoU, Dice, precision, recall, best IoU and the threshold of that; where objects
        are told apart and parts are labelled whole, of objects those found, missed and extra, F1,
        AP, panoptic quality and variation of information (bits).
        """
        rows = {
            (name, side): figures_of(one) for (side, name), one in self._judgement.judged.items()
        }
        frame = pd.DataFrame.from_dict(
            rows, orient="index", columns=None if any(rows.values()) else []
        )
        frame = frame[[name for name in FIGURES if name in frame.columns]]
        return frame.rename_axis(["class", "side"]).sort_index()

    @property
    def how_judged(self) -> str:
        """How the figures were counted, and which classes a side does not know, in sentences."""
        return " ".join((how_judged(self._judgement), *not_known(self._judgement)))

    @property
    def agreement(self) -> str:
        """How far both agree where nothing is labelled, in a sentence; empty if all is labelled."""
        return agreement_text(self.result.agreements)

    @property
    def agreements(self) -> pd.DataFrame:
        """The same by image and class: IoU and Dice of A with B, and voxels that only one has."""
        rows = {
            (one.sample, name): {
                "IoU": scores.iou,
                "Dice": scores.dice,
                "only A": scores.missed,
                "only B": scores.extra,
            }
            for one in self.result.agreements
            for name, scores in one.of_class.items()
        }
        columns = ["IoU", "Dice", "only A", "only B"]
        index = pd.MultiIndex.from_tuples(rows, names=["image", "class"]) if rows else None
        return pd.DataFrame([*rows.values()], index=index, columns=columns)

    @property
    def places(self) -> pd.DataFrame:
        """Where to look first: columns image, class, z y x in voxels, and what is there."""
        found = places_to_look(self._judgement, self.result.agreements)
        rows = [(p.sample, p.class_name, *p.zyx, p.text) for p in found]
        return pd.DataFrame(rows, columns=["image", "class", "z", "y", "x", "what"])

    def errors(self, side: Side) -> pd.DataFrame:
        """Return the objects of a side, or the pieces of a class that are missed or extra.

        Returns
        -------
        DataFrame
            Columns image, class, standing (matched, missed, extra, not judged), z y x in voxels,
            voxels, iou (best overlap, of objects), largest errors first.

        Raises
        ------
        TomoscribeError
            If there is no such side.
        """
        letter = known_side(self.result.sides, side)
        rows = [
            (s.sample, s.class_name, _STANDING.get(s.standing, str(s.standing)), *s.zyx, s.voxels,
             s.iou if s.is_object else float("nan"))
            for one in self._judgement.of_side(letter).values()
            for s in one.spots
        ]  # fmt: skip
        columns = ["image", "class", "standing", "z", "y", "x", "voxels", "iou"]
        return pd.DataFrame(rows, columns=columns)

    def curve(self, side: Side, class_name: str | None = None) -> ScoreCurve:
        """Return precision, recall and IoU of voxels at every threshold, as arrays.

        Parameters
        ----------
        side : {"A", "B"}
            Which checkpoint.
        class_name : str, optional
            Default: the first class that the side knows.

        Raises
        ------
        TomoscribeError
            If there is no such side, or it does not know the class.
        """
        judged = self._judgement.of_side(known_side(self.result.sides, side))
        name = next(iter(judged), "") if class_name is None else class_name
        if name not in judged:
            raise TomoscribeError(f"{side} was not judged by '{name}', only: {', '.join(judged)}.")
        return judged[name].curve

    def report(self, path: str | Path) -> Path:
        """Write a page (HTML) for the lab book, whole in one file; return its path.

        Raises
        ------
        TomoscribeError
            If it cannot be written, or an image not be read any more.
        """
        return write_page(path, self._project_name, self.result)

    @property
    def _judgement(self) -> SegmentJudgement:
        return self.result.judgement
