"""What a training on painted labels will do, chosen from voxels, labels and device; no torch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from tomoscribe.errors import TomoscribeError
from tomoscribe.segmentation.decoder_settings import THICK
from tomoscribe.segmentation.maps import MapKind, affinity_kind

if TYPE_CHECKING:
    from tomoscribe.tasks.settings import TrainingSettings
    from tomoscribe.tasks.voxels.summary import DataSummary

T = TypeVar("T")
Triple = tuple[int, int, int]
Dimension = Literal["2d", "2.5d", "3d"]

BY_USER = "set by the user"
"""The reason of what the plan did not choose."""
CUBES = 2.0
"""Sections up to so many pixels thick still continue each other, so that 3D pays."""
ACROSS = 12
"""Working pixels across the middle of the thinnest class's objects: enough for their outline."""
MOST_REDUCTION = 4
_FAR, _FAR_LEAST, _FAR_MOST = 1 / 3, 3, 9
"""Far affinities reach over this share of the thinnest class's objects, in working voxels between
the two: over a border, not over an object."""
SHORT_MINUTES = 2.0
LEAST_WINDOW, MOST_WINDOW = 128, 256
"""Edges of a window of a section in working pixels."""
_LEAST_LABELLED = 48
"""Edge of a window in working voxels, however small the part is that is labelled."""


class VoxelPlan(BaseModel):
    """Every choice of a training; `reasons` says why, one line each."""

    model_config = ConfigDict(extra="forbid")

    dimension: Dimension = Field(description="of the network")
    reduction_zyx: Triple = Field(description="voxels averaged along z, y, x into a working voxel")
    voxel_size_zyx_nm: tuple[float, float, float] = Field(description="of the images, in nm")
    depth_known: bool = Field(True, description="the distance of sections was told, not assumed")
    window_zyx: Triple = Field(description="working voxels of a training window")
    batch: int = Field(description="windows a step")
    net: str = Field(description="kind of network")
    net_options: dict[str, Any] = Field(default_factory=dict, description="of the network's own")
    width: int = Field(description="channels of the first level")
    levels: int = Field(description="resolutions of the network")
    steps_zyx: tuple[Triple, ...] = Field(description="voxels that each level takes together")
    kinds: tuple[MapKind, ...] = Field(description="maps of each class")
    softmax: bool = Field(description="classes exclude each other; background is one of them")
    contour_width: int = Field(description="half width of contours in working voxels")
    contour_3d: bool = Field(description="contours also between sections")
    distance_scale: float = Field(
        description="edges of a working voxel along x at which the distance map is 1"
    )
    learning_rate: float = Field(description="peak learning rate of AdamW")
    weight_decay: float = Field(description="weight decay of AdamW")
    steps: int | None = Field(None, description="steps at most; none: as many as the time allows")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        description="of the network's arithmetic"
    )
    reasons: dict[str, str] = Field(default_factory=dict)

    @property
    def working_voxel_zyx_nm(self) -> tuple[float, float, float]:
        """Edges of a working voxel."""
        z, y, x = (
            n * size for n, size in zip(self.reduction_zyx, self.voxel_size_zyx_nm, strict=True)
        )
        return z, y, x


OF_THE_NETWORK = (
    "dimension", "reduction_zyx", "net", "net_options", "width", "levels", "steps_zyx", "kinds",
    "softmax",
)  # fmt: skip
"""Choices that weights depend on: a training that goes on from others keeps theirs."""


