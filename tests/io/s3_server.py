"""A real S3 server in a process of its own, which can go away and come back with its content."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SCRIPT = """
import sys
from moto.server import ThreadedMotoServer
for line in sys.stdin:
    word = line.split()
    if word[0] == "start":
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=int(word[1]), verbose=False)
        server.start()
    else:
        server.stop()
    print("done", flush=True)
"""


class S3Server:
    """Listens on a port of localhost from `start` to `stop`; the buckets outlive both."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.start()

    @property
    def settings(self) -> dict[str, str]:
        """Environment with which fsspec and others find it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self) -> None:
        self._say(f"start {self.port}")

    def stop(self) -> None:
        self._say("stop")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _say(self, word: str) -> None:
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"


@contextmanager
def served(local: Path, place: str) -> Iterator[S3Server]:
    """Serve what lies in a folder as `place` of the bucket `cells`, with credentials for it set."""
    import s3fs

    server = S3Server()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.settings.items():
            patch.setenv(name, value)
        system = s3fs.S3FileSystem(skip_instance_cache=True)
        system.mkdir("cells")
        system.put(f"{local}{os.sep}", f"cells/{place}", recursive=True)
        yield server
    server.close()
