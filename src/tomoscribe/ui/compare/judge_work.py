"""Judging checkpoints off the GUI thread: what is judged by what, with peaks found only once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.evaluation.evidence import ClassScores, Computed, Evidence, Surface, judge, propose
from tomoscribe.evaluation.judgement import Judgement
from tomoscribe.project.membrane_files import open_membrane
from tomoscribe.training.coverage import WHOLE
from tomoscribe.training.seen import SeenBy, seen_by

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tomoscribe.evaluation.judgement import JudgedSample
    from tomoscribe.evaluation.proposals import Proposals
    from tomoscribe.picks.table import Pick
    from tomoscribe.project.model import ParticleClass, Patch, Region
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.ui.compare.sides import Letter
    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
    from tomoscribe.ui.scores.stored_scores import KnownScores

KEPT = 64
"""Proposals that are kept, by checkpoint and sample: a few kilobytes each."""


@dataclass(frozen=True)
class JudgedBy:
    """A sample as it is when it is judged by; everything in it is a value.

    Parameters
    ----------
    name : str
        Of the tomogram or membrane.
    voxel_size_A : float
        Of the tomogram.
    picks, regions, patches : tuples
        Of the tomogram.
    membrane : Path or None
        Container of the membrane, where the sample is one.
    tomogram : str
        Address of its tomogram.
    shelved : ShelvedMembrane or None
        The same membrane, where the viewer has it in memory.
    """

    name: str
    voxel_size_A: float
    picks: tuple[Pick, ...]
    regions: tuple[Region, ...] = ()
    patches: tuple[Patch, ...] = ()
    membrane: Path | None = None
    tomogram: str = ""
    shelved: ShelvedMembrane | None = None


@dataclass(frozen=True)
class JudgeOrder:
    """What is to be judged: one class, on some samples, by the scores that are known of each."""

    project: Path
    particle: ParticleClass
    samples: tuple[JudgedBy, ...]
    refs: Mapping[Letter, CheckpointRef]
    known: Mapping[tuple[Letter, str], KnownScores]


@dataclass(frozen=True)
class JudgedSide:
    """One side as it was judged: its checkpoint and class, each sample, and all together."""

    ref: CheckpointRef
    class_name: str
    samples: Mapping[str, JudgedSample]
    judgement: Judgement


class JudgeWork:
    """Does the work in one thread, and keeps what need not be done again."""

    def __init__(self) -> None:
        self._proposals: OrderedDict[tuple[object, ...], Proposals] = OrderedDict()
        self._surfaces: OrderedDict[tuple[object, ...], Surface] = OrderedDict()
        self._seen: dict[CheckpointRef, SeenBy | None] = {}

    def do(self, order: JudgeOrder) -> dict[Letter, JudgedSide]:
        """Return what was judged of each side that has scores.

        Raises
        ------
        TomoscribeError
            If a membrane cannot be read.
        """
        evidence = self.evidence(order)
        name = order.particle.name
        found: dict[Letter, JudgedSide] = {}
        for letter, ref in order.refs.items():
            seen = self._seen_by(ref, order.project)
            judged: dict[str, JudgedSample] = {}
            for one in evidence:
                known = order.known.get((letter, one.name))
                if known is None or not _fits(known, one):
                    continue
                index = known.grid.class_names.index(name)
                proposals = self._propose(one, known, index, order.particle, ref)
                held_out = None if seen is None else seen.never_seen(one.name, one.picks, name)
                computed = None
                if known.coverage < WHOLE:
                    computed = Computed(known.values[index] > 0, known.grid.bin)
                judged[one.name] = judge(one, proposals, computed, held_out)
            if judged:
                judgement = Judgement(tuple(judged.values())).prepared()
                found[letter] = JudgedSide(ref, order.particle.name, judged, judgement)
        return found

    def evidence(self, order: JudgeOrder) -> list[Evidence]:
        """Return what is known of each sample, in their order.

        Raises
        ------
        TomoscribeError
            If a membrane cannot be read.
        """
        return [self._evidence(sample) for sample in order.samples]

    def _propose(
        self,
        evidence: Evidence,
        known: KnownScores,
        index: int,
        particle: ParticleClass,
        ref: CheckpointRef,
    ) -> Proposals:
        key = (ref, evidence.name, evidence.voxel_size_A, particle, known.grid, known.coverage)
        if key not in self._proposals:
            found = ClassScores(known.values[index], known.grid.bin)
            self._proposals[key] = propose(evidence, found, particle, ref.source)
        self._proposals.move_to_end(key)
        while len(self._proposals) > KEPT:
            self._proposals.popitem(last=False)
        return self._proposals[key]

    def _evidence(self, sample: JudgedBy) -> Evidence:
        surface = None if sample.membrane is None else self._surface(sample)
        return Evidence(sample.name, sample.voxel_size_A, sample.picks, sample.regions, surface)

    def _surface(self, sample: JudgedBy) -> Surface:
        shelved = sample.shelved
        membrane = (
            open_membrane(str(sample.membrane), sample.voxel_size_A, sample.tomogram)
            if shelved is None
            else shelved.membrane
        )
        patches = tuple(p for p in sample.patches if p.membrane == sample.name)
        key = (id(membrane), patches)
        if key not in self._surfaces:
            same = [s for s in self._surfaces.values() if s.membrane is membrane]
            graph = same[0].graph if same else None
            self._surfaces[key] = Surface.of(membrane, patches, graph)
            while len(self._surfaces) > KEPT:
                self._surfaces.popitem(last=False)
        return self._surfaces[key]

    def _seen_by(self, ref: CheckpointRef, project: Path) -> SeenBy | None:
        if ref not in self._seen:
            self._seen[ref] = seen_by(ref, project)
        return self._seen[ref]


def _fits(known: KnownScores, evidence: Evidence) -> bool:
    """Tell whether scores are of this mesh, which may have been made anew since."""
    if evidence.surface is None:
        return known.kind == "volume"
    count = len(evidence.surface.membrane.mesh.vertices_zyx)
    return known.kind == "mesh" and known.values.shape[-1] == count
