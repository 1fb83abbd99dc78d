"""A folder that never answers does not keep the process of a closed viewer."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
import threading
from qtpy.QtCore import QCoreApplication
from tomoscribe.ui.background import Background
app = QCoreApplication([])
reader = Background(reads_only={reads_only})
begun = threading.Event()
job = lambda: (begun.set(), threading.Event().wait({seconds}), print("came to its end", flush=True))
reader.run(job, print)
begun.wait()
reader.close()
print("closed", flush=True)
"""


@pytest.mark.parametrize(
    ("reads_only", "seconds", "said"),
    [(True, 600, ["closed"]), (False, 0.2, ["closed", "came to its end"])],
)
def test_the_end_waits_for_what_writes_and_not_for_what_reads(
    reads_only: bool, seconds: float, said: list[str]
) -> None:
    script = textwrap.dedent(SCRIPT).format(reads_only=reads_only, seconds=seconds)
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, timeout=120, check=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert done.stdout.splitlines() == said
