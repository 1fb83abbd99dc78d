"""What the tour shows: the card, an outline around what it is about, an arrow between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QPoint, QRect, Qt
from qtpy.QtGui import QColor, QPainter, QPolygon
from qtpy.QtWidgets import QFrame, QLabel, QMainWindow, QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.tour.places import GAP, Box, place
from tomoscribe.ui.widgets import button, enable, heading, hint, row

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

    from tomoscribe.ui.tour.places import Side

WIDTH = 300
"""Pixels of the card: four lines of text."""

EDGE = 3
"""Pixels of the outline."""

ARROW = 12
"""Pixels of the arrow, which lies in the gap."""


class Outline(QFrame):
    """A frame around a widget that lets every click through."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("tomoscribe-tour-outline")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        look = f"border: {EDGE}px solid {style.ACCENT}; background: transparent;"
        self.setStyleSheet(f"#tomoscribe-tour-outline {{ {look} border-radius: {EDGE}px; }}")
        self.hide()


class Arrow(QWidget):
    """A triangle that points from the card to its target."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._side: Side = "left"
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.resize(ARROW, ARROW)
        self.hide()

    def point(self, side: Side) -> None:
        """Point away from a card that is on this side of the target."""
        self._side = side
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the triangle."""
        end, middle = ARROW - 1, ARROW // 2
        corners = {
            "left": [(0, 0), (end, middle), (0, end)],
            "right": [(end, 0), (0, middle), (end, end)],
            "above": [(0, 0), (middle, end), (end, 0)],
            "below": [(0, end), (middle, 0), (end, end)],
        }
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(style.ACCENT))
        painter.drawPolygon(QPolygon([QPoint(*c) for c in corners.get(self._side, [])]))


class TourCard(QFrame):
    """Title, text, and buttons to go on, back, or end; it takes nothing from the canvas."""

    back_pressed = Signal()
    next_pressed = Signal()
    end_pressed = Signal()
    sample_pressed = Signal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._shown: tuple[QRect | None, str, Box] | None = None
        self.setObjectName("tomoscribe-tour")
        self.setAutoFillBackground(True)
        look = f"border: 1px solid {style.ACCENT}; border-radius: {style.SPACING}px;"
        self.setStyleSheet(f"#tomoscribe-tour {{ {look} }}")
        self.setFixedWidth(WIDTH)
        self.outline, self.arrow = Outline(window), Arrow(window)
        self.title = heading("")
        self.title.setWordWrap(True)
        self.number = QLabel()
        self.number.setStyleSheet(f"color: {style.quiet_text()};")
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.note = hint()
        self.particles = button(
            "Particles", "Makes two tomograms with particles.", lambda: self._sample("particles")
        )
        self.membranes = button(
            "Membranes", "Makes a tomogram with membranes.", lambda: self._sample("membranes")
        )
        # Alt and the underlined letter; the plain keys stay the canvas'.
        self.back = button("&Back", "Shows the step before (Alt+B).", self.back_pressed.emit)
        self.next = button("&Next", "Goes on without doing this (Alt+N).", self.next_pressed.emit)
        self.end = button("&End tour", "Takes the tour away (Alt+E).", self.end_pressed.emit)
        self._build()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(2 * style.SPACING,) * 4)
        layout.setSpacing(style.SPACING)
        layout.addLayout(row(self.title, self.number, stretch=0))
        layout.addWidget(self.text)
        layout.addWidget(self.note)
        self.samples = QWidget()
        self.samples.setLayout(row(self.particles, self.membranes))
        layout.addWidget(self.samples)
        layout.addLayout(row(self.end, QWidget(), self.back, self.next, stretch=1))

    def _sample(self, kind: str) -> None:
        self.sample_pressed.emit(kind)

    def say(self, title: str, text: str, number: str, *, first: bool, samples: bool) -> None:
        """Show a step; `samples` offers to make one."""
        self.title.setText(title)
        self.text.setText(text)
        self.number.setText(number)
        self.samples.setVisible(samples)
        enable(self.back, "This is the first step." if first else None)
        self._shown = None

    def put(self, target: QRect | None, note: str) -> None:
        """Go beside a target, in pixels of the window; without one into its lower left corner.

        `note` says where the target is when it cannot be seen.
        """
        window = self._room()
        if self._shown == (target, note, window):
            return
        self._shown = target, note, window
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.adjustSize()
        box = None if target is None else Box(*target.getRect())
        at, side = place(box, (self.width(), self.height()), window)
        self.move(at.x, at.y)
        self.outline.setVisible(target is not None)
        if target is not None:
            self.outline.setGeometry(target.adjusted(-EDGE, -EDGE, EDGE, EDGE))
            self.outline.raise_()
        self._aim(box, at, side)
        self.show()
        self.raise_()

    def _room(self) -> Box:
        """Return the window below its menus."""
        menus = self._window.menuBar().height() if isinstance(self._window, QMainWindow) else 0
        return Box(0, menus, self._window.width(), self._window.height() - menus)

    def _aim(self, target: Box | None, card: Box, side: Side) -> None:
        """Put the arrow into the gap between the card and its target."""
        self.arrow.setVisible(target is not None and side != "inside")
        if target is None or side == "inside":
            return
        x, y = target.center
        # As far along the card's side as the target is, but not beyond the card.
        x = min(max(x, card.x + ARROW), card.x + card.width - ARROW) - ARROW // 2
        y = min(max(y, card.y + ARROW), card.y + card.height - ARROW) - ARROW // 2
        off = (GAP - ARROW) // 2
        at = {
            "left": (card.x + card.width + off, y),
            "right": (card.x - off - ARROW, y),
            "above": (x, card.y + card.height + off),
            "below": (x, card.y - off - ARROW),
        }[side]
        self.arrow.point(side)
        self.arrow.move(*at)
        self.arrow.raise_()

    def take_away(self) -> None:
        """Delete the card, the outline and the arrow."""
        for widget in (self.outline, self.arrow, self):
            widget.hide()
            widget.deleteLater()
