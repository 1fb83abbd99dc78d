"""The events of a run, one JSON object a line in `events.jsonl`; readers skip unknown types."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tomoscribe.training.file_stamp import FileStamp


class Event(msgspec.Struct, tag_field="type", kw_only=True, frozen=True):
    """What all events carry: `time` in seconds since the epoch, `step` of the optimizer."""

    time: float
    step: int = 0


class Started(Event, tag="started", frozen=True):
    """The worker is up: device, its memory in bytes, precision, and what the plan chose."""

    device: str
    memory_bytes: int
    precision: str
    plan: dict[str, object]
    train: list[str]
    validate: list[str]
    reasons: dict[str, str] = {}


class Step(Event, tag="step", frozen=True):
    """One or a few optimizer steps: mean loss since the last one, elapsed training seconds.

    `previews_s` of these seconds were also used for previews.
    """

    loss: float
    learning_rate: float
    elapsed_s: float
    budget_s: float
    previews_s: float = 0.0


class Epoch(Event, tag="epoch", frozen=True):
    """A number of steps that saw as many patches as there are clicks."""

    epoch: int
    loss: float


class Labels(Event, tag="labels", frozen=True):
    """The labels that the training uses from now on.

    `used` of `total` accepted picks train, `held_out` only judge; the rest lies on samples that are
    not used, outside, or is of no class that is learned. `rejected` counter-examples come on top.
    Of what learns from painted labels they are voxels, as `unit` says; `of_class` tells how many of
    those used are of each class.
    """

    used: int
    total: int
    held_out: int
    revision: int
    rejected: int = 0
    unit: Literal["clicks", "voxels"] = "clicks"
    of_class: dict[str, int] = {}


class Validation(Event, tag="validation", frozen=True):
    """Metrics by name (`f1`, `recall`, `precision`, `threshold`); `score` ranks checkpoints."""

    score: float
    metrics: dict[str, float]


class Checkpoint(Event, tag="checkpoint", frozen=True):
    """A checkpoint file is on disk; `name` as in `step_000120`, `path` relative to the run."""

    name: str
    path: str
    score: float | None = None
    best: bool = False


class Segmented(msgspec.Struct, frozen=True):
    """What the maps of a segmentation are of, and what turns them into objects.

    `classes` are names; `exclusive`: a voxel is of one of them at most; `instances`: objects are
    told apart. `decoder` has, by class, the settings that suit these maps, as
    `segmentation.decoder_settings.DecoderSettings` has them; a class without has the default ones.
    """

    classes: list[str]
    exclusive: bool = True
    instances: bool = False
    decoder: dict[str, dict[str, Any]] = {}


class Preview(Event, tag="preview", frozen=True):
    """A preview begins: blocks of this checkpoint on this sample follow.

    `shape_zyx` is the heatmap's grid; voxel i of it is centred on tomogram voxel
    `i * bin + (bin - 1) / 2`. `path` is the block log, relative to the run. The grid of a mesh
    is (1, 1, vertices): voxel i is vertex i of the sample's container. `file` is what was
    predicted, told by background predictions. `segmented` where the maps are of a segmentation:
    `class_names` are the names of the maps then.
    """

    checkpoint: str
    sample: str
    path: str
    shape_zyx: list[int]
    bin: int
    class_names: list[str]
    kind: Literal["volume", "mesh"] = "volume"
    file: FileStamp | None = None
    segmented: Segmented | None = None


class Block(Event, tag="block", frozen=True):
    """A block of a preview is on disk at `offset` of its block log."""

    checkpoint: str
    sample: str
    offset: int
    lo_zyx: list[int]
    shape_zyx: list[int]


class Scores(Event, tag="scores", frozen=True):
    """A checkpoint's picks of a sample are on disk (CSV, relative path); the chosen threshold."""

    checkpoint: str
    sample: str
    path: str
    threshold: float
    thresholds: dict[str, float] = {}


class Loaded(Event, tag="loaded", frozen=True):
    """A background prediction has read a checkpoint file: which it is, and what it says of itself.

    `checkpoint` is its name in the events of this folder, `wish` what the wish called it
    (`CheckpointRef.key`), `name` the one under which it was trained, `score` what ranked it there.
    """

    checkpoint: str
    wish: str
    file: FileStamp
    task: str
    kind: Literal["volume", "mesh"]
    voxel_size_A: float
    class_names: list[str]
    diameters_A: list[float]
    thresholds: dict[str, float]
    name: str = ""
    score: float | None = None


class Refused(Event, tag="refused", frozen=True):
    """A wish for background prediction cannot be fulfilled, and why; `wish` is its `Wish.key`."""

    wish: str
    sample: str
    message: str


class Warning_(Event, tag="warning", frozen=True):
    """Something that the user should know; training goes on."""

    message: str


class Failed(Event, tag="failed", frozen=True):
    """The run ended by an error: kind is oom, data, disk or internal; `hint` says what to do."""

    kind: str
    message: str
    hint: str = ""


class Finished(Event, tag="finished", frozen=True):
    """The run ended as it should; reason is time, steps, patience or stop.

    Of background predictions: stop, idle, or owner (who is gone).
    """

    reason: str
    best: str | None = None


AnyEvent = (
    Started
    | Step
    | Epoch
    | Labels
    | Validation
    | Checkpoint
    | Preview
    | Block
    | Scores
    | Loaded
    | Refused
    | Warning_
    | Failed
    | Finished
)