def make_plan(
    task: str,
    data: DataSummary,
    settings: TrainingSettings,
    device: str,
    start: VoxelPlan | None = None,
) -> VoxelPlan:
    """Return the plan for `data` on a kind of device; what the user set is kept as it is.

    Raises
    ------
    TomoscribeError
        If the window that the user set is larger than an image.
    """
    own, reasons, fast = settings.voxels, {}, device == "cuda"

    def choose(name: str, given: T | None, chosen: T, reason: str) -> T:
        reasons[name] = BY_USER
        if given is None and start is not None and name in OF_THE_NETWORK:
            reasons[name] = "as in the checkpoint that the training starts from"
            return getattr(start, name)  # type: ignore[no-any-return]
        if given is None:
            given, reasons[name] = chosen, reason
        return given

    wanted = None if own.dimension == "auto" else own.dimension
    dimension = choose("dimension", wanted, *_choose_dimension(data, settings, fast=fast))
    reduction = _reduction(data, dimension, settings.bin)
    reduction = choose("reduction_zyx", reduction if settings.bin else None, *_why(data, reduction))
    voxel = tuple(n * s for n, s in zip(reduction, data.voxel_size_zyx_nm, strict=True))
    levels = choose("levels", own.levels, *_choose_levels(dimension))
    steps = _pooling(voxel, levels, dimension) if start is None else start.steps_zyx
    net = choose("net", own.net, "unet", "")
    window = _window(data, settings, dimension, reduction, steps, reasons, fast=fast)
    return VoxelPlan(
        dimension=dimension,
        reduction_zyx=reduction,
        voxel_size_zyx_nm=data.voxel_size_zyx_nm,
        depth_known=data.depth_known,
        window_zyx=window,
        batch=choose("batch", settings.batch, *_choose_batch(dimension, fast=fast)),
        net=net,
        net_options=choose("net_options", _options(own.net_options, net, start), {}, ""),
        width=choose("width", settings.width, *_choose_width(dimension, fast=fast)),
        levels=levels,
        steps_zyx=steps,
        kinds=_kinds(task, data, settings, dimension, reduction) if start is None else start.kinds,
        softmax=_softmax(task, data, own.overlap) if start is None else start.softmax,
        contour_width=own.contour_width,
        contour_3d=dimension == "3d" if own.contour_3d is None else own.contour_3d,
        distance_scale=max(2.0, (data.across / reduction[2] or ACROSS) / 2),
        learning_rate=choose(
            "learning_rate", settings.learning_rate, *_choose_rate(settings, dimension, fast=fast)
        ),
        weight_decay=1e-4,
        steps=settings.max_steps,
        precision=settings.precision,
        reasons=reasons,
    )


def _options(given: dict[str, Any], net: str, start: VoxelPlan | None) -> dict[str, Any] | None:
    """Return the network's options, none where another one was begun with; None: not chosen."""
    other: dict[str, Any] | None = {} if start is not None and net != start.net else None
    return dict(given) or other


def enlarge_window(plan: VoxelPlan, multiple_zyx: Triple) -> None:
    """Make the window a multiple of what a network takes, which one of a file tells once built."""
    z, y, x = (_up(w, m) for w, m in zip(plan.window_zyx, multiple_zyx, strict=True))
    plan.window_zyx = z, y, x


def require_window_fits(window_zyx: Triple, smallest_shape_zyx: Triple) -> None:
    """Refuse a window (voxels) that the smallest image does not hold.

    Raises
    ------
    TomoscribeError
        If it is larger along an axis.
    """
    if any(w > n for w, n in zip(window_zyx, smallest_shape_zyx, strict=True)):
        window, image = (" x ".join(map(str, each)) for each in (window_zyx, smallest_shape_zyx))
        raise TomoscribeError(
            f"The window of {window} voxels (z, y, x) is larger than the smallest image, "
            f"{image}; make the window smaller."
        )


def positive_weights(given: list[float], classes: int) -> tuple[float, ...]:
    """Return a weight for each class; none are given: none.

    Raises
    ------
    TomoscribeError
        If there are other than one, or one a class.
    """
    if len(given) not in (0, 1, classes):
        raise TomoscribeError(
            f"voxels.positive_weights [pos_weight] has {len(given)} numbers for {classes} classes: "
            "give one a class, or one for all."
        )
    return tuple(given) * classes if len(given) == 1 else tuple(given)


def _softmax(task: str, data: DataSummary, overlap: bool | None) -> bool:
    exclusive = data.exclusive if overlap is None else not overlap
    return task == "semantic" and exclusive and data.classes > 1


