"""What a training on membranes will do, chosen from the clicks, the meshes and the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from tomoscribe.tasks.settings import TrainingSettings

T = TypeVar("T")

DEPTHS = 16
"""Samples across the band; the peer looks at 16 of its 20."""
REACH_A = 160.0
"""How far the surface around a point matters: what a protein covers, and its neighbours' rim."""
LEAST_STEPS = 150
STEPS_A_CLICK = 1


@dataclass(frozen=True)
class DataSummary:
    """What a plan needs to know of the data; `clicks` counts those of all classes.

    `band_A` is where the clicks' profile differs, `spacing_A` the least distance between clicks
    on one face (None with fewer than two), `edge_A` the mean edge of the meshes.
    """

    voxel_size_A: float
    diameters_A: tuple[float, ...]
    clicks: int
    band_A: tuple[float, float]
    spacing_A: float | None
    edge_A: float


class MembranePlan(BaseModel):
    """Every choice of a training; `reasons` says why, one line each."""

    model_config = ConfigDict(extra="forbid")

    architecture: Literal["local", "diffusionnet"] = Field(description="kind of network")
    band_low_A: float = Field(description="lowest depth along the outward normal, Å")
    band_high_A: float = Field(description="highest depth along the outward normal, Å")
    depths: int = Field(description="samples across the band")
    radius_A: float = Field(description="least distance between picks along the surface, Å")
    pixel_A: float = Field(description="edge of a chart's pixel, Å")
    size: int = Field(description="pixels along a chart's edge")
    margin: int = Field(description="pixels at a chart's rim that are context only")
    width: int = Field(description="channels of the network")
    batch: int = Field(description="charts a step")
    learning_rate: float = Field(description="peak learning rate of AdamW")
    weight_decay: float = Field(description="weight decay of AdamW")
    steps: int = Field(description="steps at most since the labels last changed")
    slab_shift_A: float = Field(description="largest shift of the band while training, Å")
    slab_stretch: float = Field(0.0, description="largest stretch of the band while training")
    slab_jitter_A: float = Field(0.0, description="roughness of the surface while training, Å")
    diffusion: dict[str, float] = Field(
        default_factory=dict, description="options of the architecture diffusionnet"
    )
    hot_share: float = Field(description="share of the unlabelled surface left out of the loss")
    reasons: dict[str, str] = Field(default_factory=dict)


OF_THE_NETWORK = (
    "architecture",
    "band_low_A",
    "band_high_A",
    "depths",
    "pixel_A",
    "size",
    "margin",
    "width",
    "diffusion",
)
"""Choices that weights depend on: a training that goes on from others keeps theirs."""


def make_plan(
    data: DataSummary,
    settings: TrainingSettings,
    kind: str = "cpu",
    start: MembranePlan | None = None,
) -> MembranePlan:
    """Return the plan for `data` on a device of that kind; what the user set is kept as it is.

    With `start`, the plan of the weights that the training goes on from, the network is theirs.
    """
    reasons: dict[str, str] = {}
    given_all = settings.model_dump() | settings.membrane.model_dump()

    def choose(name: str, chosen: T, reason: str) -> T:
        given: T | None = given_all.get(name)
        if start is not None and name in OF_THE_NETWORK and given is None:
            given = getattr(start, name)
            reasons[name] = "as in the checkpoint that the training starts from"
        elif given is None:
            given, reasons[name] = chosen, reason
        else:
            reasons[name] = "set by the user"
        return given

    fast = kind == "cuda"
    from_clicks = f"where the profile of {data.clicks} clicks differs from the rest"
    pixel = 0.8 * data.edge_A
    margin = 5
    plan = MembranePlan(
        architecture=start.architecture if start is not None else settings.membrane.architecture,
        band_low_A=choose("band_low_A", data.band_A[0], from_clicks),
        band_high_A=choose("band_high_A", data.band_A[1], from_clicks),
        depths=choose("depths", DEPTHS, "as many as the peer looks at"),
        radius_A=choose("radius_A", *_choose_radius(data)),
        pixel_A=choose("pixel_A", pixel, "a little finer than the mesh"),
        size=choose("size", 28, "core and context of about a particle's reach"),
        margin=margin,
        width=choose("width", *((48, "a GPU has room") if fast else (24, "small is fast"))),
        batch=choose("batch", *((64, "fills a GPU") if fast else (16, "about 0.06 s a step"))),
        learning_rate=choose("learning_rate", 3e-3, "stable with a warm-up and a cosine"),
        weight_decay=1e-4,
        steps=choose("max_steps", *_choose_steps(data.clicks)),
        slab_shift_A=choose("slab_shift_A", 0.8 * data.voxel_size_A, "about a voxel"),
        slab_stretch=settings.membrane.slab_stretch,
        slab_jitter_A=settings.membrane.slab_jitter_A,
        diffusion=_diffusion(settings, start),
        hot_share=0.0,
        reasons=reasons,
    )
    return plan


DIFFUSION = (
    "k_eig",
    "n_block",
    "c_width",
    "conv_width",
    "one_d_conv_first",
    "gradient_features",
    "gradient_rotations",
    "dropout",
    "max_distance_A",
    "part_statistics",
)
"""Settings that the network of the peer is made of."""


def _diffusion(settings: TrainingSettings, start: MembranePlan | None) -> dict[str, float]:
    if start is not None:
        return start.diffusion
    if settings.membrane.architecture != "diffusionnet":
        return {}
    return {name: float(getattr(settings.membrane, name)) for name in DIFFUSION}


def _choose_radius(data: DataSummary) -> tuple[float, str]:
    """Return the least distance of picks: half a diameter, or what the clicks say."""
    smallest = min((d for d in data.diameters_A if d > 0), default=0.0)
    if smallest > 0:
        return 0.55 * smallest, f"about half of the diameter of {smallest:g} Å"
    if data.spacing_A is not None:
        return 0.7 * data.spacing_A, f"clicks are at least {data.spacing_A:.0f} Å apart"
    return 75.0, "neither diameter nor spacing is known"


def _choose_steps(clicks: int) -> tuple[int, str]:
    steps = max(LEAST_STEPS, STEPS_A_CLICK * clicks)
    return steps, f"more would memorise {clicks} clicks; new clicks start the count again"
