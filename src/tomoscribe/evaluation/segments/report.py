"""A page for the lab book: two segmentations compared, in one HTML file that needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.evaluation.report_page import page, picture_row, side_section, sign
from tomoscribe.evaluation.report_plots import PLAIN, ROOT, Line, plot
from tomoscribe.evaluation.segments.words import (
    FIGURES,
    better_low,
    figure_text,
    figures_of,
    how_judged,
    not_known,
    summary,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoscribe.evaluation.pictures import PictureRow
    from tomoscribe.evaluation.report_data import ReportSide
    from tomoscribe.evaluation.segments.judgement import SegmentJudgement

LEGEND = (
    "Yellow: labels, faint where a training learned from them. Green: matched. Vermilion: missed. "
    "Purple: extra. Light blue: found where nothing is labelled that judges. Where objects are "
    "told apart their colour is that of the whole object, and touching ones are parted by a line. "
    "Last picture: blue only A, vermilion only B. Sections count from 0, as z does elsewhere."
)


@dataclass(frozen=True)
class SegmentReport:
    """Everything on the page.

    Parameters
    ----------
    project : str
        Its name; empty where the labels lie in files.
    made, version : str
        Date and time; of this program.
    sides : tuple of ReportSide
    judgement : SegmentJudgement
    agreement : str
        How far both agree where nothing is labelled, in a sentence; may be empty.
    images : tuple of tuple of str
        Of each image its name, use, size, voxel size, share that boxes of labels hold, file.
    pictures : tuple of PictureRow
    """

    project: str
    made: str
    version: str
    sides: tuple[ReportSide, ...]
    judgement: SegmentJudgement
    agreement: str
    images: tuple[tuple[str, ...], ...]
    pictures: tuple[PictureRow, ...]


def render(report: SegmentReport) -> str:
    """Return the page as HTML; everything that it shows is in it."""
    title = " and ".join(side.name for side in report.sides)
    of = f"Project {report.project}, " if report.project else ""
    judgement = report.judgement
    said = (how_judged(judgement), *not_known(judgement), report.agreement)
    parts = [
        f'<h1 class="path">{escape(title)}</h1>',
        f'<p class="quiet">{escape(of)}{escape(report.made)}, '
        f"tomoscribe {escape(report.version)}</p>",
        *(_side_line(side, judgement) for side in report.sides),
        *(f"<p>{escape(sentence)}</p>" for sentence in said if sentence),
        *(_class_section(name, judgement) for name in judgement.classes),
        *_pictures(report),
        _images_section(report),
        f'<div class="halves">{"".join(map(side_section, report.sides))}</div>',
    ]
    return page(title, parts)


def _side_line(side: ReportSide, judgement: SegmentJudgement) -> str:
    words = escape(summary(judgement, side.letter))
    return f"<p>{sign(side.letter)} <b>{side.letter}</b> {escape(side.name)}: {words}</p>"


def _class_section(name: str, judgement: SegmentJudgement) -> str:
    judged = {k: one for (k, of), one in judgement.judged.items() if of == name and one.labelled}
    if not judged:
        return ""
    overlap, by_threshold = [], []
    for letter, one in judged.items():
        curve, (best, threshold) = one.curve, one.curve.best()
        voxels = one.voxels
        at = (voxels.recall, voxels.precision) if voxels.hits + voxels.extra else None
        overlap.append(Line(letter, curve.recall.tolist(), curve.precision.tolist(), at))
        roots = np.sqrt(curve.thresholds).tolist()
        by_threshold.append(Line(letter, roots, curve.iou.tolist(), (threshold**0.5, best)))
    plots = [
        plot(overlap, "recall of voxels", "precision of voxels", PLAIN, PLAIN, 1.0),
        plot(by_threshold, "threshold", "IoU", ROOT, PLAIN, 1.0),
    ]
    return (
        f'<h2>{escape(name)}</h2><figure class="row">{"".join(plots)}'
        f"{_figures_table(name, judgement)}</figure>"
        '<p class="quiet">Figures are those of the decoder of each side, marked in the first plot; '
        "the second marks the threshold that would have been best.</p>"
    )


def _figures_table(name: str, judgement: SegmentJudgement) -> str:
    told = {k: figures_of(one) for (k, of), one in judgement.judged.items() if of == name}
    head = "".join(f'<th class="n">{letter}</th>' for letter in told)
    rows = []
    for figure in FIGURES:
        values = [figures.get(figure) for figures in told.values()]
        known = [value for value in values if value is not None]
        if not known:
            continue
        low = better_low(figure)
        best = None if low is None or len(set(known)) < 2 else (min if low else max)(known)
        cells = "".join(
            f'<td class="n">{f"<b>{text}</b>" if value == best is not None else text}</td>'
            for value, text in ((v, figure_text(v)) for v in values)
        )
        rows.append(f"<tr><td>{escape(figure)}</td>{cells}</tr>")
    return f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table>"


def _pictures(report: SegmentReport) -> Iterable[str]:
    if report.pictures:
        yield "<h2>Places to look at</h2>"
        yield f'<p class="quiet">{escape(LEGEND)}</p>'
    for index, row in enumerate(report.pictures):
        yield picture_row(row, f"ground-{index}")


def _images_section(report: SegmentReport) -> str:
    titles = (
        "image",
        "use",
        "voxels z, y, x",
        "voxel size z, y, x",
        "boxes of labels hold",
        "file",
    )
    head = "".join(f"<th>{title}</th>" for title in titles)
    rows = []
    for *cells, file in report.images:
        short = "".join(f'<td class="short">{escape(cell)}</td>' for cell in cells)
        rows.append(f'<tr>{short}<td class="path">{escape(file)}</td></tr>')
    return f'<h2>Data</h2><div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>'
