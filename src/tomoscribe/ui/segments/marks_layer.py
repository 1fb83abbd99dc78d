"""The layer `matches` of a segmentation: what is matched, missed and extra, by colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from tomoscribe.evaluation.segments.marks import Mark
from tomoscribe.ui import style
from tomoscribe.ui.quiet_layer import OURS, add_quietly, still_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tomoscribe.evaluation.segments.marks import Marks
    from tomoscribe.ui.session import Session

NAME = "matches"
OPACITY = 0.6
EXTRA = "#cc79a7"
"""Purple, as in reports: what is extra is wrong here, since labels say so."""
COLORS = {
    Mark.MATCHED: style.GOOD,
    Mark.MISSED: style.BAD,
    Mark.EXTRA: EXTRA,
    Mark.OPEN: style.WAIT,
}
LEGEND = "&nbsp; ".join(
    f"<span style='color:{COLORS[mark]}'>■</span>{text}"
    for mark, text in (
        (Mark.MATCHED, "matched"), (Mark.MISSED, "missed"), (Mark.EXTRA, "extra"),
        (Mark.OPEN, "unlabelled"),
    )
)  # fmt: skip


class MarksLayer:
    """Owns the layer; the user may rename or delete it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._layer: Labels | None = None
        self._shown: tuple[Marks, ...] = ()

    @property
    def layer(self) -> Labels | None:
        """The napari layer, if it is there."""
        self._layer = still_in(self._session.viewer, self._layer)
        return self._layer

    def show(self, marks: Iterable[Marks]) -> None:
        """Show marks of the tomogram in view; where classes overlap, errors are on top."""
        image, wanted = self._session.layer, tuple(marks)
        if image is None or not wanted:
            self.hide()
            return
        layer = self.layer
        same = len(wanted) == len(self._shown) and all(map(_is, wanted, self._shown))
        if layer is None or not same:
            values = _joined(wanted, image.data.shape[-3:])
            if layer is None:
                layer = self._make(values)
            else:
                layer.scale, layer.translate = image.scale[-3:], image.translate[-3:]
                layer.data = values
            self._shown = wanted
        if not layer.visible:
            layer.visible = True

    def hide(self) -> None:
        """Show nothing; the layer stays for the next time."""
        if self.layer is not None and self.layer.visible:
            self.layer.visible = False

    def _make(self, values: NDArray[np.uint8]) -> Labels:
        image = self._session.layer
        assert image is not None
        colors: dict[int | None, str] = {None: "transparent", 0: "transparent"}
        colors |= {int(mark): color for mark, color in COLORS.items()}
        layer = Labels(
            values,
            name=NAME,
            opacity=OPACITY,
            scale=image.scale[-3:],
            translate=image.translate[-3:],
            units=image.units[-3:],
            axis_labels=image.axis_labels[-3:],
            colormap=DirectLabelColormap(color_dict=colors),
            metadata={OURS: NAME},
        )
        layer.editable = False
        layers = self._session.viewer.layers
        below = layers.index(layers["labels"]) if "labels" in layers else None
        self._layer = add_quietly(self._session.viewer, layer, below)
        return self._layer


def _joined(marks: Iterable[Marks], shape_zyx: tuple[int, ...]) -> NDArray[np.uint8]:
    # Pages of zeros that nobody writes take no memory.
    values = np.zeros(shape_zyx, np.uint8)
    rank = np.zeros(len(Mark), np.uint8)
    rank[[Mark.OPEN, Mark.MATCHED, Mark.EXTRA, Mark.MISSED]] = [1, 2, 3, 4]
    for one in marks:
        place = tuple(slice(a, b) for a, b in zip(one.lo, one.hi, strict=True))
        before = values[place]
        values[place] = np.where(rank[one.values] > rank[before], one.values, before)
    return values


def _is(one: Marks, other: Marks) -> bool:
    return one is other
