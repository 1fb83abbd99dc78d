"""A line for a voxel size: one edge, or three for sections thicker than pixels are wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.voxel_size import in_nm, parse_voxel_size, voxel_size_text
from tomoscribe.ui.widgets import enable, hint

if TYPE_CHECKING:
    from qtpy.QtWidgets import QPushButton

    from tomoscribe.io.voxel_size import VoxelSize

TIP = "Edge of one voxel, or edges z, y, x: “13.5”, “8 nm”, “50, 4, 4 nm”. Without a unit it is Å."


class VoxelSizeField(QWidget):
    """Takes “13.5 Å” and “50, 4, 4 nm”, and says below how it understands it.

    `use` is the button that takes the size; it is off while the text is none.
    """

    def __init__(self, use: QPushButton, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._use = use
        self.text = QLineEdit()
        self.text.setToolTip(TIP)
        self.meaning = hint()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.text)
        layout.addWidget(self.meaning)
        self.text.textChanged.connect(self._say)
        self.text.returnPressed.connect(use.click)

    @property
    def size(self) -> VoxelSize:
        """What is written, in Å.

        Raises
        ------
        TomoscribeError
            If it is no voxel size.
        """
        return parse_voxel_size(self.text.text())

    def show_size(self, size: VoxelSize) -> None:
        """Offer a size in Å."""
        self.text.setText(voxel_size_text(size))

    def _say(self) -> None:
        try:
            said, wrong = f"{in_nm(self.size)}. Sections: z, y, x, as “50, 4, 4 nm”.", None
        except TomoscribeError as error:
            said = wrong = str(error)
        self.meaning.setText(said)
        enable(self._use, wrong)
