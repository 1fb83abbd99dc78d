"""What the viewer waits for before the first dock is there, and before the first project is."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import tomoscribe.ui.docks
print([name for name in ("pandas", "scipy.ndimage", "scipy.spatial") if name in sys.modules])
from qtpy.QtWidgets import QApplication
app = QApplication([])
from tomoscribe.ui.warm_up import NEEDED, warm_up
while warm_up().busy:
    app.processEvents()
import pint
from pint.registry import LazyRegistry
print([name for name in NEEDED if name not in sys.modules])
print(type(pint.application_registry.get()) is LazyRegistry)
from napari.layers import Image
import numpy as np
print(Image(np.zeros((2, 2)), units="angstrom", contrast_limits=(0, 1)).units[0])
"""


def test_docks_do_not_wait_for_large_libraries_and_units_but_bring_them_in_a_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[]", "[]", "False", "angstrom"]
