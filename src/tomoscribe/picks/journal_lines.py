"""The lines of a journal: how edits, regions, patches and the header are spelled in JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import msgspec

from tomoscribe.picks.table import HUMAN, Pick, PickState

if TYPE_CHECKING:
    from tomoscribe.picks.table import Edit


class Row(msgspec.Struct, omit_defaults=True, frozen=True):
    """A pick on disk; what is not known is left out, because JSON has no NaN."""

    id: int
    zyx: tuple[float, float, float]
    class_name: str = msgspec.field(name="class")
    score: float | None = None
    normal_zyx: tuple[float, float, float] | None = None
    angle_deg: float | None = None
    state: PickState = PickState.ACCEPTED
    source: str = HUMAN
    membrane: str = ""
    answered: float | None = None


class Box(msgspec.Struct, omit_defaults=True, frozen=True):
    """An annotated region on disk: voxel edges `lo` and `hi` in z y x; no classes mean all."""

    lo: tuple[float, float, float]
    hi: tuple[float, float, float]
    classes: tuple[str, ...] = ()


class HeaderLine(msgspec.Struct, tag="journal", frozen=True):
    """First line. `base` + file size is the revision; ids below `next_id` were used."""

    VERSION: ClassVar[int] = 1

    version: int = VERSION
    base: int = 0
    next_id: int = 1


class EditLine(msgspec.Struct, tag="edit", omit_defaults=True, frozen=True):
    """One edit: ids that are removed, and picks that are added or changed."""

    remove: list[int] = []
    set: list[Row] = []


class RegionsLine(msgspec.Struct, tag="regions", frozen=True):
    """All annotated regions from here on."""

    boxes: list[Box]


class Stroke(msgspec.Struct, omit_defaults=True, frozen=True):
    """A stroke of a patch on disk: membrane, `center` z y x and `radius` in voxels."""

    membrane: str
    center: tuple[float, float, float]
    radius: float
    erase: bool = False


class PatchesLine(msgspec.Struct, tag="patches", omit_defaults=True, frozen=True):
    """The patches from here on: the first `keep` strokes so far, and those that are added.

    A brush makes hundreds of strokes; so each costs one short line, and so does taking it back.
    """

    keep: int = 0
    add: list[Stroke] = []


Line = HeaderLine | EditLine | RegionsLine | PatchesLine

_DECODER = msgspec.json.Decoder(Line)
_ENCODER = msgspec.json.Encoder()


def encode_line(line: Line) -> bytes:
    """Return a line, its end included."""
    return _ENCODER.encode(line) + b"\n"


def decode_line(raw: bytes) -> Line | None:
    """Return what a line says, or None where it cannot be read."""
    try:
        line: Line = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return line


def edit_line(edit: Edit) -> EditLine:
    """Return the line of an edit."""
    kept = {pick.id for pick in edit.after}
    return EditLine(
        remove=[pick.id for pick in edit.before if pick.id not in kept],
        set=[row_of_pick(pick) for pick in edit.after],
    )


def row_of_pick(pick: Pick) -> Row:
    """Return a pick as it is on disk."""
    # NumPy's scalars get in through positions that were computed; JSON knows Python's alone.
    return Row(
        int(pick.id),
        _floats(pick.zyx),
        pick.class_name,
        None if math.isnan(pick.score) else float(pick.score),
        None if pick.normal_zyx is None else _floats(pick.normal_zyx),
        None if math.isnan(pick.angle_deg) else float(pick.angle_deg),
        PickState(pick.state),
        pick.source,
        pick.membrane,
        pick.answered,
    )


def pick_of_row(row: Row) -> Pick:
    """Return a pick as it is in memory."""
    return Pick(
        row.id,
        row.zyx,
        row.class_name,
        math.nan if row.score is None else row.score,
        row.normal_zyx,
        math.nan if row.angle_deg is None else row.angle_deg,
        row.state,
        row.source,
        row.membrane,
        row.answered,
    )


def _floats(zyx: tuple[float, float, float]) -> tuple[float, float, float]:
    return float(zyx[0]), float(zyx[1]), float(zyx[2])
