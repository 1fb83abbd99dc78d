"""What making the docks and importing them takes, for `viewer_stalls.py`."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tomoscribe.ui import docks

if TYPE_CHECKING:
    import napari


def docks_ms(viewer: napari.Viewer) -> list[tuple[str, float]]:
    """Return what making each dock takes, CPU ms; what they share is made for the first one."""
    found = []
    for kind in (docks.ProjectWidget, docks.AnnotateWidget, docks.TrainWidget,
                 docks.CompareWidget, docks.RunsWidget):  # fmt: skip
        start = time.thread_time()
        made = kind(viewer)
        found.append((kind.__name__, 1e3 * (time.thread_time() - start)))
        made.deleteLater()
    return found


def import_ms(rounds: int = 3) -> list[float]:
    """Return what importing the docks adds to a napari that can show a viewer, CPU ms."""
    code = (
        "import napari, napari._qt.qt_main_window, napari.viewer, time; s = time.process_time();"
        "import tomoscribe.ui.docks; print(1e3 * (time.process_time() - s))"
    )
    return sorted(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                             check=True).stdout)
        for _ in range(rounds)
    )  # fmt: skip
