"""Gets ready what the first opened project needs while the user still looks for it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import pint
from pint.registry import LazyRegistry

from tomoscribe.ui.background import Background

if TYPE_CHECKING:
    from typing import Any

    from pint import UnitRegistry

NEEDED = (
    "pandas",
    "scipy.fft",
    "scipy.ndimage",
    "scipy.sparse.csgraph",
    "scipy.spatial",
    "scipy.special",
)
"""napari imports pandas with its first points, we the rest: each would stop the viewer's thread."""


@cache
def warm_up() -> Background:
    """Do it in a thread, once; whoever needs an import sooner waits for the rest of it only."""
    background = Background(reads_only=True)
    background.run(_import_all, _take_units)
    return background


def _import_all() -> UnitRegistry[Any]:
    for name in NEEDED:
        import_module(name)
    return pint.UnitRegistry(on_redefinition="raise")


def _take_units(made: UnitRegistry[Any]) -> None:
    """Give napari the units, which its first layer would work out for a third of a second."""
    current = pint.application_registry.get()  # type: ignore[no-untyped-call]
    if isinstance(current, LazyRegistry):  # nobody has asked for one yet
        pint.set_application_registry(made)  # type: ignore[no-untyped-call]
