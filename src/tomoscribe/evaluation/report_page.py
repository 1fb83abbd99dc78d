"""What all reports share: the page around them, pictures, and what is told of a checkpoint."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from tomoscribe.evaluation.judgement import Standing
from tomoscribe.evaluation.report_plots import COLORS, DASHES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tomoscribe.evaluation.pictures import Mark, Picture, PictureRow
    from tomoscribe.evaluation.report_data import ReportSide

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


def page(title: str, parts: Iterable[str]) -> str:
    """Return a page as HTML of its parts; everything that it shows is in it."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def picture_row(row: PictureRow, name: str) -> str:
    """Return pictures side by side; `name` is that of their ground, unique on the page."""
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


def side_section(side: ReportSide) -> str:
    """Return what is known of a checkpoint and its training."""
    parts = [f'<h2 class="path">{side.letter}: {escape(side.name)}</h2>']
    if side.facts:
        parts.append(table(side.facts))
    for title, rows, nothing in (
        ("Settings that are not the default", side.settings, "All settings are the default."),
        ("What the plan chose", side.plan, ""),
        ("Trained with", side.versions, ""),
    ):
        if rows:
            parts.append(f"<h3>{title}</h3>{table(rows)}")
        elif nothing and side.plan:
            parts.append(f"<p>{nothing}</p>")
    return f"<section>{''.join(parts)}</section>"


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose last column may wrap."""
    lines = []
    for row in rows:
        short = "".join(f'<td class="short">{escape(cell)}</td>' for cell in row[:-1])
        lines.append(f'<tr>{short}<td class="path">{escape(row[-1])}</td></tr>')
    return f"<table>{''.join(lines)}</table>"


def sign(letter: str) -> str:
    """Return a side's line as the plots have it."""
    return (
        '<svg width="30" height="8" aria-hidden="true"><path d="M0 4H30" stroke-width="3" '
        f'stroke="{COLORS[letter]}" stroke-dasharray="{DASHES[letter]}"/></svg>'
    )


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
