"""TensorBoard on a few runs: a child process that shows their curves to a browser here.

It is started through `tensorboard_child`, which ends with us however we end.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.training.run import RunFolder

HOST = "127.0.0.1"
START_S = 60.0
"""Importing TensorBoard from a cold network file system takes long."""
POLL_S = 0.1
END_S = 3.0


class TensorBoard:
    """A running TensorBoard.

    Parameters
    ----------
    runs : sequence of RunFolder
        What it shows; each is named by its folder.

    Raises
    ------
    TomoscribeError
        If it cannot be started.
    """

    def __init__(self, runs: Sequence[RunFolder]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tomoscribe-tensorboard-"))
        self._log = (self._folder / "tensorboard.log").open("w+b")
        port = _free_port()
        self.url = f"http://{HOST}:{port}/"
        try:
            logs = self._folder / "runs"
            logs.mkdir()
            for number, run in enumerate(dict.fromkeys(runs)):
                name = run.name if not (logs / run.name).is_symlink() else f"{run.name}_{number}"
                (logs / name).symlink_to(run.path.absolute(), target_is_directory=True)
            command = [sys.executable, "-m", "tomoscribe.training.tensorboard_child"]
            command += ["--logdir", str(logs), "--host", HOST, "--port", str(port)]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=self._log, stderr=subprocess.STDOUT
            )
        except OSError as error:
            self._clean()
            raise TomoscribeError(f"TensorBoard could not be started: {error}.") from error

    def wait(self, timeout: float = START_S) -> str:
        """Wait until it answers; return its address.

        Raises
        ------
        TomoscribeError
            If it ended, with what it said last, or does not answer in time; nothing of it is left.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                words = self._last_words()
                self.close()
                raise TomoscribeError(f"TensorBoard could not be started: {words}")
            with socket.socket() as probe:
                probe.settimeout(1.0)
                if probe.connect_ex((HOST, int(self.url.rstrip("/").rpartition(":")[2]))) == 0:
                    return self.url
            time.sleep(POLL_S)
        self.close()
        raise TomoscribeError(f"TensorBoard did not answer at {self.url} within {timeout:g} s.")

    @property
    def alive(self) -> bool:
        """Whether it is there."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def close(self) -> None:
        """End it, once; nothing of it is left."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._clean()

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").split("\n")
        told = [line.strip() for line in lines if line.strip()]
        return told[-1] if told else f"it ended with code {self._process.returncode}."

    def _clean(self) -> None:
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)  # links and a log; the runs are left alone


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