def _choose_dimension(
    data: DataSummary, settings: TrainingSettings, *, fast: bool
) -> tuple[Dimension, str]:
    z, y, x = data.voxel_size_zyx_nm
    ratio, depth = z / math.sqrt(y * x), data.smallest_shape_zyx[0]
    if depth < THICK:
        return "2d", f"the image has {depth} section{'s' if depth > 1 else ''} only"
    if ratio > CUBES:
        return "2d", f"sections are {ratio:.1f} pixels apart, so that they hardly continue"
    if data.labelled_depth < THICK:
        return "2.5d", (
            f"labels go through {data.labelled_depth} sections only; "
            "a section is seen with its neighbours"
        )
    if not fast:
        return "2.5d", "a processor makes many more steps on sections, each with its neighbours"
    return "3d", f"voxels are about cubes (z is {ratio:.1f} times x) and the stack is thick"


def _reduction(data: DataSummary, dimension: Dimension, given: int | None) -> Triple:
    in_plane = given or max(1, min(MOST_REDUCTION, int(data.across / ACROSS)))
    if dimension != "3d":
        return 1, in_plane, in_plane
    z, y, x = data.voxel_size_zyx_nm
    return max(1, round(in_plane * math.sqrt(y * x) / z)), in_plane, in_plane


def _why(data: DataSummary, reduction: Triple) -> tuple[Triple, str]:
    if not data.across:
        return reduction, "too few labels to tell how large objects are"
    return reduction, (
        f"the thinnest class is {data.across:.0f} pixels across, "
        f"{data.across / reduction[2]:.0f} after averaging"
    )


def _choose_levels(dimension: Dimension) -> tuple[int, str]:
    if dimension == "3d":
        return 4, "sees as far as a window"
    return 5, "sees as far as a window"


def _choose_width(dimension: Dimension, *, fast: bool) -> tuple[int, str]:
    if fast:
        return 32, "a GPU has room to spare"
    return 16 if dimension != "3d" else 12, "small, because steps matter more on a processor"


def _choose_rate(
    settings: TrainingSettings, dimension: Dimension, *, fast: bool
) -> tuple[float, str]:
    """Return the rate; measured within what trains of the benchmarks, as many steps as a CPU makes.

    5e-3 against 1e-2, means of three seeds at the last checkpoint: AP of chloroplasts 0.38 and
    0.32, IoU of pores 0.863 and 0.849 (worst seed 0.862 and 0.829).
    """
    if settings.max_minutes < SHORT_MINUTES and dimension != "3d" and not fast:
        return 5e-3, "the time is short; with a warm-up and a cosine"
    return 3e-3, "stable with a warm-up and a cosine"


def _choose_batch(dimension: Dimension, *, fast: bool) -> tuple[int, str]:
    if fast:
        return (4 if dimension == "3d" else 16), "fills a GPU"
    return (1 if dimension == "3d" else 4), "more steps beat larger ones on a processor"


def _pooling(voxel: tuple[float, ...], levels: int, dimension: Dimension) -> tuple[Triple, ...]:
    """Return what each level takes together: sections once they are as close as pixels."""
    if dimension != "3d":
        return ((1, 2, 2),) * (levels - 1)
    z, y, steps = voxel[0], math.sqrt(voxel[1] * voxel[2]), []
    for _ in range(levels - 1):
        step: Triple = (2 if z < 1.5 * y else 1, 2, 2)
        z, y = z * step[0], y * 2
        steps.append(step)
    return tuple(steps)


def _kinds(
    task: str,
    data: DataSummary,
    settings: TrainingSettings,
    dimension: Dimension,
    reduction: Triple,
) -> tuple[MapKind, ...]:
    own = settings.voxels
    kinds: list[MapKind] = ["foreground"]
    if task == "instance":
        kinds.append("contour")
    if own.distance:
        kinds.append("distance")
    if own.affinity:
        size = [n * s for n, s in zip(reduction, data.voxel_size_zyx_nm, strict=True)]
        far = round(data.across / reduction[2] * _FAR) if data.across else _FAR_LEAST
        far = min(max(far, _FAR_LEAST), _FAR_MOST)
        kinds += affinity_kinds((size[0], size[1], size[2]), dimension, far)
    return tuple(kinds)


