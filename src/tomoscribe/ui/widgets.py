"""Small pieces that all docks are put together from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from tomoscribe.ui import style

if TYPE_CHECKING:
    from collections.abc import Callable

DOCK_WIDTH = 320
"""Narrowest dock in pixels: what the widest row of buttons needs."""


def heading(text: str) -> QLabel:
    """Return the title of a section."""
    label = QLabel(text)
    label.setStyleSheet("font-weight: 600;")
    return label


class Quiet(QLabel):
    """Text that stands back, readable on a dark and on a light theme."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._color = ""
        self._recolor()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow napari's theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self._recolor()

    def _recolor(self) -> None:
        color = style.quiet_text()
        if color != self._color:
            self._color = color
            self.setStyleSheet(f"color: {color};")


def hint(text: str = "") -> QLabel:
    """Return a quiet line of help that wraps."""
    label = Quiet(text)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def button(text: str, tip: str, clicked: Callable[[], object]) -> QPushButton:
    """Return a button that takes the keys by Tab only: a click leaves them to the canvas."""
    made = QPushButton(text)
    made.setToolTip(tip)
    made.setProperty("tip", tip)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.clicked.connect(lambda _checked=False: clicked())
    return made


def enable(widget: QWidget, why_not: str | None) -> None:
    """Enable a widget, or disable it and say why in its tooltip."""
    if widget.property("tip") is None:
        widget.setProperty("tip", widget.toolTip())
    widget.setEnabled(why_not is None)
    widget.setToolTip(widget.property("tip") if why_not is None else why_not)


def row(*widgets: QWidget, stretch: int | None = None) -> QHBoxLayout:
    """Return widgets side by side; the one at `stretch` takes the room."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(style.SPACING)
    for index, widget in enumerate(widgets):
        layout.addWidget(widget, 1 if index == stretch else 0)
    return layout


def folded(title: str, *widgets: QWidget) -> QCollapsible:
    """Return a section that is closed at first; its title opens it."""
    fold = QCollapsible(title, expandedIcon="▾", collapsedIcon="▸")
    fold.setDuration(0)
    layout = fold.layout()
    assert layout is not None
    layout.setContentsMargins(0, 0, 0, 0)
    title_button = fold.toggleButton()
    title_button.setToolTip(f"Opens or closes: {title}.")
    title_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    for widget in widgets:
        fold.addWidget(widget)
    fold.collapse(animate=False)
    return fold


def swatch(color: str, size: int = 12) -> QIcon:
    """Return a square of a colour."""
    pixmap = QPixmap(size, size)
    pixmap.fill(QColor(color))
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)  # else Qt tints it in a selected row
    return icon


def main_window(widget: QWidget) -> QWidget:
    """Return the viewer's window that a widget belongs to, also while its dock floats."""
    parent: QWidget | None = widget
    while parent is not None and not isinstance(parent, QMainWindow):
        parent = parent.parentWidget()
    found = parent or widget.window()
    assert found is not None
    return found


def dock_of(widget: QWidget) -> QDockWidget | None:
    """Return the dock that a widget is in, None where it is in none."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent


def scroll_to(widget: QWidget) -> None:
    """Scroll the column that a widget is in, if it is in one, so that the widget is seen."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QScrollArea):
        parent = parent.parentWidget()
    if parent is not None:
        parent.ensureWidgetVisible(widget)


class _Column(QWidget):
    """As high as its lines are at its width.

    A scroll area asks only for the least height at a width of the layout's own choice, at which
    fewer lines break: in a narrow dock hints would be drawn over each other.
    """

    def event(self, event: QEvent | None) -> bool:
        """Look again how high that is."""
        layout = self.layout()
        resized = event is not None and event.type() in (
            QEvent.Type.Resize,
            QEvent.Type.LayoutRequest,
        )
        if resized and layout is not None and layout.hasHeightForWidth():
            self.setMinimumHeight(layout.minimumHeightForWidth(self.width()))
        return super().event(event)


def scrolling_column(dock: QWidget) -> QVBoxLayout:
    """Give a dock a column that scrolls up and down when the window is low; return the column."""
    dock.setStyleSheet(style.FOCUS)
    inside = _Column()
    column = QVBoxLayout(inside)
    column.setContentsMargins(*(style.SPACING,) * 4)
    column.setSpacing(style.SPACING)
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setWidget(inside)
    outer = QVBoxLayout(dock)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addWidget(scroll)
    dock.setMinimumWidth(DOCK_WIDTH)
    return column
