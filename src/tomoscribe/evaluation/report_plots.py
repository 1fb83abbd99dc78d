"""The curves of a report as SVG drawings; text and lines, so that they stay sharp on paper."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tomoscribe.evaluation.judgement import Judgement

COLORS = {"A": "#0072b2", "B": "#d55e00"}
DASHES = {"A": "", "B": "6 4"}
"""A solid, B dashed: the curves are told apart without colours."""

WIDTH, HEIGHT = 300, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 38
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
ROOT_TICKS = (0.0, 0.05, 0.2, 0.5, 1.0)
"""Thresholds: the axis is a square root, since a young model scores 0.02 where a grown one 0.9."""

PLAIN = tuple((value, f"{value:g}") for value in TICKS)
ROOT = tuple((value**0.5, f"{value:g}") for value in ROOT_TICKS)
"""The same as places on an axis with their texts."""

MOST_POINTS = 400


@dataclass(frozen=True)
class Line:
    """A side's line through points (x, y), with its mark at one of them."""

    letter: str
    x: Sequence[float]
    y: Sequence[float]
    mark: tuple[float, float] | None


def curves(judged: Mapping[str, Judgement], thresholds: Mapping[str, float]) -> list[str]:
    """Return three plots: precision against recall, F1 and proposals against the threshold.

    Parameters
    ----------
    judged : mapping of str to Judgement
        By the side's letter.
    thresholds : mapping of str to float
        Where each side is marked.
    """
    at_least = "" if any(j.exact for j in judged.values()) else " (at least)"
    pr, f1, count = [], [], []
    for letter, judgement in judged.items():
        curve, t = judgement.curve, thresholds[letter]
        figures = judgement.at(t)
        x = t**0.5
        if judgement.clicks:
            mark = (figures.recall, figures.precision)
            pr.append(Line(letter, curve.recall.tolist(), curve.precision.tolist(), mark))
            roots = np.sqrt(curve.thresholds).tolist()
            f1.append(Line(letter, roots, curve.f1.tolist(), (x, figures.f1)))
        scores = judgement.scores
        falling = np.arange(len(scores), 0, -1).astype(float).tolist()
        count.append(Line(letter, np.sqrt(scores).tolist(), falling, (x, figures.proposed)))
    most = max((line.y[0] for line in count if len(line.y)), default=1.0)
    levels = [round(most * share) for share in (0, 0.25, 0.5, 0.75, 1)]
    return [
        plot(pr, "recall", f"precision{at_least}", PLAIN, PLAIN, 1.0),
        plot(f1, "threshold", f"F1{at_least}", ROOT, PLAIN, 1.0),
        plot(count, "threshold", "proposed", ROOT, [(v, str(v)) for v in levels], max(most, 1.0)),
    ]


def plot(
    lines: list[Line],
    x_label: str,
    y_label: str,
    x_ticks: Sequence[tuple[float, str]],
    y_ticks: Sequence[tuple[float, str]],
    top: float,
) -> str:
    """Return a plot of lines; x from 0 to 1, y from 0 to `top`, ticks as (place, text)."""

    def at(x: float, y: float) -> tuple[float, float]:
        across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + across * x, HEIGHT - BOTTOM - up * y / top

    drawn = [_grid(at, x_ticks, y_ticks, top), _labels(x_label, y_label)]
    for line in lines:
        color, dash = COLORS[line.letter], DASHES[line.letter]
        step = max(1, len(line.x) // MOST_POINTS)
        points = [at(x, y) for x, y in zip(line.x[::step], line.y[::step], strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2" '
            f'stroke-dasharray="{dash}"/>'
        )
        if line.mark is not None:
            x, y = at(*line.mark)
            shape = (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{color}"/>'
                if line.letter == "A"
                else f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{color}"/>'
            )
            drawn.append(shape)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(y_label)} against {escape(x_label)}">{"".join(drawn)}</svg>'
    )


def _grid(
    at: Callable[[float, float], tuple[float, float]],
    x_ticks: Sequence[tuple[float, str]],
    y_ticks: Sequence[tuple[float, str]],
    top: float,
) -> str:
    drawn = []
    for value, text in x_ticks:
        (x, low), (_, high) = at(value, 0), at(value, top)
        drawn.append(f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" class="grid"/>')
        drawn.append(f'<text x="{x:.1f}" y="{low + 14:.1f}" text-anchor="middle">{text}</text>')
    for value, text in y_ticks:
        (left, y), (right, _) = at(0, value), at(1, value)
        drawn.append(f'<path d="M{left:.1f} {y:.1f}H{right:.1f}" class="grid"/>')
        drawn.append(f'<text x="{left - 5:.1f}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    return "".join(drawn)


def _labels(x_label: str, y_label: str) -> str:
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    return (
        f'<text x="{middle_x}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x_label)}</text>'
        f'<text x="12" y="{middle_y}" text-anchor="middle" '
        f'transform="rotate(-90 12 {middle_y})">{escape(y_label)}</text>'
    )
