"""The line of the dock that says how many slices are averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QLabel, QSlider, QWidget

from tomoscribe.ui.connections import connect
from tomoscribe.ui.widgets import enable, row

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

LABEL_CHARACTERS = "99 slices, 9999 Å"


def slab_text(count: int, voxel_size_A: float | None) -> str:
    """Return what is shown, in words."""
    if count == 1 or voxel_size_A is None:
        return "single slice"
    return f"{count} slices, {count * voxel_size_A:.0f} Å"


class SlabControl(QWidget):
    """A slider over odd numbers of slices, from the slice itself to a particle's diameter."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.slider.setPageStep(1)
        self.slider.setToolTip(
            "Shows the mean of neighbouring slices, so that particles stand out of the noise. "
            "For the eye only: training sees the voxels. Shift+W switches it off and on."
        )
        self.value = QLabel()
        self.value.setMinimumWidth(self.value.fontMetrics().horizontalAdvance(LABEL_CHARACTERS))
        self.setLayout(row(QLabel("Average"), self.slider, self.value, stretch=1))
        self.slider.valueChanged.connect(lambda step: session.averaging.set(2 * step + 1))
        connect(self, session.averaging.changed, self.refresh)
        connect(self, session.current_changed, self.refresh)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the number as it is."""
        averaging, entry = self._session.averaging, self._session.entry
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, averaging.most // 2)
            self.slider.setValue(averaging.count // 2)
        self.value.setText(slab_text(averaging.count, entry.voxel_size_A if entry else None))
        enable(self.slider, None if entry else "Open a tomogram first.")
