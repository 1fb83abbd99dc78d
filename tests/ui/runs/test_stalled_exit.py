"""A folder that never answers does not keep the process of a closed viewer."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Callable

import pytest
from qtpy.QtWidgets import QApplication

from tomoscribe.ui.background import Background

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


class Answer:
    """Something large."""


def test_an_answer_is_not_kept_once_it_was_delivered(
    process_until: Callable[..., None], qapp: QApplication
) -> None:
    reader = Background(reads_only=True)
    taken: list[weakref.ref[Answer]] = []
    reader.run(Answer, lambda answer: taken.append(weakref.ref(answer)))
    process_until(lambda: taken, "the answer")
    process_until(lambda: taken[0]() is None, "the answer to be let go")
    reader.close()


def test_a_reader_that_nobody_ended_ends_with_its_owner(
    process_until: Callable[..., None], qapp: QApplication
) -> None:
    reader = Background(reads_only=True)
    threads: list[threading.Thread] = []
    reader.run(threading.current_thread, threads.append)
    process_until(lambda: threads, "the thread")
    del reader
    gc.collect()
    process_until(lambda: not threads[0].is_alive(), "the thread to end")
