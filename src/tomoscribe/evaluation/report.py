"""A page for the lab book: two checkpoints compared, in one HTML file that needs nothing else."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tomoscribe.evaluation.judgement_words import best_text, figures_text, how_measured
from tomoscribe.evaluation.report_page import page, picture_row, side_section, sign
from tomoscribe.evaluation.report_plots import curves
from tomoscribe.io.atomic import write_text_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tomoscribe.evaluation.judgement import Figures, Judgement
    from tomoscribe.evaluation.report_data import Report, ReportClass, ReportSide


LEGEND = (
    "Green circle: matched. Red cross: missed. Purple dashed circle: extra, certainly wrong. "
    "Blue dotted circle: extra, not judged yet. Blue tint: scores of A, or where A scores higher; "
    "red tint: of B, or where B does. Tints are stretched to the highest scores of their map. "
    "White dashed box: declared complete."
)
ALL_FIGURES = (
    ("threshold", "threshold"), ("F1", "f1"), ("precision", "precision"), ("recall", "recall"),
    ("proposed", "proposed"), ("found", "found"), ("certainly wrong", "wrong"),
    ("not judged", "open"), ("average precision", "ap"), ("best F1", "best"),
)  # fmt: skip


def write_report(path: Path, report: Report) -> None:
    """Write the page, whole or not at all.

    Raises
    ------
    TomoscribeError
        If the system refuses the write.
    """
    write_text_atomic(path, render(report))


def render(report: Report) -> str:
    """Return the page as HTML; everything that it shows is in it."""
    title = " and ".join(side.name for side in report.sides)
    parts = [
        f'<h1 class="path">{escape(title)}</h1>',
        f'<p class="quiet">Project {escape(report.project)}, {escape(report.made)}, '
        f"tomoscribe {escape(report.version)}</p>",
        *(f"<p>{escape(note)}</p>" for note in report.notes),
        *(_class_section(one, report.sides) for one in report.classes),
        *_picture_sections(report),
        _samples_section(report),
        f'<div class="halves">{"".join(map(side_section, report.sides))}</div>',
    ]
    return page(title, parts)


def _class_section(one: ReportClass, sides: Sequence[ReportSide]) -> str:
    names = {side.letter: side.name for side in sides}
    parts = [f"<h2>{escape(one.name)}, {one.diameter_A:g} Å</h2>"]
    for letter, judgement in one.judged.items():
        threshold, own = one.thresholds[letter]
        words = figures_text(judgement.at(threshold))
        best = best_text(judgement)
        chosen = "its own threshold" if own else "a threshold that was set"
        parts.append(
            f"<p>{sign(letter)} <b>{letter}</b> {escape(names.get(letter, ''))}: {escape(words)} "
            f"({chosen}){escape(f' · {best}' if best else '')}</p>"
        )
    missing = [letter for letter in names if letter not in one.judged]
    parts += [
        f"<p>{letter} {escape(names[letter])} has no scores of this class.</p>"
        for letter in missing
    ]
    if one.judged:
        thresholds = {letter: one.thresholds[letter][0] for letter in one.judged}
        plots = "".join(curves(one.judged, thresholds))
        parts.append(f'<figure class="row">{plots}</figure>')
        parts.append(_figures_table(one))
        parts.append(f'<p class="quiet">{escape(_measured(one))}</p>')
    return "".join(parts)


def _figures_table(one: ReportClass) -> str:
    head = "".join(f'<th class="n">{escape(title)}</th>' for title, _ in ALL_FIGURES)
    rows = []
    for letter, judgement in one.judged.items():
        figures = judgement.at(one.thresholds[letter][0])
        cells = "".join(
            f'<td class="n">{_figure(key, figures, judgement)}</td>' for _, key in ALL_FIGURES
        )
        rows.append(f"<tr><th>{letter}</th>{cells}</tr>")
    return f'<div class="scroll"><table><tr><th></th>{head}</tr>{"".join(rows)}</table></div>'


def _figure(key: str, figures: Figures, judgement: Judgement) -> str:
    at_least = "" if figures.settled else "≥ "
    if key in ("f1", "precision"):
        return f"{at_least}{getattr(figures, key):.2f}" if figures.sought else "–"
    if key == "recall":
        return f"{figures.recall:.2f}" if figures.sought else "–"
    if key == "threshold":
        return f"{figures.threshold:.3g}"
    if key == "found":
        return f"{figures.found} of {figures.clicks}"
    if key == "ap":
        return f"{at_least}{judgement.curve.average_precision:.2f}" if figures.sought else "–"
    if key == "best":
        best = judgement.best
        return "–" if best is None else f"{best.f1:.2f} at {best.threshold:.3g}"
    return str(getattr(figures, key))


def _measured(one: ReportClass) -> str:
    said = {letter: how_measured(judgement) for letter, judgement in one.judged.items()}
    tolerance = one.diameter_A / 2
    common = f"A proposal counts for a pick within {tolerance:g} Å, half a diameter, one to one. "
    if len(set(said.values())) == 1:
        return common + next(iter(said.values()))
    return common + " ".join(f"{letter}: {text}" for letter, text in said.items())


def _picture_sections(report: Report) -> Iterable[str]:
    for number, (class_name, rows) in enumerate(report.pictures):
        if rows:
            yield f"<h2>Pictures, {escape(class_name)}</h2>"
            yield f'<p class="quiet">{escape(LEGEND)}</p>'
            for index, row in enumerate(rows):
                yield picture_row(row, f"ground-{number}-{index}")


def _samples_section(report: Report) -> str:
    rows = []
    for sample in report.samples:
        lines = [
            f"{name}: {clicked} clicked, {accepted} accepted, {rejected} rejected"
            for name, clicked, accepted, rejected in sample.counts
        ]
        rows.append(
            f"<tr><th>{escape(sample.name)}</th><td>{escape(sample.kind)}, "
            f"{escape(sample.role)}</td><td class='n'>{sample.voxel_size_A:g} Å</td>"
            f"<td>{'<br>'.join(map(escape, lines))}</td><td>{escape(sample.declared)}</td>"
            f'<td class="path">{escape(sample.path)}</td></tr>'
        )
    head = "".join(
        f"<th>{title}</th>"
        for title in ("sample", "use", "voxel size", "picks", "declared complete", "file")
    )
    return f'<h2>Data</h2><div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>'
