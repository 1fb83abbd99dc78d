"""Colours of painted values: classes have their own, objects are told apart from each other."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

from tomoscribe.project.classes import PALETTE
from tomoscribe.segmentation.painted_values import BACKGROUND, FIRST_OBJECT, UNLABELLED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoscribe.segmentation.labels import LabelClass

Rgba = tuple[float, float, float, float]

BACKGROUND_COLOR = "#9f86ff"
"""Violet, which no class is given: grey would not be seen on density."""

BACKGROUND_SHOWN = f"{BACKGROUND_COLOR}73"
"""On sections it is fainter than classes: dense labels cover most of the image with it."""

NOTHING: Rgba = (0.0, 0.0, 0.0, 0.0)

GOLDEN = 0.618034
"""Of a turn of hue: whatever the number of objects, neighbours in number differ most."""

STEP = 256
"""Objects get their colours in such portions: a new set of colours costs napari a tenth second."""


def next_label_color(classes: Iterable[LabelClass]) -> str:
    """Return the first palette colour that no class has yet."""
    used = {c.color.lower() for c in classes}
    return next((color for color in PALETTE if color not in used), PALETTE[0])


def object_color(number: int) -> Rgba:
    """Return the colour of an object; three lightnesses tell those of near hue apart."""
    index = number - FIRST_OBJECT
    hue, value = (0.52 + GOLDEN * index) % 1.0, (1.0, 0.75, 0.9)[index % 3]
    red, green, blue = colorsys.hsv_to_rgb(hue, (0.85, 0.6)[index % 2], value)
    return red, green, blue, 1.0


def label_colors(classes: Iterable[LabelClass], objects: int) -> dict[int | None, str | Rgba]:
    """Return napari's colours by painted value, for at least so many objects."""
    colors: dict[int | None, str | Rgba] = {None: NOTHING, UNLABELLED: NOTHING}
    colors[BACKGROUND] = BACKGROUND_SHOWN
    colors |= {c.value: c.color for c in classes}
    last = FIRST_OBJECT + objects
    return colors | {number: object_color(number) for number in range(FIRST_OBJECT, last)}
