"""`python -m tensorboard.main` that ends when its starter does, even where that was killed."""

from __future__ import annotations

import os
import runpy
import sys
import threading


def _end_with_starter() -> None:
    # The starter holds the other end and never writes: an end of input is the end of the starter.
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_starter, daemon=True).start()
    runpy.run_module("tensorboard.main", run_name="__main__", alter_sys=True)
