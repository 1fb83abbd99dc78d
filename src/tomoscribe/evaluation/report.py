"""A page for the lab book: two checkpoints compared, in one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from tomoscribe.evaluation.judgement import Standing
from tomoscribe.evaluation.judgement_words import best_text, figures_text, how_measured
from tomoscribe.evaluation.report_plots import COLORS, DASHES, curves
from tomoscribe.io.atomic import write_text_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tomoscribe.evaluation.judgement import Figures, Judgement
    from tomoscribe.evaluation.pictures import Mark, Picture, PictureRow
    from tomoscribe.evaluation.report_data import Report, ReportClass, ReportSide

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, sans-serif; color: #222; background: #fff; max-width: 1040px;
  margin: 2em auto; padding: 0 1.2em; }
h1 { font-size: 1.5em; margin-bottom: 0.1em; } h2 { font-size: 1.15em; margin-top: 2em;
  border-bottom: 1px solid #ccc; } h3 { font-size: 1em; }
table { border-collapse: collapse; margin: 0.6em 0; } td, th { text-align: left;
  padding: 0.2em 0.8em 0.2em 0; vertical-align: top; border-bottom: 1px solid #e6e6e6; }
th { font-weight: 600; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.halves { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 2em; }
.quiet { color: #5c6068; } .row { display: flex; flex-wrap: wrap; gap: 14px; }
figure { margin: 0.6em 0; } figcaption { color: #5c6068; font-size: 0.9em; }
svg text { font: 11px system-ui, sans-serif; fill: #444; } svg .grid { stroke: #e2e2e2; }
svg .title { font-weight: 600; font-size: 13px; } .scroll { overflow-x: auto; }
svg .mark { filter: drop-shadow(0 0 1px #000); } .short { white-space: nowrap; }
.path { overflow-wrap: anywhere; }
@media print { body { margin: 0; max-width: none; } figure { break-inside: avoid; } }
"""

LOOKS = {Standing.MATCHED: "#009e73", Standing.MISSED: "#d55e00",
         Standing.WRONG: "#cc79a7", Standing.OPEN: "#56b4e9"}  # fmt: skip
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
        f'<div class="halves">{"".join(map(_side_section, report.sides))}</div>',
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _class_section(one: ReportClass, sides: Sequence[ReportSide]) -> str:
    names = {side.letter: side.name for side in sides}
    parts = [f"<h2>{escape(one.name)}, {one.diameter_A:g} Å</h2>"]
    for letter, judgement in one.judged.items():
        threshold, own = one.thresholds[letter]
        words = figures_text(judgement.at(threshold))
        best = best_text(judgement)
        chosen = "its own threshold" if own else "a threshold that was set"
        parts.append(
            f"<p>{_sign(letter)} <b>{letter}</b> {escape(names.get(letter, ''))}: {escape(words)} "
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
                yield _picture_row(row, f"ground-{number}-{index}")


def _picture_row(row: PictureRow, name: str) -> str:
    shared = len({picture.ground for picture in row.pictures}) == 1
    drawn = []
    for index, picture in enumerate(row.pictures):
        again = name if shared and index else None
        drawn.append(_picture(picture, name if index == 0 else "", again))
    caption = escape(row.caption)
    return (
        f'<figure><div class="row">{"".join(drawn)}</div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _picture(picture: Picture, name: str, again: str | None) -> str:
    """Return a drawing; one whose ground is the same as another's uses that one's again."""
    width, height = picture.width, picture.height
    size = f'width="{width}" height="{height}"'
    if again is None:
        told = f'id="{name}" ' if name else ""
        ground = f'<image {told}href="{_data(picture.ground)}" {size}/>'
    else:
        ground = f'<use href="#{again}"/>'
    overlay = ""
    if picture.overlay is not None:
        overlay = f'<image href="{_data(picture.overlay)}" {size}/>'
    boxes = "".join(
        f'<rect class="mark" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" '
        'fill="none" stroke="#fff" stroke-dasharray="7 4"/>'
        for x, y, w, h in picture.boxes
    )
    marks = boxes + "".join(map(_mark, picture.marks))
    title = f'<text class="title" x="2" y="14">{escape(picture.title)}</text>'
    return (
        f'<svg viewBox="0 -18 {width} {height + 18}" width="{min(width, 330)}" role="img" '
        f'aria-label="{escape(picture.title)}"><g transform="translate(0,-18)">{title}</g>'
        f"{ground}{overlay}{marks}</svg>"
    )


def _mark(mark: Mark) -> str:
    color, x, y, r = LOOKS[mark.standing], mark.x, mark.y, mark.radius
    if mark.standing is Standing.MISSED:
        d = 0.6 * r
        path = f"M{x - d:.1f} {y - d:.1f}L{x + d:.1f} {y + d:.1f}M{x - d:.1f} {y + d:.1f}"
        path += f"L{x + d:.1f} {y - d:.1f}"
        return f'<path class="mark" d="{path}" stroke="{color}" stroke-width="2.5"/>'
    dashes = {Standing.WRONG: "5 3", Standing.OPEN: "2 3"}.get(mark.standing, "")
    return (
        f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="none" '
        f'stroke="{color}" '
        f'stroke-width="2" stroke-dasharray="{dashes}"/>'
    )


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


def _side_section(side: ReportSide) -> str:
    parts = [f'<h2 class="path">{side.letter}: {escape(side.name)}</h2>']
    if side.facts:
        parts.append(_table(side.facts))
    for title, rows, nothing in (
        ("Settings that are not the default", side.settings, "All settings are the default."),
        ("What the plan chose", side.plan, ""),
        ("Trained with", side.versions, ""),
    ):
        if rows:
            parts.append(f"<h3>{title}</h3>{_table(rows)}")
        elif nothing and side.plan:
            parts.append(f"<p>{nothing}</p>")
    return f"<section>{''.join(parts)}</section>"


def _table(rows: Iterable[Sequence[str]]) -> str:
    lines = []
    for row in rows:
        short = "".join(f'<td class="short">{escape(cell)}</td>' for cell in row[:-1])
        lines.append(f'<tr>{short}<td class="path">{escape(row[-1])}</td></tr>')
    return f"<table>{''.join(lines)}</table>"


def _sign(letter: str) -> str:
    return (
        '<svg width="30" height="8" aria-hidden="true"><path d="M0 4H30" stroke-width="3" '
        f'stroke="{COLORS[letter]}" stroke-dasharray="{DASHES[letter]}"/></svg>'
    )


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
