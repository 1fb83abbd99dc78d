"""A script that is interrupted while it trains: a real process, a real worker, a real signal."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tomoscribe.scripting.opening import open_project, sample_project

# Started in the background of a shell, all processes ignore the signal until told otherwise.
SCRIPT = """
import signal, sys, tomoscribe

signal.signal(signal.SIGINT, signal.default_int_handler)

def tell(now):
    print(now.state, now.step, flush=True)

tomoscribe.train(
    sys.argv[1], max_minutes=5, max_steps=1_000_000, patch=16, width=4, batch=1, bin=2, threads=1,
    precision="float32", progress=tell,
)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends the signal of Ctrl-C")
def test_an_interrupt_stops_the_training_with_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    sample_project(tmp_path / "sample", "tiny", clicks=8).close()
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "sample")]
    script = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert script.stdout is not None
    for line in script.stdout:
        state, step = line.split()
        if state == "running" and int(step) > 0:
            break
    script.send_signal(signal.SIGINT)
    _, said = script.communicate(timeout=60)
    assert script.returncode != 0
    assert "KeyboardInterrupt" in said
    [run] = open_project(tmp_path / "sample", read_only=True).runs
    assert run.state == "stopped"
    assert run.last_checkpoint.is_file()
