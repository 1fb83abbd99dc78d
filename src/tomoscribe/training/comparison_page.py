"""The page of a comparison, whatever was compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.evaluation.report import render
from tomoscribe.evaluation.segments.report import render as render_segments
from tomoscribe.training.compare_segments import SegmentComparison
from tomoscribe.training.report_facts import make_report
from tomoscribe.training.report_segments import make_segment_report

if TYPE_CHECKING:
    from tomoscribe.training.compare import Comparison


def comparison_page(project: str, found: Comparison | SegmentComparison) -> str:
    """Return the page of a comparison as HTML, whole in one file.

    Parameters
    ----------
    project : str
        Name of the project; empty where labels lie in files.
    found : Comparison or SegmentComparison

    Raises
    ------
    TomoscribeError
        If an image cannot be read any more.
    """
    if isinstance(found, SegmentComparison):
        return render_segments(make_segment_report(project, found))
    return render(make_report(project, found.sides, found.samples, found.classes))