def affinity_kinds(
    voxel_size_zyx_nm: tuple[float, float, float], dimension: Dimension, far: int
) -> list[MapKind]:
    """Return the affinities that are predicted: to the next voxels, and to some `far` ones.

    After Wolf et al. 2018, with one distance: along the axes of a section and its diagonals. 3D
    networks also look as far through sections; 2.5D ones to the section before only.
    """
    z, y, x = voxel_size_zyx_nm
    flat = [(0.0, -y, 0.0), (0.0, 0.0, -x)]
    deep = [(-z, 0.0, 0.0)] if dimension != "2d" else []
    slant = max(1, round(far * 0.7))
    away = [(0.0, -far * y, 0.0), (0.0, 0.0, -far * x), (0.0, -slant * y, -slant * x),
            (0.0, slant * y, -slant * x)]  # fmt: skip
    if dimension == "3d":
        away.append((-max(2, round(far * y / z)) * z, 0.0, 0.0))
    return [affinity_kind(offset) for offset in (*flat, *deep, *away)]


def _window(
    data: DataSummary,
    settings: TrainingSettings,
    dimension: Dimension,
    reduction: Triple,
    steps: tuple[Triple, ...],
    reasons: dict[str, str],
    *,
    fast: bool,
) -> Triple:
    """Return the window in working voxels, multiples of what the network halves."""
    multiple = [math.prod(step[axis] for step in steps) for axis in range(3)]
    given = settings.voxels.window_zyx
    if given is None and settings.patch is not None:
        deep = settings.patch * reduction[0] if dimension == "3d" else 1
        given = (deep, settings.patch * reduction[1], settings.patch * reduction[2])
    if given is not None:
        require_window_fits(given, data.smallest_shape_zyx)
        reasons["window_zyx"] = BY_USER
        wanted = [max(1, round(w / r)) for w, r in zip(given, reduction, strict=True)]
    else:
        wanted = _usual_window(data, dimension, reduction, fast=fast)
        wanted = _as_labelled(wanted, data, reduction, multiple)
        spans = zip(wanted, data.smallest_shape_zyx, reduction, multiple, strict=True)
        wanted = [min(w, _up(max(1, n // r), m)) for w, n, r, m in spans]
        reasons["window_zyx"] = "some objects wide, no wider than what is labelled"
    if dimension != "3d":
        if wanted[0] > 1:
            reasons["window_zyx"] = f"{BY_USER}; of {wanted[0]} sections one, as {dimension}"
        wanted[0] = 1
    z, y, x = (_up(w, m) for w, m in zip(wanted, multiple, strict=True))
    return z, y, x


def _usual_window(
    data: DataSummary, dimension: Dimension, reduction: Triple, *, fast: bool
) -> list[int]:
    if dimension != "3d":
        edge = 10 * data.across / reduction[2]
        return [1, *[int(min(MOST_WINDOW, max(LEAST_WINDOW, edge)))] * 2]
    edge = 96 if fast else 48
    z, y, x = (r * s for r, s in zip(reduction, data.voxel_size_zyx_nm, strict=True))
    return [max(8, round(edge * math.sqrt(y * x) / z)), edge, edge]


def _as_labelled(
    wanted: list[int], data: DataSummary, reduction: Triple, multiple: list[int]
) -> list[int]:
    """Return a window no wider than what is labelled.

    Batch normalisation knows what lies beside the labels, the loss does not: where much does,
    scores there go astray. Measured within what trains of the chloroplasts, 84 working pixels of
    them labelled, 60 seconds: windows of 176 pixels found them with an AP of 0.00 and 0.29, of
    128 with 0.43 and 0.15, of 80 with 0.80 and 0.77.
    """
    spans = zip(data.labelled_shape_zyx, reduction, multiple, strict=True)
    most = [max(_LEAST_LABELLED, n // r // m * m) for n, r, m in spans]
    edge = min(most[1:])
    return [min(wanted[0], most[0]), min(wanted[1], edge), min(wanted[2], edge)]


def _up(value: int, step: int) -> int:
    return -(-value // step) * step
