"""Images of a training folder with the labels of their voxels: `X.*` and `X_labels.*`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import is_image
from tomoscribe.project.model import Role
from tomoscribe.project.names import tomogram_stem
from tomoscribe.project.raw_samples import LABELS, folder_parts, is_hidden

if TYPE_CHECKING:
    from pathlib import Path

ENDING = "_labels"
"""What the name of a label file has behind that of its image."""


@dataclass(frozen=True)
class LabelPair:
    """The addresses of an image and its labels, and what they are used for."""

    image: str
    labels: str
    role: Role = Role.TRAIN


def folder_pairs(folder: Path) -> list[LabelPair]:
    """Return the images of a training folder that have labels, by part and name.

    Raises
    ------
    TomoscribeError
        If there are none to train on, or labels have no image.
    """
    pairs: list[LabelPair] = []
    for part, role in folder_parts(folder):
        stems = {p: tomogram_stem(p.name) for p in sorted(_visible(part))}
        images = {stem: path for path, stem in stems.items() if not _is_labels(stem)}
        for path, stem in stems.items():
            if not _is_labels(stem):
                continue
            image = images.get(stem.removesuffix(ENDING))
            if image is None or not is_image(image):
                raise TomoscribeError(
                    f"There is no image for {path}: put {stem.removesuffix(ENDING)}.tif, for "
                    "example, beside it."
                )
            pairs.append(LabelPair(str(image), str(path), role))
    if not any(pair.role == Role.TRAIN for pair in pairs):
        where = folder_parts(folder)[0][0]
        raise TomoscribeError(
            f"{where} holds no image with labels: put X.tif and X{ENDING}.tif, for example, "
            "into it."
        )
    return pairs


def label_files(folder: Path) -> list[Path]:
    """Return the label files of a training folder, whether they have an image or not."""
    paths = [p for part, _ in folder_parts(folder) for p in _visible(part)]
    return [p for p in paths if _is_labels(tomogram_stem(p.name))]


def holds_labels(folder: Path) -> bool:
    """Return whether a training folder holds labels of voxels, and no picks.

    Raises
    ------
    TomoscribeError
        If the folder is not there.
    """
    paths = [p for part, _ in folder_parts(folder) for p in _visible(part)]
    images = {tomogram_stem(p.name) for p in paths if p.suffix.lower() not in LABELS}
    picked = any(p.suffix.lower() in LABELS and p.stem in images for p in paths)
    return bool(label_files(folder)) and not picked


def _visible(part: Path) -> list[Path]:
    return [p for p in part.iterdir() if not is_hidden(p)]


def _is_labels(stem: str) -> bool:
    return stem.endswith(ENDING)
