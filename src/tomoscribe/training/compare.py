"""Two checkpoints on a project's samples without a viewer: predicted where need be, then judged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.compared import UNMEASURED, ComparedSample, ScoredClass
from tomoscribe.evaluation.evidence import ClassScores, Evidence, Surface, judge, propose
from tomoscribe.evaluation.judgement import Judgement
from tomoscribe.io.volumes import open_volume
from tomoscribe.picks.table import PickState
from tomoscribe.project.default_task import MEMBRANE, VOXEL_TASKS
from tomoscribe.project.membrane_files import open_membrane
from tomoscribe.project.model import Role
from tomoscribe.project.painted_samples import painted_of
from tomoscribe.project.source import DataSource
from tomoscribe.training.catalog import Catalog
from tomoscribe.training.compare_labels import compare_labelled, learned
from tomoscribe.training.prediction_request import PredictionRequest
from tomoscribe.training.seen import seen_by
from tomoscribe.training.side_scores import ScoreMaker, check_sides

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tomoscribe.project.model import ParticleClass
    from tomoscribe.project.store import Project
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.training.compare_segments import SegmentComparison
    from tomoscribe.training.seen import SeenBy
    from tomoscribe.training.side_scores import SideScores


@dataclass(frozen=True)
class Comparison:
    """What came of it.

    Parameters
    ----------
    sides : mapping of str to CheckpointRef
        By letter, A and B.
    classes : tuple of ParticleClass
        Those that were judged.
    samples : tuple of ComparedSample
        With the scores of both sides.
    """

    sides: Mapping[str, CheckpointRef]
    classes: tuple[ParticleClass, ...]
    samples: tuple[ComparedSample, ...]

    def judgement(self, letter: str, class_name: str) -> Judgement:
        """Return the judgement of a side in a class over all samples."""
        return Judgement(tuple(one.judged for one in self._of(letter, class_name)))

    def threshold(self, letter: str, class_name: str) -> float:
        """Return the threshold of a side in a class."""
        found = self._of(letter, class_name)
        return found[0].threshold if found else UNMEASURED

    def _of(self, letter: str, class_name: str) -> list[ScoredClass]:
        found = [sample.sides[letter].get(class_name) for sample in self.samples]
        return [one for one in found if one is not None]


def compare(
    project: Project,
    sides: Mapping[str, CheckpointRef],
    samples: Sequence[str] | None = None,
    *,
    device: str = "auto",
    on_progress: Callable[[str, float], None] | None = None,
) -> Comparison | SegmentComparison:
    """Compare checkpoints on samples of a project: on its picks, or on its labels of voxels.

    Parameters
    ----------
    project : Project
        Open, for reading at least.
    sides : mapping of str to CheckpointRef
        By letter, A and B.
    samples : sequence of str or None
        Tomograms or membranes; None: those with picks or labels that validate, else those with
        any.
    device : str
        auto, cpu, cuda, cuda:1, mps.
    on_progress : callable or None
        Is told what is predicted and the share of it that is done.

    Raises
    ------
    TomoscribeError
        If a sample is unknown, a checkpoint is of another task or cannot be read, or there is
        nothing to judge by.
    """
    catalog = Catalog(project.path)
    catalog.poll()
    makers = {
        k: ScoreMaker(ref, partial(PredictionRequest.of, project, ref), catalog, device)
        for k, ref in sides.items()
    }
    tasks = {letter: maker.task for letter, maker in makers.items()}
    if all(task in VOXEL_TASKS for task in tasks.values()):
        source = DataSource(kind="project", path=project.path)
        data = painted_of(project.path, samples)
        return compare_labelled(makers, source, data, samples, on_progress)
    if len(set(tasks.values())) > 1:
        told = " and ".join(f"{sides[k].source} {learned(task)}" for k, task in tasks.items())
        raise TomoscribeError(f"These cannot be compared: {told}.")
    names = _chosen(project, next(iter(tasks.values())), samples)
    check_sides(makers, names)
    seen = {letter: seen_by(ref, project.path) for letter, ref in sides.items()}
    compared = []
    for name in names:
        evidence = evidence_of(project, name)
        scored = {
            letter: _judged(
                evidence, maker.scores(name, on_progress), project.classes, maker, seen[letter]
            )
            for letter, maker in makers.items()
        }
        compared.append(_compared(project, evidence, scored))
    return Comparison(dict(sides), _classes(project, compared), tuple(compared))


def evidence_of(project: Project, sample: str) -> Evidence:
    """Return what is known of a tomogram or membrane of an open project.

    Raises
    ------
    TomoscribeError
        If its membrane cannot be read.
    """
    membrane = project.membranes.get(sample)
    entry = project.tomograms[sample if membrane is None else membrane.tomogram]
    surface = None
    if membrane is not None:
        opened = open_membrane(str(membrane.path), entry.voxel_size_A, entry.address)
        surface = Surface.of(opened, (p for p in entry.patches if p.membrane == sample))
    return Evidence(sample, entry.voxel_size_A, tuple(entry.picks), tuple(entry.regions), surface)


def _judged(
    evidence: Evidence,
    scores: SideScores,
    classes: Sequence[ParticleClass],
    maker: ScoreMaker,
    seen: SeenBy | None,
) -> dict[str, ScoredClass]:
    """Return one side's scores on one sample, judged in each class that both know."""
    found = {}
    for particle in classes:
        name = particle.name
        if name not in scores.class_names:
            continue
        one = ClassScores(scores.values[scores.class_names.index(name)], scores.bin)
        held_out = None if seen is None else seen.never_seen(evidence.name, evidence.picks, name)
        judged = judge(evidence, propose(evidence, one, particle, maker.ref.source), None, held_out)
        threshold = scores.thresholds.get(name)
        own = threshold is not None
        found[name] = ScoredClass(one, judged, UNMEASURED if threshold is None else threshold, own)
    return found


