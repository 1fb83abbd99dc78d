"""The part of *Compare* where maps of a segmentation become objects, under the user's eyes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QCheckBox, QComboBox, QLabel, QProgressBar, QVBoxLayout, QWidget

from tomoscribe.segmentation.decoder_settings import DecoderSettings
from tomoscribe.ui import style
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.connections import connect
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.segments.decoder_words import (
    DIMENSIONS,
    KINDS,
    TITLES,
    counts,
    kinds_for,
    state,
    why_no_objects,
    why_no_volume,
)
from tomoscribe.ui.segments.segments import Segments
from tomoscribe.ui.segments.setting_slider import Scale, SettingSlider, SizeScale
from tomoscribe.ui.widgets import button, enable, heading, hint, row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tomoscribe.ui.session import Session

ALL = "all classes"
NO_MAPS = "No segmentation is in view yet: paint a few strokes of each class, then press Train."
AWAITED = "The training has no maps of this tomogram yet; the section in view comes first."
RESET, RESET_TUNED = "Reset", "Reset to tuned"
AS_TUNED = "The settings are as they were tuned."
AS_DEFAULT = "The settings are the default ones."
LOOK_MS = 250
"""Between two looks at how far the volume is; what is ready sooner shows no bar at all."""


class DecoderPanel(QWidget):
    """Kind, sliders, counts; what they do goes through `Segments`.

    Attributes
    ----------
    sliders : dict of str to SettingSlider
        By the name of the setting.
    """

    def __init__(
        self,
        session: Session,
        show_table: Callable[[], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._segments = Segments.of(session)
        self._monitor = RunMonitor.of(session)
        self._sides = Sides.of(session)
        self.counts = QLabel()
        self.counts.setWordWrap(True)
        self.counts.setTextFormat(Qt.TextFormat.RichText)
        self.class_name = _choice("Class that the settings below are of")
        self.kind = _choice("How maps become objects")
        self.dimension = _choice("Whether objects go through sections")
        self.sliders = {name: self._slider(name) for name in TITLES}
        self.state = hint()
        self.outlines = QCheckBox("Outlines only")
        self.outlines.setToolTip("Draws the outline of each object, so that the image is seen")
        self.outlines.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.outlines.toggled.connect(self._segments.layer.set_outlines)
        self.scores = QCheckBox("Scores")
        self.scores.setToolTip("Draws the map that is chosen above below the objects")
        self.scores.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.scores.clicked.connect(self._segments.show_scores)
        self.reset = button(
            RESET,
            "Goes back to the settings that are marked below the sliders",
            self._segments.reset,
        )
        self.apply = button(
            "Apply to volume", "Decodes all sections by these settings", self._segments.apply
        )
        self.progress = QProgressBar()
        self.progress.setToolTip("How much of the volume is decoded")
        self.cancel = button(
            "Cancel", "Gives up the volume; sections in view are decoded on", self._segments.cancel
        )
        self._looking = QTimer(self)
        self._looking.setInterval(LOOK_MS)
        self._looking.timeout.connect(self._show_progress)
        self.table = button(
            "Table…", "Size, surface and place of each object; click a row to go there", show_table
        )
        self._build()
        self.class_name.activated.connect(lambda _: self.refresh())
        self.kind.activated.connect(lambda _: self._choose("kind", self.kind))
        self.dimension.activated.connect(lambda _: self._choose("dimension", self.dimension))
        connect(self, self._segments.changed, self.refresh)
        connect(self, self._segments.decoded, self.say)
        connect(self, self._monitor.updated, self._wait)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the settings of the class that is chosen."""
        maps = self._segments.maps
        if maps is not None:
            names = [ALL, *maps.classes] if len(maps.classes) > 1 else maps.classes
            _offer(self.class_name, {name: (name, "") for name in names})
            _offer(self.kind, {kind: KINDS[kind] for kind in kinds_for(maps)})
            _offer(self.dimension, DIMENSIONS)
            self.class_name.setVisible(len(names) > 1)
            voxel = maps.voxel_size_zyx_nm
            self._show(self._segments.settings, maps.tuned(), voxel)
        self.say()

    def say(self, *_: object) -> None:
        """Show counts, and what can be done."""
        segments = self._segments
        for part in (self._inside, self.scores, self.outlines):
            part.setVisible(segments.maps is not None)
        if segments.maps is None:
            comes = segments.awaited and self._monitor.alive
            self.counts.setText(AWAITED if comes else NO_MAPS)
            return
        # Beside each other, the canvas that all this is about is that of A.
        of_a = "A: " if self._sides.mode == "side_by_side" else ""
        self.counts.setText(f"{of_a}{counts(segments)}")
        self.state.setText(state(segments))
        if not segments.busy:
            self._looking.stop()
            self.progress.hide()
            self.cancel.hide()
        elif not self._looking.isActive():
            self._looking.start()
        self.scores.setChecked(segments.scores_shown)
        enable(self.apply, why_no_volume(segments))
        self.reset.setText(RESET_TUNED if segments.maps.is_tuned else RESET)
        as_told = AS_TUNED if segments.maps.is_tuned else AS_DEFAULT
        enable(self.reset, None if segments.is_own else as_told)
        enable(self.table, why_no_objects(segments))

    def _wait(self, *_: object) -> None:
        """Say whether a training that goes on brings the first maps."""
        if self._segments.maps is None:
            self.say()

    def _show_progress(self) -> None:
        done = self._segments.done
        self.progress.setRange(0, 100 if done else 0)  # a volume at once tells no share
        self.progress.setValue(round(100 * done))
        self.progress.show()
        self.cancel.show()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addLayout(row(heading("Objects"), self.scores, self.outlines, stretch=0))
        layout.addWidget(self.counts)
        self._inside = QWidget()
        column = QVBoxLayout(self._inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(style.SPACING)
        for part in (self.class_name, self.kind, self.dimension, *self.sliders.values()):
            column.addWidget(part)
        column.addWidget(self.state)
        column.addLayout(row(self.progress, self.cancel, stretch=0))
        column.addLayout(row(self.apply, self.reset, self.table, stretch=0))
        layout.addWidget(self._inside)

    def _slider(self, name: str) -> SettingSlider:
        text = DecoderSettings.model_fields[name].description or ""
        tip = f"{text[:1].upper()}{text[1:]}. The mark is the value that Reset goes back to."
        unit = next((u for end, u in (("nm2", "nm²"), ("nm3", "nm³")) if name.endswith(end)), None)
        made = SettingSlider(TITLES[name], tip, SizeScale(unit, 1.0) if unit else Scale())
        made.moved.connect(partial(self._move, name))
        return made

    def _show(
        self,
        settings: Mapping[str, DecoderSettings],
        tuned: Mapping[str, DecoderSettings],
        voxel: tuple[float, float, float],
    ) -> None:
        of = self._of() or next(iter(settings))
        mine, suggested = settings[of], tuned[of]
        self.kind.setCurrentIndex(self.kind.findData(mine.kind))
        self.dimension.setCurrentIndex(self.dimension.findData(mine.dimension))
        used = mine.in_use()
        for name, slider in self.sliders.items():
            if name.endswith("nm2"):
                slider.set_scale(SizeScale("nm²", voxel[1] * voxel[2]))
            elif name.endswith("nm3"):
                slider.set_scale(SizeScale("nm³", voxel[0] * voxel[1] * voxel[2]))
            slider.show_value(getattr(mine, name), getattr(suggested, name))
            slider.setVisible(name in used)

    def _of(self) -> str | None:
        """Return the class whose settings are shown, None for all."""
        name = self.class_name.currentData()
        return None if name in (None, ALL) else str(name)

    def _move(self, name: str, value: float) -> None:
        if name == "link_overlap":
            value = max(value, 0.01)  # of nothing shared, everything would be linked
        self._segments.set(self._of(), **{name: value})

    def _choose(self, name: str, choice: QComboBox) -> None:
        self._segments.set(self._of(), **{name: choice.currentData()})


def _choice(tip: str) -> QComboBox:
    made = QComboBox()
    made.setToolTip(tip)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(8)
    return made


def _offer(choice: QComboBox, items: Mapping[Any, tuple[str, str]]) -> None:
    """Offer texts with their tooltips, by value; what is chosen stays where it is still there."""
    if [choice.itemData(i) for i in range(choice.count())] == list(items):
        return
    chosen = choice.currentData()
    choice.clear()
    for value, (text, tip) in items.items():
        choice.addItem(text, value)
        choice.setItemData(choice.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
    choice.setCurrentIndex(max(choice.findData(chosen), 0))
