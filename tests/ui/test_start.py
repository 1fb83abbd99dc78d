"""What the viewer waits for before the first dock is there."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import tomoscribe.ui.docks
print("pandas" in sys.modules)
from tomoscribe.ui.warm_up import warm_up
warm_up().join()
print("pandas" in sys.modules)
"""


def test_docks_do_not_wait_for_pandas_and_bring_it_in_a_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]
