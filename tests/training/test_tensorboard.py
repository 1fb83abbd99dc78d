"""TensorBoard as a child process: it answers, it ends with its starter, and failures are told."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import tensorboard
from tomoscribe.training.run import RunFolder
from tomoscribe.training.tensorboard import TensorBoard


def test_it_answers_and_ends_without_a_trace(run: RunFolder) -> None:
    board = TensorBoard([run])
    try:
        with urllib.request.urlopen(board.wait()) as page:
            assert b"TensorBoard" in page.read()
        folder = board._folder
        assert (folder / "runs" / run.name).resolve() == run.path.resolve()
    finally:
        board.close()
    assert not board.alive
    assert not folder.exists()
    assert run.exists


def test_it_ends_when_its_starter_is_killed(
    run: RunFolder, wait_until: Callable[..., None]
) -> None:
    script = f"""
        import sys
        from tomoscribe.training.run import RunFolder
        from tomoscribe.training.tensorboard import TensorBoard
        board = TensorBoard([RunFolder({str(run.path)!r})])
        print(board.pid, flush=True)
        sys.stdin.read()
    """
    starter = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert starter.stdout is not None
        child = psutil.Process(int(starter.stdout.readline()))
    finally:
        starter.kill()
        starter.communicate()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 30.0)


def test_a_tensorboard_that_fails_is_told_in_its_own_words(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho warming up\necho No module named tensorboard >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(tensorboard.sys, "executable", str(broken))
    monkeypatch.setattr(tensorboard.tempfile, "tempdir", str(tmp_path))
    board = TensorBoard([run])
    with pytest.raises(TomoscribeError, match="No module named tensorboard"):
        board.wait()
    assert not list(tmp_path.glob("tomoscribe-tensorboard-*"))
    board.close()
