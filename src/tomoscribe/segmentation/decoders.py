"""Maps of scores to labels: classes, or objects told apart. Sizes are in nm.

Fast enough for a slider on one section; a volume is worked through class by class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.segmentation.decoder_settings import SEMANTIC_KINDS, DecoderSettings
from tomoscribe.segmentation.levels import at_least
from tomoscribe.segmentation.maps import MapKind, affinities_of, go_through, map_name, seen_across
from tomoscribe.segmentation.mutex import Affinity, attraction, fragments
from tomoscribe.segmentation.renumber import without_small
from tomoscribe.segmentation.sections import link_sections
from tomoscribe.segmentation.watershed import components, grow_seeds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tomoscribe.segmentation.decoder_settings import Triple

    Between = Callable[[], None]
    Advance = Callable[[float], None]


_ROUNDING = 1e-6
"""Of 60 voxels of 4 x 3.3 x 3.3 nm, divided by one, more than 60 come out."""


@dataclass(frozen=True)
class Segmentation:
    """A label volume and what its numbers mean.

    Parameters
    ----------
    labels : (Z, Y, X) array of uint32
        0 is background, else the number of an object. A class whose objects are not told apart
        is one object.
    class_names : tuple of str
        Classes that it holds.
    class_of : (N + 1,) array of int64
        Index into `class_names` of each object; -1 for number 0, the background.
    """

    labels: NDArray[np.uint32]
    class_names: tuple[str, ...]
    class_of: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Number of objects."""
        return len(self.class_of) - 1

    def of_class(self, name: str) -> NDArray[np.int32]:
        """Return the labels of one class, 0 elsewhere, as labels for judging are: (Z, Y, X)."""
        table = np.arange(len(self.class_of), dtype=np.int32)
        table[self.class_of != self.class_names.index(name)] = 0
        return table[self.labels]


def decode(
    maps: Any,
    map_names: Sequence[str],
    classes: Sequence[str],
    settings: DecoderSettings | Mapping[str, DecoderSettings],
    voxel_size_zyx_nm: Triple,
    *,
    exclusive: bool = True,
    between: Between = lambda: None,
    advance: Advance = lambda _: None,
) -> tuple[Segmentation, ...]:
    """Turn maps of scores into labels.

    Parameters
    ----------
    maps : (map, Z, Y, X) array
        Scores 0..1 as float32, or 0..255 as uint8; also an array that reads its file when it
        is indexed, of which one map is in memory at a time where classes may overlap.
    map_names : sequence of str
        As `segmentation.maps.map_name` makes them; those of no class are left alone.
    classes : sequence of str
    settings : DecoderSettings or mapping of str to DecoderSettings
        For all classes, or for each by its name.
    voxel_size_zyx_nm : tuple of float
    exclusive : bool
        A voxel has one class at most: the likeliest. Else classes may overlap.
    between : callable
        Called between the steps; what it raises ends the work.
    advance : callable
        Told the share 0..1 that is done, after each class and, where these are decoded, section.

    Returns
    -------
    tuple of Segmentation
        One where classes are exclusive, else one for each class.

    Raises
    ------
    TomoscribeError
        If a class has no map.
    """
    named = {name: i for i, name in enumerate(map_names)}
    for name in classes:
        if name not in named:
            raise TomoscribeError(
                f"There is no map of class '{name}'; the maps are: {', '.join(map_names)}."
            )
    whole = [_settings_of(settings, n).kind in SEMANTIC_KINDS for n in classes]
    found: list[NDArray[np.int32]] = []
    for name, mask in _masks(maps, named, classes, settings, exclusive):
        between()
        mine, ready = _settings_of(settings, name), len(found)

        def tell(share: float, ready: int = ready) -> None:
            advance((ready + share) / len(classes))

        found.append(
            _objects(_ClassMaps(maps, named, name), mask, mine, voxel_size_zyx_nm, between, tell)
        )
        tell(1.0)
    if exclusive:
        return (_together(found, whole, tuple(classes)),)
    return tuple(_together([o], [w], (n,)) for o, w, n in zip(found, whole, classes, strict=True))


