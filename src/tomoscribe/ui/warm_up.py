"""Imports what the first opened project needs while the user still looks for it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from threading import Thread

NEEDED = ("pandas",)
"""napari imports it with its first points: a quarter of a second in the viewer's own thread."""


@cache
def warm_up() -> Thread:
    """Import it in a thread, once; whoever needs it sooner waits for the rest only."""
    thread = Thread(target=_import_all, name="tomoscribe-warm-up")
    thread.start()
    return thread


def _import_all() -> None:
    for name in NEEDED:
        import_module(name)
