"""What a report tells of a checkpoint and its training, and the report put together."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import tomoscribe
from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.judgement import Judgement
from tomoscribe.evaluation.mesh_picture import membrane_rows
from tomoscribe.evaluation.pictures import slice_rows
from tomoscribe.evaluation.report_data import Report, ReportClass, ReportSide, sample_of
from tomoscribe.project.default_task import counted_labels
from tomoscribe.training import events as ev
from tomoscribe.training.event_log import EventReader
from tomoscribe.training.run import RunFolder
from tomoscribe.training.run_summary import ESTIMATED, score_name
from tomoscribe.training.setting_keys import DEFAULTS, describe, flat_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomoscribe.evaluation.compared import ComparedSample
    from tomoscribe.evaluation.pictures import PictureRow
    from tomoscribe.project.model import ParticleClass
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.training.config import RunConfig

_PICTURED = 3
"""Samples with pictures; more would make the page heavy."""

_SKIPPED = (b'{"type":"block"', b'{"type":"preview"', b'{"type":"epoch"')


def side_of(letter: str, ref: CheckpointRef) -> ReportSide:
    """Return what is known of a checkpoint; of a file from anywhere, or a run that is gone, little.

    Parameters
    ----------
    letter : str
        A or B.
    ref : CheckpointRef
        The checkpoint; its run's events are read.
    """
    facts = [("checkpoint", str(ref.where))]
    if ref.run is None:
        return ReportSide(letter, ref.source, tuple(facts))
    run = RunFolder(ref.run)
    try:
        config = run.config()
    except TomoscribeError as error:
        return ReportSide(letter, ref.source, (*facts, ("run", str(error))))
    news = EventReader(run.events_path, skip=_SKIPPED).read_new()
    facts += _facts(ref.name, config, news)
    started = [e for e in news if isinstance(e, ev.Started)]
    reasons = started[-1].reasons if started else {}
    plan = [
        (key, _text(value), reasons.get(key, ""))
        for key, value in config.plan.items()
        if key != "reasons"
    ]
    settings = [
        (key, _text(value), describe(key))
        for key, value in flat_values(config.settings).items()
        if value != DEFAULTS[key]
    ]
    versions = tuple(sorted(config.versions.items()))
    return ReportSide(letter, ref.source, tuple(facts), tuple(settings), tuple(plan), versions)


def make_report(
    project: str,
    sides: Mapping[str, CheckpointRef],
    compared: Sequence[ComparedSample],
    classes: Sequence[ParticleClass],
    notes: Sequence[str] = (),
) -> Report:
    """Return the report of checkpoints on samples; it reads runs and slices of tomograms.

    Parameters
    ----------
    project : str
        Its name.
    sides : mapping of str to CheckpointRef
        By letter, A and B.
    compared : sequence of ComparedSample
        The samples, the most interesting first.
    classes : sequence of ParticleClass
        Those that are judged.
    notes : sequence of str
        Sentences about what is missing.
    """
    pictures = []
    for particle in classes:
        rows: list[PictureRow] = []
        for sample in compared[:_PICTURED]:
            draw = slice_rows if sample.evidence.surface is None else membrane_rows
            rows += draw(sample, particle.name)
        pictures.append((particle.name, tuple(rows)))
    return Report(
        project=project,
        made=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        version=tomoscribe.__version__,
        sides=tuple(side_of(letter, ref) for letter, ref in sides.items()),
        classes=tuple(_class_of(particle, sides, compared) for particle in classes),
        samples=tuple(sample_of(sample, classes) for sample in compared),
        pictures=tuple(pictures),
        notes=tuple(notes),
    )


def _class_of(
    particle: ParticleClass,
    sides: Mapping[str, CheckpointRef],
    compared: Sequence[ComparedSample],
) -> ReportClass:
    judged, thresholds = {}, {}
    for letter in sides:
        scored = [
            sample.sides[letter][particle.name]
            for sample in compared
            if particle.name in sample.sides.get(letter, {})
        ]
        if scored:
            judged[letter] = Judgement(tuple(one.judged for one in scored))
            thresholds[letter] = (scored[0].threshold, scored[0].own)
    return ReportClass(particle.name, particle.diameter_A, judged, thresholds)


def _facts(name: str, config: RunConfig, news: Sequence[ev.Event]) -> list[tuple[str, str]]:
    facts = [("task", config.task)]
    written = next((e for e in news if isinstance(e, ev.Checkpoint) and e.name == name), None)
    if written is not None:
        facts.append(("step", str(written.step)))
        steps = [e for e in news if isinstance(e, ev.Step) and e.step <= written.step]
        if steps:
            facts.append(("training time", f"{steps[-1].elapsed_s / 60:.1f} min"))
        if written.score is not None:
            judged = [e for e in news if isinstance(e, ev.Validation) and e.step == written.step]
            name = score_name(judged[-1].metrics) if judged else ESTIMATED
            facts.append((f"{name} in training", f"{written.score:.3f}"))
    started = [e for e in news if isinstance(e, ev.Started)]
    if started:
        facts.append(("device", f"{started[-1].device}, {started[-1].precision}"))
        facts.append(("trained on", ", ".join(started[-1].train)))
        if started[-1].validate:
            facts.append(("validated on", ", ".join(started[-1].validate)))
    labels = [e for e in news if isinstance(e, ev.Labels)]
    if labels:
        plan = started[-1].plan if started else {}
        facts.append(("labels", _labels(labels[-1], config.task, plan)))
    if config.parent or config.start_from:
        facts.append(("went on from", config.parent or str(config.start_from)))
    return facts


def _labels(labels: ev.Labels, task: str, plan: Mapping[str, Any]) -> str:
    """Return how many train and judge; voxels are those that the network sees, after averaging."""
    told = (
        f"{labels.used:,} of {labels.total:,} {counted_labels(task)}, {labels.held_out:,} held out"
    )
    averaged = plan.get("reduction_zyx", (1, 1, 1))
    if max(averaged) == 1:
        return told
    return f"{told}; each averages {' × '.join(map(str, averaged))} voxels of the image (z, y, x)"


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