def decode_section(
    maps: NDArray[Any],
    map_names: Sequence[str],
    classes: Sequence[str],
    settings: DecoderSettings | Mapping[str, DecoderSettings],
    voxel_size_zyx_nm: Triple,
    *,
    exclusive: bool = True,
    axis: int = 0,
) -> tuple[Segmentation, ...]:
    """Decode one section (map, a, b) at once, much as it will look in the decoded volume.

    Labels are (1, a, b); see `decode` for the rest, and `DecoderSettings.for_section`. The section
    lies across `axis` of the volume, whose voxel edge comes first in `voxel_size_zyx_nm`.
    """
    thin: DecoderSettings | dict[str, DecoderSettings]
    if isinstance(settings, DecoderSettings):
        thin = settings.for_section()
    else:
        thin = {name: each.for_section() for name, each in settings.items()}
    names = seen_across(map_names, axis)
    return decode(maps[:, None], names, classes, thin, voxel_size_zyx_nm, exclusive=exclusive)


def least_voxels(size: float, voxel: float) -> int:
    """Return the fewest voxels that are no smaller than a size, whatever rounding does to it."""
    return math.ceil(size / voxel - _ROUNDING)


@dataclass(frozen=True)
class _ClassMaps:
    """The maps of one class, read when asked for."""

    maps: Any
    named: dict[str, int]
    name: str

    def read(self, kind: MapKind) -> NDArray[Any] | None:
        at = self.named.get(map_name(self.name, kind))
        return None if at is None else np.asarray(self.maps[at])

    def affinities(self, *, through: bool) -> list[Affinity]:
        """Return those within sections, or `through` them too.

        Raises
        ------
        TomoscribeError
            If there are none.
        """
        offsets = affinities_of(self.name, self.named)
        if not any(any(offset[1:]) for offset in offsets.values()):
            raise TomoscribeError(
                f"Class '{self.name}' has no maps of affinities: choose another decoder, or train "
                "with voxels.affinity."
            )
        if through and not go_through(offsets.values()):
            raise TomoscribeError(
                f"Class '{self.name}' has no affinities between sections: decode sections, linked "
                "or each by itself."
            )
        return [
            Affinity(offset, np.asarray(self.maps[self.named[name]]))
            for name, offset in offsets.items()
            if through or not offset[0]
        ]


def _settings_of(
    settings: DecoderSettings | Mapping[str, DecoderSettings], name: str
) -> DecoderSettings:
    if isinstance(settings, DecoderSettings):
        return settings
    if name not in settings:
        raise TomoscribeError(f"There are no decoder settings for class '{name}'.")
    return settings[name]


