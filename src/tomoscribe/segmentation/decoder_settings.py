"""How maps of scores become objects, as numbers that a user may set; what they start with.

Sizes are in nm² and nm³, never in voxels: a least size of 1024 voxels is right at one resolution
only. All scores are 0..1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DecoderKind = Literal[
    "argmax", "threshold", "components", "watershed", "watershed_distance", "affinities"
]
Dimension = Literal["3d", "linked", "2d"]
Triple = tuple[float, float, float]

SEMANTIC_KINDS: tuple[DecoderKind, ...] = ("argmax", "threshold")
"""Kinds that tell classes only: all voxels of a class have one number."""

_SPECK_PIXELS, _SPECK_VOXELS, _SEED_PIXELS, _SEED_VOXELS = 30, 60, 8, 12
"""Objects and seeds below this are noise of the network at any resolution, not small objects."""

THICK = 16
"""Sections from which on a stack is a volume; below, each section is for itself."""
_FLAT = 2.0
"""Voxels this much longer than wide hardly continue each other: sections are linked."""


class DecoderSettings(BaseModel):
    """How the maps of a class become objects; each kind uses some of it (`in_use`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: DecoderKind = Field(
        "watershed",
        description="argmax: the likeliest class; threshold: scores above it; components: what "
        "hangs together is an object; watershed: objects grow from seeds inside the contour; "
        "watershed_distance: seeds lie deep inside, too; affinities: what attracts each other is "
        "one, unless voxels a little farther apart repel each other (mutex watershed)",
    )
    dimension: Dimension = Field(
        "3d",
        description="3d: objects go through the volume; 2d: each section has its own; linked: "
        "found in sections, then those that lie over each other are one",
    )
    threshold: float = Field(
        0.5, ge=0, le=1, description="voxels with at least this score are of the class"
    )
    # The two: on maps of chloroplasts after 100 and 60 CPU seconds, an AP at an IoU of 0.5 of 0.42
    # and 0.44, where AutoSeg's numbers give 0.17 and 0.00.
    seed_threshold: float = Field(
        0.7, ge=0, le=1, description="an object begins where the score is at least this"
    )
    contour_threshold: float = Field(
        0.3, ge=0, le=1, description="no object begins where the contour's score is this or more"
    )
    distance_threshold: float = Field(
        0.4, ge=0, le=1, description="an object begins where the map of distances is at least this"
    )
    joined_from: float = Field(
        0.5, ge=0, le=1, description="neighbours with at least this affinity attract each other"
    )
    parted_below: float = Field(
        0.5, ge=0, le=1, description="voxels a little apart with a lower affinity repel each other"
    )
    min_area_nm2: float = Field(
        0.0, ge=0, description="smaller objects are dropped, in nm² of a section"
    )
    min_volume_nm3: float = Field(0.0, ge=0, description="smaller objects are dropped, in nm³")
    min_seed_nm2: float = Field(
        0.0,
        ge=0,
        description="smaller seeds, or parts by affinities, begin no object, in nm² of a section",
    )
    min_seed_nm3: float = Field(
        0.0, ge=0, description="smaller seeds, or parts by affinities, begin no object, in nm³"
    )
    link_overlap: float = Field(
        0.5,
        gt=0,
        le=1,
        description="objects of neighbouring sections are one where they cover this share of the "
        "smaller",
    )

    @property
    def grows(self) -> bool:
        """Whether objects grow from seeds or parts, so that far voxels change what they become."""
        return self.kind.startswith("watershed") or self.kind == "affinities"

    def in_use(self) -> tuple[str, ...]:
        """Return the names of the fields that this kind and dimension use, in their order."""
        used = {"kind", "dimension"}
        if self.kind != "argmax":
            used.add("threshold")
        if self.kind.startswith("watershed"):
            used |= {"seed_threshold", "contour_threshold"}
        if self.kind == "affinities":
            used |= {"joined_from", "parted_below"}
        if self.grows:
            used.add("min_seed_nm3" if self.dimension == "3d" else "min_seed_nm2")
        if self.kind == "watershed_distance":
            used.add("distance_threshold")
        used.add("min_volume_nm3" if self.dimension == "3d" else "min_area_nm2")
        if self.dimension == "linked" and self.kind not in SEMANTIC_KINDS:
            used.add("link_overlap")
        return tuple(name for name in type(self).model_fields if name in used)

    def for_section(self) -> DecoderSettings:
        """Return settings that show one section much as the volume will: a fast first look.

        A least volume becomes the mean area of the sections through a ball of that volume.
        """
        if self.dimension != "3d":
            return self.model_copy(update={"dimension": "2d"})
        return self.model_copy(
            update={
                "dimension": "2d",
                "min_area_nm2": _mean_section(self.min_volume_nm3),
                "min_seed_nm2": _mean_section(self.min_seed_nm3),
            }
        )


def _mean_section(volume: float) -> float:
    """Return the mean area of the sections through a ball: two thirds of the middle one."""
    return float(2 / 3 * math.pi * (3 * volume / (4 * math.pi)) ** (2 / 3))


def likely_dimension(shape_zyx: tuple[int, int, int], voxel_size_zyx_nm: Triple) -> Dimension:
    """Return how objects go through a stack: not where it is thin, hardly where sections are."""
    if shape_zyx[0] < THICK:
        return "2d"
    return "linked" if voxel_size_zyx_nm[0] > _FLAT * max(voxel_size_zyx_nm[1:]) else "3d"


def default_settings(
    task: Literal["semantic", "instance"],
    dimension: Dimension,
    voxel_size_zyx_nm: Triple,
    *,
    exclusive: bool = False,
    affinities: bool = False,
) -> DecoderSettings:
    """Return what to begin with before anything was tuned.

    Parameters
    ----------
    task : {"semantic", "instance"}
    dimension : {"3d", "linked", "2d"}
    voxel_size_zyx_nm : tuple of float
        Only specks are dropped: a few voxels, in nm² and nm³ of this voxel size.
    exclusive : bool
        A voxel has one class at most (semantic): the likeliest.
    affinities : bool
        Objects come from maps of affinities.
    """
    if task == "semantic":
        return DecoderSettings(kind="argmax" if exclusive else "threshold", dimension=dimension)
    return DecoderSettings(
        kind="affinities" if affinities else "watershed",
        dimension=dimension,
        **_sizes(voxel_size_zyx_nm, _SPECK_PIXELS, _SPECK_VOXELS, _SEED_PIXELS, _SEED_VOXELS),
    )


def presets(voxel_size_zyx_nm: Triple) -> dict[str, DecoderSettings]:
    """Return AutoSeg's four buttons by its names, its sizes in voxels turned into nm² and nm³.

    Sources: the post-processing of WSU_PlantBio_ML: seeds above the first score and below the
    contour's, flooded inside the foreground's; objects of 1024, seeds of 32 or 35 voxels at
    least. Its Semantic2D inverts the scores before, which would segment the background; it is
    taken as meant.

    Parameters
    ----------
    voxel_size_zyx_nm : tuple of float
        Of the image that AutoSeg would be used on.
    """
    seeds_35 = _sizes(voxel_size_zyx_nm, 1024, 1024, 35, 35)
    seeds_32 = _sizes(voxel_size_zyx_nm, 1024, 1024, 32, 32)
    return {
        "Semantic2D": _preset("2d", 0.80, 1.0, 0.85, seeds_35),
        "Semantic3D": _preset("3d", 0.90, 0.80, 0.80, seeds_35),
        "Instance2D": _preset("2d", 0.90, 0.80, 0.80, seeds_35),
        "Instance3D": _preset("3d", 0.85, 0.60, 0.80, seeds_32),
    }


def _preset(
    dimension: Dimension, seed: float, contour: float, foreground: float, sizes: dict[str, float]
) -> DecoderSettings:
    return DecoderSettings(
        kind="watershed",
        dimension=dimension,
        seed_threshold=seed,
        contour_threshold=contour,
        threshold=foreground,
        **sizes,
    )


def _sizes(
    voxel: Triple, pixels: int, voxels: int, seed_pixels: int, seed_voxels: int
) -> dict[str, float]:
    area, volume = voxel[1] * voxel[2], math.prod(voxel)
    return {
        "min_area_nm2": pixels * area,
        "min_volume_nm3": voxels * volume,
        "min_seed_nm2": seed_pixels * area,
        "min_seed_nm3": seed_voxels * volume,
    }


def classes_in_sections(
    depth: int, names: Sequence[str], settings: Mapping[str, DecoderSettings]
) -> tuple[str, ...]:
    """Return the classes whose objects are of one section each, of `depth` sections, if several."""
    if depth == 1:
        return ()
    apart = (n for n in names if settings[n].kind not in SEMANTIC_KINDS)
    return tuple(n for n in apart if settings[n].dimension == "2d")
