"""What a run was made from: versions of the libraries, and what the data files looked like."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tomoscribe.project.model import TrainingData, TrainingSample

PACKAGES = ("tomoscribe", "torch", "lightning", "numpy", "scipy")

END_BYTES = 1 << 20
"""Of a file, this much of its beginning and of its end is hashed: volumes are many gigabytes."""


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that the result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        found[package] = importlib.metadata.version(package)
    return found


def data_hashes(data: TrainingData) -> dict[str, str]:
    """Return a fingerprint of each sample's volume or container and labels, by sample name.

    A volume's is made of its size, its time of change, and its first and last
    megabyte; folders and remote volumes are known by their name alone.
    """
    return {
        sample.name: f"volume {_fingerprint(sample.volume_path)} "
        f"labels {_short(repr(_labels(sample)).encode())}"
        for sample in data.samples
    }


def _labels(sample: TrainingSample) -> tuple[object, ...]:
    return sample.role, sample.picks, sample.regions, sample.patches, sample.complete


def _fingerprint(volume_path: str) -> str:
    path = Path(volume_path)
    if not path.is_file():
        return "none"
    stat = path.stat()
    with path.open("rb") as file:
        head = file.read(END_BYTES)
        file.seek(max(0, stat.st_size - END_BYTES))
        tail = file.read(END_BYTES)
    return _short(f"{stat.st_size} {stat.st_mtime_ns}".encode() + head + tail)


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
