"""What a training of the tomogram task will do, chosen from diameter, data and device."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from tomoscribe.tasks.settings import TrainingSettings

T = TypeVar("T")

SMALLEST_ACROSS = 7
"""Least heatmap voxels across the smallest particle: enough to locate it to a tenth of that."""
AVERAGED_FROM = 12
"""From so many voxels across on, particles are averaged at least twice.

Measured at 60 CPU-seconds among look-alikes: a particle of 13.6 voxels, F1 0.48 unaveraged,
0.70 as one of 6.8, because an eighth of the voxels leaves time for more steps.
"""
LARGE = 28
"""From so many voxels across on, the network halves the last factor of two by itself.

Measured at 60 CPU-seconds: particles of 33 voxels gain by it (F1 0.94 to 0.98, error 0.13
to 0.08 d), those of 16 voxels among look-alikes lose (0.75 to 0.62): there the average is
worth more.
"""
LARGE_ACROSS = 14
"""Least input voxels across the smallest particle where the network halves them."""

SHORT_MINUTES = 2.0
"""Up to here 8 channels beat 16: F1 0.76 against 0.75 among look-alikes, at half the cost."""


LEAST_STEPS = 200
STEPS_A_CLICK = 8


@dataclass(frozen=True)
class DataSummary:
    """What a plan needs to know of the data; `clicks` counts those of all classes."""

    voxel_size_A: float
    smallest_diameter_A: float
    largest_diameter_A: float
    clicks: int
    smallest_shape_zyx: tuple[int, int, int]


@dataclass(frozen=True)
class DeviceInfo:
    """What a plan needs to know of a device."""

    kind: str = "cpu"


class TomogramPlan(BaseModel):
    """Every choice of a training; `reasons` says why, one line each."""

    model_config = ConfigDict(extra="forbid")

    bin: int = Field(description="tomogram voxels averaged along each axis into one input voxel")
    stem: Literal[1, 2] = Field(description="2: the network halves its input once more by itself")
    width: int = Field(description="channels of the first level")
    levels: int = Field(description="resolutions of the network")
    patch: int = Field(description="patch edge in input voxels")
    batch: int = Field(description="patches a step")
    learning_rate: float = Field(description="peak learning rate of AdamW")
    weight_decay: float = Field(description="weight decay of AdamW")
    steps: int = Field(description="steps at most since the labels last changed")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        description="of the network's arithmetic"
    )
    hot_share: float = Field(
        description="share of the unlabelled voxels, the hottest, left out of the loss"
    )
    reasons: dict[str, str] = Field(default_factory=dict)

    @property
    def grid_bin(self) -> int:
        """Tomogram voxels along each axis to one voxel of the heatmap."""
        return self.bin * self.stem

    @property
    def multiple(self) -> int:
        """Input voxels along each axis must be a multiple of this."""
        return self.stem * int(2 ** (self.levels - 1))


_OF_THE_NETWORK = ("bin", "stem", "width", "levels", "patch")
"""Choices that weights depend on: a training that goes on from others keeps theirs."""


def make_plan(
    data: DataSummary,
    settings: TrainingSettings,
    device: DeviceInfo,
    start: TomogramPlan | None = None,
) -> TomogramPlan:
    """Return the plan for `data` on `device`; what the user set is kept as it is.

    With `start`, the plan of the weights that the training goes on from, the network is theirs.
    """
    reasons: dict[str, str] = {}

    def choose(name: str, chosen: T, reason: str) -> T:
        given: T | None = getattr(settings, name, None)
        reasons[name] = "set by the user"
        if given is None and start is not None and name in _OF_THE_NETWORK:
            given = getattr(start, name)
            reasons[name] = "as in the checkpoint that the training starts from"
        elif given is None:
            given, reasons[name] = chosen, reason
        return given

    smallest = data.smallest_diameter_A / data.voxel_size_A
    factor = choose("bin", *_choose_bin(smallest))
    stem = choose("stem", *_choose_stem(smallest / factor))
    levels = choose("levels", 3, "enough to see twice as far as a particle")
    multiple = stem * 2 ** (levels - 1)
    largest = data.largest_diameter_A / data.voxel_size_A / factor
    patch = choose("patch", *_choose_patch(largest, stem))
    patch = math.ceil(patch / multiple) * multiple
    fast = device.kind == "cuda"
    return TomogramPlan(
        bin=factor,
        stem=stem,
        width=choose("width", *_choose_width(stem, settings.max_minutes, fast=fast)),
        levels=levels,
        patch=patch,
        batch=choose(
            "batch",
            16 if fast else 4,
            "fills a GPU" if fast else "more steps beat larger ones on a CPU",
        ),
        learning_rate=choose(
            "learning_rate", 3e-3, "stable at these widths with a warm-up and a cosine"
        ),
        weight_decay=1e-4,
        steps=choose("max_steps", *_choose_steps(data.clicks)),
        precision=settings.precision,
        hot_share=_choose_hot_share(data.clicks, reasons),
        reasons=reasons,
    )


def _choose_width(stem: int, minutes: float, *, fast: bool) -> tuple[int, str]:
    if fast:
        return 32, "a GPU has room to spare"
    if stem == 1 and minutes <= SHORT_MINUTES:
        return 8, "in so short a time twice the steps are worth more than twice the channels"
    return 16, "small, because steps matter more on a CPU"


def _choose_steps(clicks: int) -> tuple[int, str]:
    """Return the steps after which the network only memorises.

    Measured on 26 clicks of ribosomes at SNR 0.03: F1 0.94 to 0.96 on another tomogram after
    200 steps, 0.94 after 300 (at its own threshold 0.95 and 0.85), 0.86 after 1000, when
    unlabelled particles have become background.
    """
    steps = max(LEAST_STEPS, STEPS_A_CLICK * clicks)
    return steps, f"more would memorise {clicks} clicks; new clicks start the count again"


def _choose_hot_share(clicks: int, reasons: dict[str, str]) -> float:
    """Return the share left out; five clicks of 150 ribosomes: 0.90 F1 at 2 %, 0.96 at 5 %."""
    few = clicks < 10
    reasons["hot_share"] = (
        "few clicks leave many particles unlabelled" if few else "about the particles' volume"
    )
    return 0.05 if few else 0.02


def _choose_bin(diameter_voxels: float) -> tuple[int, str]:
    least = LARGE_ACROSS if diameter_voxels >= LARGE else SMALLEST_ACROSS
    factor = max(2 if diameter_voxels >= AVERAGED_FROM else 1, math.floor(diameter_voxels / least))
    return factor, (
        f"the smallest particle is {diameter_voxels:.0f} voxels across, "
        f"{diameter_voxels / factor:.0f} after averaging"
    )


def _choose_stem(across: float) -> tuple[Literal[1, 2], str]:
    if across >= LARGE_ACROSS:
        return 2, f"{across:.0f} voxels across are enough to locate it at half resolution"
    return 1, f"{across:.0f} voxels across leave nothing to halve"


def _choose_patch(largest: float, stem: int) -> tuple[int, str]:
    least, most = (48, 64) if stem == 1 else (48, 96)
    edge = min(most, max(least, round(4 * largest)))
    return edge, f"four times the largest particle, {largest:.0f} voxels after averaging, or more"
