"""Particle classes: the colours they get, and which may stand in one project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.table import JUNK
from tomoscribe.project.model import ParticleClass

if TYPE_CHECKING:
    from collections.abc import Iterable

PALETTE = (
    "#e69f00",
    "#56b4e9",
    "#009e73",
    "#f0e442",
    "#0072b2",
    "#d55e00",
    "#cc79a7",
    "#ffffff",
    "#999999",
)
"""Colours that colour-blind people tell apart on grey (Okabe and Ito 2008), one a class key."""

DEFAULT_CLASS = "particle"
"""Name of the class where a file names none."""


def class_color(index: int) -> str:
    """Return the colour of the class at `index`, as #rrggbb."""
    return PALETTE[index % len(PALETTE)]


def make_classes(names: Iterable[str], diameter_A: float) -> tuple[ParticleClass, ...]:
    """Return classes of one diameter, with the palette's colours."""
    return tuple(ParticleClass(name, diameter_A, class_color(i)) for i, name in enumerate(names))


def check_classes(classes: Iterable[ParticleClass]) -> list[ParticleClass]:
    """Return classes that may stand in one project.

    Raises
    ------
    TomoscribeError
        If a name is empty, reserved or used twice, or a diameter is not positive.
    """
    result = list(classes)
    names = [c.name for c in result]
    for particle in result:
        if not particle.name.strip():
            raise TomoscribeError("A particle class needs a name.")
        if particle.name == JUNK:
            raise TomoscribeError(
                f"No class can be called '{JUNK}', which marks what is no particle: choose another "
                "name."
            )
        if names.count(particle.name) > 1:
            raise TomoscribeError(
                f"The class name '{particle.name}' is used twice: choose another."
            )
        if not 0 < particle.diameter_A < float("inf"):
            raise TomoscribeError(f"The class '{particle.name}' needs a diameter in Å above 0.")
    return result
