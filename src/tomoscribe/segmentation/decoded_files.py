"""A file of maps to a file of labels: in memory, or block by block where memory does not do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_write import label_store, write_labels
from tomoscribe.segmentation.blockwise import BlockPlan, decode_blocks, decode_maps
from tomoscribe.segmentation.decoder_settings import SEMANTIC_KINDS, classes_in_sections
from tomoscribe.segmentation.decoders import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.io.score_maps import ScoreMaps
    from tomoscribe.segmentation.blockwise import DecodeBox
    from tomoscribe.segmentation.decoder_settings import DecoderSettings
    from tomoscribe.segmentation.decoders import Segmentation

_SECTIONS = 64
"""Read at once: as deep as the chunks of what is written."""


@dataclass(frozen=True)
class Decoded:
    """A file of labels: the names of its classes, and of each number the index of its class.

    `shares` are those of the voxels that classes have whose objects are not told apart; `anew` are
    the classes whose objects are numbered anew in each section, None where a function of the user's
    decoded, of which that is not known.
    """

    path: Path
    class_names: tuple[str, ...]
    class_of: NDArray[np.int64]
    shares: Mapping[str, float] = field(default_factory=dict)
    anew: tuple[str, ...] | None = None

    @property
    def told(self) -> str:
        """Numbers of objects, or share of the voxels, by class, for the user."""
        return ", ".join(self._told_of(i, name) for i, name in enumerate(self.class_names))

    def _told_of(self, index: int, name: str) -> str:
        if name in self.shares:
            return f"{name}: {100 * self.shares[name]:.3g} % of the voxels"
        count = int((self.class_of == index).sum())
        how = " (numbered anew in each section)" if count and name in (self.anew or ()) else ""
        return f"{count} × {name}{how}"


def decode_file(
    opened: ScoreMaps,
    out: Path,
    settings: Mapping[str, DecoderSettings] | DecodeBox,
    *,
    most_voxels: int,
    halo: tuple[int, int, int] | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
) -> tuple[Decoded, ...]:
    """Decode maps into a file, or a file a class where classes may overlap.

    Parameters
    ----------
    opened : ScoreMaps
        With names, classes and voxel size.
    out : Path
        .tif, .mrc, .h5 or .zarr; larger ones .h5 or .zarr.
    settings : mapping of str to DecoderSettings, or callable
        By class; or a function that decodes a box (`user_decoder`).
    most_voxels : int
        Volumes up to this size are decoded at once, unless there is a halo.
    halo : tuple of int, optional
        Voxels that boxes see around them.
    on_progress : callable
        Is told the share that is done.

    Raises
    ------
    TomoscribeError
        If it cannot be written, or objects could not be joined with such a halo.
    """
    header, size = opened.header, opened.header.voxel_size_zyx_nm
    if size is None:
        raise TomoscribeError("The maps have no voxel size.")
    shape = opened.data.shape[1:]
    if halo is not None or int(np.prod(shape)) > most_voxels:
        plan = BlockPlan.boxes() if halo is None else BlockPlan.boxes(halo)
        _require_halo(plan, shape, settings)
        if callable(settings):
            with label_store(out, shape, size) as labels:
                class_of = decode_blocks(
                    opened.data, labels, settings, plan, on_progress=on_progress
                )
            return (Decoded(out, ("object",), class_of),)
        chosen = None if halo is None else plan
        return tuple(_in_blocks(opened, out, settings, chosen, on_progress))
    results: Sequence[Segmentation]
    if callable(settings):
        results = [settings(np.asarray(opened.data[...]))]
    else:
        results = decode(
            opened.data, header.maps, header.classes, settings, size, exclusive=header.exclusive
        )
    written = []
    for result in results:
        path = out if len(results) == 1 else of_class(out, result.class_names[0])
        write_labels(path, result.labels, size)
        shares = _shares(result.labels, result.class_names, result.class_of, settings)
        anew = _anew(shape[0], result.class_names, settings)
        written.append(Decoded(path, result.class_names, result.class_of, shares, anew))
    on_progress(1.0)
    return tuple(written)


def _require_halo(
    plan: BlockPlan,
    shape: Sequence[int],
    settings: Mapping[str, DecoderSettings] | DecodeBox,
) -> None:
    """Refuse a halo with which blocks show nothing of each other, where objects go on in them."""
    apart = callable(settings) or any(s.kind not in SEMANTIC_KINDS for s in settings.values())
    sides = zip(plan.halo_lo, plan.block, shape, strict=True)
    if any(halo < 0 or (apart and halo == 0 and block < n) for halo, block, n in sides):
        least = "1" if apart else "0"
        raise TomoscribeError(
            f"The halo {','.join(map(str, plan.halo_lo))} is too small: give {least} voxel or more "
            "along each axis, so that what goes on in the next block is joined."
        )


def of_class(path: Path, name: str) -> Path:
    """Return the file of one class beside `path`."""
    return path.with_name(f"{path.stem}_{name.replace('/', '_')}{path.suffix}")


def _in_blocks(
    opened: ScoreMaps,
    out: Path,
    settings: Mapping[str, DecoderSettings],
    plan: BlockPlan | None,
    on_progress: Callable[[float], None],
) -> Iterator[Decoded]:
    header, size = opened.header, opened.header.voxel_size_zyx_nm
    assert size is not None
    groups = [header.classes] if header.exclusive else [(name,) for name in header.classes]
    for index, names in enumerate(groups):

        def told(done: float, before: int = index) -> None:
            on_progress((before + done) / len(groups))

        path = out if len(groups) == 1 else of_class(out, names[0])
        shape: Any = opened.data.shape[1:]
        with label_store(path, shape, size) as labels:
            class_of = decode_maps(
                opened.data, header.maps, names, settings, size, labels,
                exclusive=header.exclusive, plan=plan, on_progress=told,
            )  # fmt: skip
            shares = _shares(labels, names, class_of, settings)
        yield Decoded(path, tuple(names), class_of, shares, _anew(shape[0], names, settings))


def _anew(
    depth: int, names: Sequence[str], settings: Mapping[str, DecoderSettings] | DecodeBox
) -> tuple[str, ...] | None:
    return None if callable(settings) else classes_in_sections(depth, names, settings)


def _shares(
    labels: Any,
    names: Sequence[str],
    class_of: NDArray[np.int64],
    settings: Mapping[str, DecoderSettings] | DecodeBox,
) -> dict[str, float]:
    """Return the share of the voxels of each class that has one number."""
    if callable(settings):
        return {}
    whole = [i for i, name in enumerate(names) if settings[name].kind in SEMANTIC_KINDS]
    if not whole:
        return {}
    counts = np.zeros(len(class_of), np.int64)
    for z in range(0, labels.shape[0], _SECTIONS):
        part = np.asarray(labels[z : z + _SECTIONS])
        counts += np.bincount(part.ravel(), minlength=len(class_of))
    total = int(np.prod(labels.shape))
    return {names[i]: float(counts[class_of == i].sum() / total) for i in whole}
