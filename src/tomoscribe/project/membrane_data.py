"""Membranes to train on: their samples, from a project or a training folder of MemBrain-pick."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.journal import Journal
from tomoscribe.picks.table import JUNK, PickState, positions_zyx
from tomoscribe.project.annotations import patches_of
from tomoscribe.project.classes import make_classes
from tomoscribe.project.file import journal_path, read_project_file
from tomoscribe.project.membrane_files import distances_A, open_membrane
from tomoscribe.project.model import Role, TrainingSample
from tomoscribe.project.raw_membranes import read_membrane_folder
from tomoscribe.project.sample_checks import checked, count_accepted, required, used_classes
from tomoscribe.project.split import ENOUGH_MEMBRANES, split_by_tomogram

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.picks.table import Pick
    from tomoscribe.project.model import (
        MembraneEntry,
        ParticleClass,
        Patch,
        TomogramEntry,
        TrainingData,
    )
    from tomoscribe.project.source import DataSource

NEAR_A = 100.0
"""A pick that names no membrane counts for the nearest one at most so far away, or as far as the
largest particle is wide."""

LIKELY_A = (60.0, 150.0)
"""Diameters of membrane proteins; few clicks are far apart, and tell only that there are few."""


def load_membranes(source: DataSource, revision: int) -> TrainingData:
    """Read the membranes of a project or of a training folder, with their picks and patches.

    Raises
    ------
    TomoscribeError
        If there is none, none has picks, or a file is broken.
    """
    if source.kind == "project":
        folder = required(source.path, "a project folder")
        samples, named, warnings, left_out = _of_project(folder, source)
        where, given = f"the project {folder}", any(s.role == Role.VALIDATE for s in samples)
    elif source.kind == "folder":
        folder = required(source.path, "a folder with train/")
        samples, warnings = read_membrane_folder(folder, source)
        left_out = 0
        named, where, given = {}, str(folder), (folder / "train").is_dir()
    else:
        raise TomoscribeError(
            "Lists of images and coordinates are about tomograms: give a project or a folder "
            "of membranes."
        )
    if not given:
        samples = _split(samples, source.validate_on, warnings)
    classes = _classes(samples, named, source.diameter_A, warnings)
    return checked(samples, classes, revision, warnings, where, "membrane", left_out)


def _of_project(
    folder: Path, source: DataSource
) -> tuple[list[TrainingSample], dict[str, ParticleClass], list[str], int]:
    content = read_project_file(folder)
    if not content.membranes:
        raise TomoscribeError(
            f"The project {folder} holds no membrane: make one of a segmentation with "
            "`tomoscribe mesh`, and add it."
        )
    warnings: list[str] = []
    samples: list[TrainingSample] = []
    left_out = 0
    entries = [item.to_entry(folder) for item in content.membranes]
    reach_A = max([NEAR_A, *(c.diameter_A for c in content.classes)])
    for item in content.tomograms:
        tomogram = item.to_entry(folder)
        mine = [e for e in entries if e.tomogram == tomogram.name]
        if not mine:
            continue
        contents = Journal.replay(journal_path(folder, tomogram.name))
        picks = [p for p in contents.picks if p.state != PickState.PROPOSED]
        shared = _share(picks, mine, tomogram, reach_A, warnings)
        left_out += count_accepted(picks) - sum(map(count_accepted, shared.values()))
        patches = patches_of(contents)
        for entry in mine:
            own = tuple(p for p in patches if p.membrane == entry.name)
            samples.append(_sample(entry, tomogram, tuple(shared[entry.name]), own, source))
    for sample in samples:
        labelled = sample.picks or sample.patches or sample.complete
        if labelled and sample.role != Role.UNUSED:
            membrane = open_membrane(sample.volume_path, sample.voxel_size_A, sample.tomogram)
            warnings += [f"{sample.name}: {note}" for note in membrane.notes]
    return samples, {c.name: c.to_class() for c in content.classes}, warnings, left_out


def _sample(
    entry: MembraneEntry,
    tomogram: TomogramEntry,
    picks: tuple[Pick, ...],
    patches: tuple[Patch, ...],
    source: DataSource,
) -> TrainingSample:
    return TrainingSample(
        entry.name,
        str(entry.path),
        tomogram.voxel_size_A,
        entry.role,
        picks,
        patches=patches,
        complete=source.complete,
        tomogram=tomogram.address,
    )


def _share(
    picks: list[Pick],
    entries: list[MembraneEntry],
    tomogram: TomogramEntry,
    reach_A: float,
    warnings: list[str],
) -> dict[str, list[Pick]]:
    """Return the picks of each membrane of a tomogram; those that name none go to the nearest."""
    shared: dict[str, list[Pick]] = {e.name: [] for e in entries}
    homeless: list[Pick] = []
    lost: list[Pick] = []
    for pick in picks:
        if pick.membrane in shared:
            shared[pick.membrane].append(pick)
        else:
            (lost if pick.membrane else homeless).append(pick)
    if lost:
        warnings.append(
            f"{_count(lost)} of {tomogram.name} on membranes that the project does not have "
            f"({', '.join(sorted({p.membrane for p in lost}))}): they are left out."
        )
    if not homeless or all(e.role == Role.UNUSED for e in entries):
        return shared
    # Those on an unused membrane are not its neighbour's. Its file may well be gone.
    there = [e for e in entries if e.role != Role.UNUSED or e.path.is_file()]
    found = [
        distances_A(
            open_membrane(str(e.path), tomogram.voxel_size_A, tomogram.address),
            positions_zyx(homeless),
        )
        for e in there
    ]
    nearest, least = np.argmin(found, axis=0), np.min(found, axis=0)
    taken = [p for p, away in zip(homeless, least, strict=True) if away <= reach_A]
    for pick, index, away in zip(homeless, nearest, least, strict=True):
        if away <= reach_A:
            shared[there[index].name].append(replace(pick, membrane=there[index].name))
    # Junk lies anywhere; that some of it is on no membrane is nothing to say.
    homeless = [p for p in homeless if p.class_name != JUNK]
    taken = [p for p in taken if p.class_name != JUNK]
    if taken:
        warnings.append(
            f"{_count(taken)} of {tomogram.name} that name no membrane count for the nearest one."
        )
    if len(taken) < len(homeless):
        warnings.append(
            f"{_count(homeless[len(taken) :])} of {tomogram.name} lie on no membrane and more than "
            f"{reach_A:.0f} Å from the nearest one: they are left out."
        )
    return shared


def _split(
    samples: list[TrainingSample], validate_on: tuple[str, ...] | None, warnings: list[str]
) -> list[TrainingSample]:
    """Choose which membranes validate where nobody has; those chosen before stay.

    All train where they are few, or where a class would have nothing left to learn from.
    """
    used = [s for s in samples if s.role != Role.UNUSED]
    counts = {s.name: sum(p.state == PickState.ACCEPTED for p in s.picks) for s in used}
    held = {name for name in validate_on or () if counts.get(name)}
    if validate_on is None:
        roles = split_by_tomogram(counts, enough=ENOUGH_MEMBRANES)
        held = {name for name, role in roles.items() if role == Role.VALIDATE}
        rest = [s for s in used if s.name not in held]
        if {*used_classes(used)} != {*used_classes(rest)}:
            held = set()
    if not held:
        return samples
    warnings.append(
        f"{', '.join(sorted(held))} only validate: set roles, or make train/ and val/, to choose "
        "yourself."
    )
    return [replace(s, role=Role.VALIDATE) if s.name in held else s for s in samples]


def _classes(
    samples: list[TrainingSample],
    named: dict[str, ParticleClass],
    diameter_A: float | None,
    warnings: list[str],
) -> tuple[ParticleClass, ...]:
    """Return the classes on membranes; a diameter that nobody tells is taken from the picks."""
    used = used_classes(samples)
    unknown = [name for name in used if name not in named]
    if unknown and diameter_A is None:
        diameter_A = _likely_diameter_A(samples)
        warnings.append(
            f"The diameter of {', '.join(unknown)} is not told: {diameter_A:.0f} Å is taken, from "
            "the distances between picks; give it with --diameter-A."
        )
    extra = make_classes(unknown, diameter_A) if diameter_A is not None else ()
    return (*(c for c in named.values() if c.name in used), *extra)


def _likely_diameter_A(samples: list[TrainingSample]) -> float:
    """Return the distance at which neighbours are rare, within what proteins measure."""
    apart: list[float] = []
    for sample in samples:
        zyx = positions_zyx(p for p in sample.picks if p.state == PickState.ACCEPTED)
        if len(zyx) > 1:
            away, _ = KDTree(zyx).query(zyx, k=2)
            apart += (np.asarray(away)[:, 1] * sample.voxel_size_A).tolist()
    likely = float(np.percentile(apart, 10)) if apart else LIKELY_A[1]
    return float(np.clip(likely, *LIKELY_A))


def _count(picks: list[Pick]) -> str:
    return "1 pick" if len(picks) == 1 else f"{len(picks)} picks"
