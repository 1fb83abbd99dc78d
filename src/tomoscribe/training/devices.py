"""Devices of this machine; torch is asked in another process, so the viewer never imports it."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import psutil

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.io.own_folder import own_folder

if TYPE_CHECKING:
    from pathlib import Path

PROBE_TIMEOUT_S = 120.0
"""Importing torch from a cold network file system takes a minute."""

_PROBE = """
import json, torch
found = []
for i in range(torch.cuda.device_count()):
    p = torch.cuda.get_device_properties(i)
    found.append({"name": f"cuda:{i}", "label": p.name, "memory_bytes": p.total_memory})
if torch.backends.mps.is_available():
    found.append({"name": "mps", "label": "Apple GPU", "memory_bytes": 0})
print(json.dumps(found))
"""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device: `name` as torch has it, `label` for people; no bytes: shared or unknown memory."""

    name: str
    label: str
    memory_bytes: int


class _Cache(msgspec.Struct, frozen=True, kw_only=True):
    key: list[str]
    devices: list[Device]


def state_dir() -> Path:
    """Return the folder of this user's locks and caches on this machine; it is made if needed."""
    folder = own_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def default_threads() -> int:
    """Return the CPU threads of a worker: all but one, which is left to the viewer."""
    return max(1, (os.cpu_count() or 1) - 1)


def probe() -> list[Device]:
    """Return the devices, best first, the CPU last; slow at first, then cached until reboot."""
    cpu = Device(name="cpu", label="CPU", memory_bytes=psutil.virtual_memory().total)
    version = importlib.metadata.version("torch")
    if version.endswith("+cpu"):
        return [cpu]
    key = [
        version,
        sys.executable,
        f"{psutil.boot_time():.0f}",
        os.environ.get("CUDA_VISIBLE_DEVICES", "all"),
    ]
    path = state_dir() / "devices.json"
    cached = _read_cache(path)
    if cached is None or cached.key != key:
        cached = _Cache(key=key, devices=_ask_torch())
        write_text_atomic(path, msgspec.json.encode(cached).decode())
    return [*cached.devices, cpu]


def choose(name: str) -> Device:
    """Return the device of that name; `auto` is the best one.

    Raises
    ------
    TomoscribeError
        If there is none.
    """
    devices = probe()
    wanted = "cuda:0" if name == "cuda" else name
    for device in devices:
        if wanted in ("auto", device.name):
            return device
    there = ", ".join(d.name for d in devices)
    raise TomoscribeError(f"There is no device '{name}' on this machine; choose auto or: {there}.")


def _ask_torch() -> list[Device]:
    command = [sys.executable, "-c", _PROBE]
    answer = subprocess.run(command, capture_output=True, timeout=PROBE_TIMEOUT_S, check=False)
    if answer.returncode != 0:
        last = answer.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise TomoscribeError(f"PyTorch does not work in {sys.executable}: {' '.join(last)}")
    return msgspec.json.decode(answer.stdout.splitlines()[-1], type=list[Device])


def _read_cache(path: Path) -> _Cache | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Cache)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