def _masks(
    maps: Any,
    named: dict[str, int],
    classes: Sequence[str],
    settings: DecoderSettings | Mapping[str, DecoderSettings],
    exclusive: bool,
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield each class with where it may be: above its threshold, and the likeliest there."""
    scores = [np.asarray(maps[named[n]]) for n in classes] if exclusive else []
    winner = _likeliest(scores) if len(scores) > 1 else None
    rest: NDArray[Any] | None = None
    for index, name in enumerate(classes):
        mine = scores[index] if exclusive else np.asarray(maps[named[name]])
        wanted = _settings_of(settings, name)
        if wanted.kind != "argmax":
            mask = at_least(mine, wanted.threshold)
        elif exclusive:
            rest = _background(scores) if rest is None else rest
            mask = mine > rest
        else:
            mask = at_least(mine, 0.5)
        if winner is not None:
            mask &= winner == index
        yield name, mask


def _likeliest(scores: Sequence[NDArray[Any]]) -> NDArray[np.uint8]:
    """Return the index of the highest score; of equal ones the first."""
    best = scores[0].copy()
    winner = np.zeros(best.shape, dtype=np.uint8)
    for index, mine in enumerate(scores[1:], start=1):
        winner[mine > best] = index
        np.maximum(best, mine, out=best)
    return winner


def _background(scores: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return the score of the background, which is what the classes leave."""
    whole, kind = (255, np.int16) if scores[0].dtype == np.uint8 else (1, np.float32)
    rest: NDArray[Any] = np.full(scores[0].shape, whole, dtype=kind)
    for each in scores:
        rest -= each
    return rest


def _objects(
    maps: _ClassMaps,
    mask: NDArray[np.bool_],
    settings: DecoderSettings,
    voxel_nm: Triple,
    between: Between,
    advance: Advance,
) -> NDArray[np.int32]:
    """Return the numbered objects of a class; one where objects are not told apart."""
    volume = settings.dimension == "3d"
    voxel = math.prod(voxel_nm) if volume else voxel_nm[1] * voxel_nm[2]
    least = least_voxels(settings.min_volume_nm3 if volume else settings.min_area_nm2, voxel)
    seed = least_voxels(settings.min_seed_nm3 if volume else settings.min_seed_nm2, voxel)
    if settings.kind in SEMANTIC_KINDS and least <= 1:
        return mask.astype(np.int32)
    begin = _beginnings(maps, mask, settings, seed, voxel_nm)

    def find(at: slice) -> NDArray[np.int32]:
        between()
        if begin is None:
            return components(mask[at], least)
        numbered, height = begin(at)
        return without_small(grow_seeds(mask[at], numbered, height, between), least)

    if volume:
        labels = find(slice(None))
    else:
        labels = _by_section(mask.shape, find, advance)
        if settings.dimension == "linked" and settings.kind not in SEMANTIC_KINDS:
            labels = link_sections(labels, settings.link_overlap)
    return (labels > 0).astype(np.int32) if settings.kind in SEMANTIC_KINDS else labels


def _beginnings(
    maps: _ClassMaps,
    mask: NDArray[np.bool_],
    settings: DecoderSettings,
    least: float,
    voxel_nm: Triple,
) -> Callable[[slice], tuple[NDArray[np.int32], NDArray[Any]]] | None:
    """Return what tells where objects begin in some sections, and the heights they grow by."""
    if settings.kind == "affinities":
        found = maps.affinities(through=settings.dimension == "3d")

        def parts(at: slice) -> tuple[NDArray[np.int32], NDArray[Any]]:
            here = [Affinity(each.offset_zyx_nm, each.scores[at]) for each in found]
            told = settings.joined_from, settings.parted_below
            numbered = fragments(mask[at], here, *told, voxel_nm)
            return without_small(numbered, least), attraction(here)

        return parts
    if not settings.kind.startswith("watershed"):
        return None
    height, seeds = _seed_mask(maps, mask, settings)
    return lambda at: (components(seeds[at], least), height[at])


def _seed_mask(
    maps: _ClassMaps, mask: NDArray[np.bool_], settings: DecoderSettings
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return what is flooded from its heights down, and where objects begin."""
    height = maps.read("foreground")
    assert height is not None
    seeds = mask & at_least(height, settings.seed_threshold)
    contour = maps.read("contour")
    if contour is not None:
        seeds &= ~at_least(contour, settings.contour_threshold)
    if settings.kind == "watershed_distance":
        height = maps.read("distance")
        if height is None:
            raise TomoscribeError(
                f"Class '{maps.name}' has no map of distances: choose another decoder."
            )
        seeds &= at_least(height, settings.distance_threshold)
    return height, seeds


def _by_section(
    shape: tuple[int, ...], find: Callable[[slice], NDArray[np.int32]], advance: Advance
) -> NDArray[np.int32]:
    labels = np.zeros(shape, dtype=np.int32)
    count = 0
    for z in range(shape[0]):
        section = find(slice(z, z + 1))[0]
        found = int(section.max(initial=0))
        np.add(section, count, out=labels[z], where=section > 0)
        count += found
        advance((z + 1) / shape[0])
    return labels


def _together(
    found: Sequence[NDArray[np.int32]], whole: Sequence[bool], names: tuple[str, ...]
) -> Segmentation:
    """Join the objects of classes that do not overlap, numbered on from class to class."""
    labels = np.zeros(found[0].shape, dtype=np.uint32)
    owners = [np.array([-1], dtype=np.int64)]
    count = 0
    for index, objects in enumerate(found):
        # A class that is not told apart has its number also where nothing of it is found.
        number = max(int(objects.max(initial=0)), int(whole[index]))
        np.add(objects, count, out=labels, where=objects > 0, casting="unsafe")
        owners.append(np.full(number, index, dtype=np.int64))
        count += number
    return Segmentation(labels, names, np.concatenate(owners))
