"""Where a card goes beside what it is about: plain geometry, in pixels of the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right", "above", "below", "inside"]

GAP = 18
"""Pixels between card and target: room for the arrow."""


@dataclass(frozen=True)
class Box:
    """A rectangle: its upper left corner and its size in pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def center(self) -> tuple[int, int]:
        """Its middle."""
        return self.x + self.width // 2, self.y + self.height // 2


def place(target: Box | None, size: tuple[int, int], window: Box) -> tuple[Box, Side]:
    """Return where a card of `size` goes, and on which side of the target that is.

    Left is tried first, as docks are on the right, then right, above and below. Where it fits
    nowhere, as beside a canvas, it goes into the target's lower left corner; without a target,
    into the window's.
    """
    width, height = size
    if target is None:
        low = window.y + window.height - height - GAP
        return _kept(Box(window.x + GAP, low, *size), window), "inside"
    x, y = target.center
    beside: dict[Side, Box] = {
        "left": Box(target.x - width - GAP, y - height // 2, *size),
        "right": Box(target.x + target.width + GAP, y - height // 2, *size),
        "above": Box(x - width // 2, target.y - height - GAP, *size),
        "below": Box(x - width // 2, target.y + target.height + GAP, *size),
    }
    for side, box in beside.items():
        kept = _kept(box, window)
        # Along the target it may be moved, but not onto it.
        if (kept.x == box.x) if side in ("left", "right") else (kept.y == box.y):
            return kept, side
    inside = Box(target.x + GAP, target.y + target.height - height - GAP, *size)
    return _kept(inside, window), "inside"


def _kept(box: Box, window: Box) -> Box:
    """Return a box moved so that the window holds it."""
    x = max(window.x, min(box.x, window.x + window.width - box.width))
    y = max(window.y, min(box.y, window.y + window.height - box.height))
    return Box(x, y, box.width, box.height)