def _compared(
    project: Project, evidence: Evidence, sides: Mapping[str, Mapping[str, ScoredClass]]
) -> ComparedSample:
    membrane = project.membranes.get(evidence.name)
    if membrane is not None:
        return ComparedSample(evidence, str(membrane.path), membrane.role, None, sides)
    entry = project.tomograms[evidence.name]
    volume = open_volume(entry.address, entry.voxel_size_A).data
    return ComparedSample(evidence, entry.address, entry.role, volume, sides)


def _classes(project: Project, compared: Sequence[ComparedSample]) -> tuple[ParticleClass, ...]:
    """Return the classes that a side knows and somebody picked in the samples."""
    known = {name for sample in compared for side in sample.sides.values() for name in side}
    picked = {
        p.class_name
        for sample in compared
        for p in sample.evidence.picks
        if p.state == PickState.ACCEPTED
    }
    if not known:
        names = ", ".join(c.name for c in project.classes) or "none"
        raise TomoscribeError(
            f"The checkpoints know none of the project's classes, which are: {names}."
        )
    found = tuple(c for c in project.classes if c.name in known & picked)
    return found or tuple(c for c in project.classes if c.name in known)


def _chosen(project: Project, task: str, wanted: Sequence[str] | None) -> list[str]:
    """Return the samples to compare on.

    Raises
    ------
    TomoscribeError
        If one is not there, or none has picks.
    """
    there = project.membranes if task == MEMBRANE else project.tomograms
    if wanted:
        unknown = [name for name in wanted if name not in there]
        if unknown:
            raise TomoscribeError(
                f"The project has no {task} '{unknown[0]}'; it has: {', '.join(there) or 'none'}."
            )
        return list(wanted)
    picked = [name for name in there if _has_picks(project, name)]
    if not picked:
        raise TomoscribeError(
            f"No {task} of {project.path} has accepted picks: there is nothing to judge by."
        )
    validate = [name for name in picked if there[name].role == Role.VALIDATE]
    return validate or [name for name in picked if there[name].role != Role.UNUSED] or picked


def _has_picks(project: Project, sample: str) -> bool:
    membrane = project.membranes.get(sample)
    entry = project.tomograms.get(sample if membrane is None else membrane.tomogram)
    return entry is not None and any(
        p.state == PickState.ACCEPTED and (membrane is None or p.membrane == sample)
        for p in entry.picks
    )
