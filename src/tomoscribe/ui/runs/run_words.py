"""A run in words: state, figures, the one sentence that matters now. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.training.status import State
from tomoscribe.ui import style
from tomoscribe.ui.runs.run_record import quality_of

if TYPE_CHECKING:
    from tomoscribe.training import events as ev
    from tomoscribe.training.follow import Update
    from tomoscribe.ui.runs.run_record import RunRecord

NO_RUN = "No training yet: click particles or paint labels, then press Train."
NOT_WATCHED = "No training is watched: choose one under All runs… in the dock Train."

_WORDS = {
    State.STARTING: ("Starting", style.WAIT),
    State.QUEUED: ("Queued", style.WAIT),
    State.RUNNING: ("Training", style.GOOD),
    State.PAUSED: ("Paused", style.WAIT),
    State.STOPPING: ("Saving", style.WAIT),
    State.FINISHED: ("Finished", style.MUTED),
    State.STOPPED: ("Stopped", style.MUTED),
    State.FAILED: ("Failed", style.BAD),
    State.LOST: ("Lost", style.BAD),
    State.GONE: ("Gone", style.BAD),
}


_ENDS = {
    "time": "The time that it was given is over.",
    "steps": "It has learnt these labels: add some and continue.",
    "patience": "It did not get better any more.",
    "stop": "Stopped by you; everything is saved.",
}


def state_word(state: State | None) -> tuple[str, str]:
    """Return the word and the colour of a state; None is no run."""
    return ("Idle", style.MUTED) if state is None else _WORDS[state]


def minutes(seconds: float) -> str:
    """Return seconds as `m:ss` or `h:mm:ss`."""
    whole = round(max(seconds, 0.0))
    hours, rest = divmod(whole, 3600)
    clock = f"{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
    return f"{hours}:{clock}" if hours else clock


def ago(seconds: float) -> str:
    """Return an age in its largest unit: `40 s`, `5 min`, `3 h`, `12 d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"


def memory(size_bytes: int) -> str:
    """Return a size in GB, for the device's name."""
    return f"{size_bytes / 1e9:.0f} GB" if size_bytes else ""


def figures(record: RunRecord, state: State | None, now: float) -> str:
    """Return step, epoch, quality, time left, threshold, as far as known; `now` as of events."""
    parts = []
    if record.last_step is not None:
        parts.append(f"step {record.last_step.step}")
    if record.epoch:
        parts.append(f"epoch {record.epoch}")
    qualities, best = record.qualities, record.best
    if qualities:
        of_best = "" if best is None else f" (best {quality_of(best).value:.2f})"
        parts.append(f"{qualities[-1].name} {qualities[-1].value:.2f}{of_best}")
    labels = record.labels
    if labels is not None:
        parts.append(f"uses {labels.used:,} of {labels.total:,} {labels.unit}")
    left = record.remaining_s(now)
    if left is not None and state is State.RUNNING:
        parts.append(f"{minutes(left)} left")
    threshold = record.validations[-1].metrics.get("threshold") if record.validations else None
    if threshold is not None:  # last, for it is needed least where room is scarce
        parts.append(f"newest threshold {threshold:.2g}")
    return "  ·  ".join(parts)


def label_words(labels: ev.Labels | None) -> str:
    """Return what becomes of the user's labels; empty before the worker has said it."""
    if labels is None:
        return ""
    text = f"Of your {labels.total:,} {labels.unit} {labels.used:,} are learnt from"
    if labels.held_out:
        text += f", {labels.held_out:,} are held out to measure how good it is"
    unused = labels.total - labels.used - labels.held_out
    if unused > 0:
        text += f", {unused:,} lie outside, on samples that are not used, or are of no class"
    text += "."
    if labels.rejected:
        text += f" {labels.rejected} rejected places, junk among them, teach what is no particle."
    return text


@dataclass(frozen=True)
class Sentence:
    """What the user should know now; `bad` when something must be done."""

    text: str
    bad: bool = False


def sentence(update: Update | None, record: RunRecord, silent_s: float = 0.0) -> Sentence:
    """Return what matters most: failure, silence, waiting, a warning, or why it ended.

    `silent_s` are the seconds that the run's folder has not answered for.
    """
    if silent_s:
        return Sentence(f"The run's folder has not answered for {silent_s:.0f} s.", bad=True)
    if update is None:
        return Sentence("")
    if update.state is State.FAILED and record.failed is not None:
        return Sentence(f"{record.failed.message} {record.failed.hint}".strip(), bad=True)
    if update.state in {State.FAILED, State.LOST, State.GONE} or update.unanswered_s is not None:
        return Sentence(update.message, bad=True)
    if update.message:
        return Sentence(update.message)
    if record.warnings and update.alive:
        return Sentence(record.warnings[-1])
    if record.finished is not None:
        return Sentence(_ENDS.get(record.finished.reason, ""))
    return Sentence("")
