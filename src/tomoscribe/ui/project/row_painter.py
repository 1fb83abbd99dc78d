"""Paints a row of the project: picture, name, figures, picks by class, a button for its role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QModelIndex, QPoint, QRect, QSize, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QPalette, QPen
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from tomoscribe.project.model import Role, TomogramEntry
from tomoscribe.ui import style
from tomoscribe.ui.membranes.membrane_model import ROLE_LETTERS

if TYPE_CHECKING:
    from qtpy.QtCore import QObject
    from qtpy.QtGui import QPainter

    from tomoscribe.ui.project.project_model import ProjectModel
    from tomoscribe.ui.project.rows import Row

PICTURE = 52
"""Edge of a picture on the screen."""

BUTTON = 24
FOLD = 112
"""Width of the number of membranes: three digits."""

MARGIN = 4
INDENT = 26
"""Membranes stand below their tomogram's picture."""

FAINT = 150
"""Opacity of what matters less, 0 to 255: readable on both themes."""


class RowPainter(QStyledItemDelegate):
    """Paints, and tells where the button for the role and the number of membranes are."""

    def __init__(self, model: ProjectModel, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model
        self._sizes: dict[tuple[bool, str], QSize] = {}

    # ---------------------------------------------------------------- geometry
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the height of a row: one for all tomograms, one for all membranes."""
        row = self._model.row_of(index)
        membrane = row is not None and row.is_membrane
        key = membrane, option.font.toString()
        if key not in self._sizes:
            line = QFontMetrics(option.font).height()
            height = max(line, BUTTON) + 4 if membrane else max(PICTURE, 3 * line + 4) + 2 * MARGIN
            self._sizes[key] = QSize(160, height)
        return self._sizes[key]

    def button_rect(self, rect: QRect) -> QRect:
        """Return where the button for the role of a row is."""
        left = rect.right() - BUTTON - MARGIN
        return QRect(left, rect.center().y() - BUTTON // 2, BUTTON, BUTTON)

    def fold_rect(self, rect: QRect) -> QRect:
        """Return where the number of membranes of a tomogram stands: the end of its third line."""
        button = self.button_rect(rect)
        third = rect.height() // 3
        return QRect(button.left() - FOLD - MARGIN, rect.bottom() - third, FOLD, third)

    # ---------------------------------------------------------------- painting
    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """Paint a row."""
        row = self._model.row_of(index)
        entry = None if row is None else self._model.entry(row)
        if painter is None or row is None or entry is None:
            return
        painter.save()
        painter.setRenderHint(painter.RenderHint.Antialiasing)
        painter.setClipRect(option.rect)
        text = self._background(painter, option, row)
        if isinstance(entry, TomogramEntry):
            self._tomogram(painter, option, row, entry, text)
        else:
            self._membrane(painter, option, row, text)
        self._button(painter, self.button_rect(option.rect), entry.role, text)
        painter.restore()

    def _background(self, painter: QPainter, option: QStyleOptionViewItem, row: Row) -> QColor:
        """Paint what says that a row is current or chosen; return the colour of text."""
        palette: QPalette = option.widget.palette() if option.widget else option.palette
        text = palette.color(QPalette.ColorRole.WindowText)
        shade = QColor(text)
        states = QStyle.StateFlag
        if option.state & states.State_Selected:
            shade.setAlpha(40)
            painter.fillRect(option.rect, shade)
        elif option.state & states.State_MouseOver:
            shade.setAlpha(18)
            painter.fillRect(option.rect, shade)
        if self._model.is_current(row):
            painter.fillRect(QRect(option.rect.topLeft(), QSize(3, option.rect.height())), text)
        return text

    def _tomogram(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        row: Row,
        entry: TomogramEntry,
        text: QColor,
    ) -> None:
        rect, look = option.rect, self._model.look(row)
        frame = QRect(rect.left() + 2 * MARGIN, rect.center().y() - PICTURE // 2, PICTURE, PICTURE)
        painter.fillRect(frame, QColor(128, 128, 128, 50))
        if look is not None and look.pixmap is not None:
            size = look.pixmap.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRect(QPoint(0, 0), size)
            place.moveCenter(frame.center())
            painter.setRenderHint(painter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(place, look.pixmap)
        left = frame.right() + 2 * MARGIN
        lines = rect.adjusted(left - rect.left(), MARGIN, -BUTTON - 2 * MARGIN, -MARGIN)
        height = lines.height() // 3
        top, middle, bottom = (
            QRect(lines.left(), lines.top() + i * height, lines.width(), height) for i in range(3)
        )
        self._name(painter, top, option.font, row, text)
        if self._model.is_opening(row):
            _write(painter, middle, "opening …", QColor(style.WAIT))
        elif look is not None and look.problem:
            _write(painter, middle, "cannot be opened", QColor(style.BAD))
        else:
            _write(painter, middle, _size_words(entry, look), _faint(text))
        if row.members:
            fold = self.fold_rect(rect)
            words = f"{'▸' if row.folded else '▾'} {row.members} membrane{'s' * (row.members != 1)}"
            _write(painter, fold, words, _faint(text), Qt.AlignmentFlag.AlignRight)
            bottom.setRight(fold.left() - MARGIN)
        self._dots(painter, bottom, row, text)

    def _membrane(
        self, painter: QPainter, option: QStyleOptionViewItem, row: Row, text: QColor
    ) -> None:
        rect = option.rect.adjusted(INDENT + PICTURE // 2, 0, -BUTTON - 2 * MARGIN, 0)
        # A curve with a thin side stands for a surface.
        painter.setPen(QPen(_faint(text), 2))
        painter.drawArc(QRect(rect.left() - 20, rect.center().y() - 3, 14, 12), 20 * 16, 140 * 16)
        dots = min(rect.width() // 3, 110)
        self._name(painter, rect.adjusted(0, 0, -dots, 0), option.font, row, text)
        self._dots(painter, rect.adjusted(rect.width() - dots, 0, 0, 0), row, text)

    def _name(self, painter: QPainter, rect: QRect, font: QFont, row: Row, text: QColor) -> None:
        own = QFont(font)
        own.setBold(self._model.is_current(row))
        painter.setFont(own)
        _write(painter, rect, row.name, text, elide=Qt.TextElideMode.ElideMiddle)
        painter.setFont(font)

    def _dots(self, painter: QPainter, rect: QRect, row: Row, text: QColor) -> None:
        dots = self._model.dots(row)
        if not dots:
            _write(painter, rect, "no picks", _faint(text))
            return
        left, size = rect.left(), 8
        for color, count in dots:
            words = f"{count}"
            width = painter.fontMetrics().horizontalAdvance(words)
            if left + size + 4 + width > rect.right():
                _write(painter, QRect(left, rect.top(), 14, rect.height()), "…", text)
                return
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(color))
            painter.drawEllipse(left, rect.center().y() - size // 2 + 1, size, size)
            left += size + 4
            _write(painter, QRect(left, rect.top(), width + 4, rect.height()), words, text)
            left += width + 10

    def _button(self, painter: QPainter, rect: QRect, role: Role, text: QColor) -> None:
        """Paint the letter of a role; colours in this list mean classes."""
        fill = QColor(text)
        fill.setAlpha(70 if role is Role.TRAIN else 0)
        painter.setPen(QPen(text if role is not Role.UNUSED else _faint(text), 1))
        painter.setBrush(fill)
        painter.drawRoundedRect(rect.adjusted(1, 1, -2, -2), 4, 4)
        _write(painter, rect, ROLE_LETTERS[role], text, Qt.AlignmentFlag.AlignHCenter)


def _faint(text: QColor) -> QColor:
    colour = QColor(text)
    colour.setAlpha(FAINT)
    return colour


def _size_words(entry: TomogramEntry, look: object) -> str:
    shape = getattr(look, "shape_zyx", None)
    size = f"{entry.voxel_size_A:g} Å"
    # As most programs write it: x y z.
    return size if shape is None else f"{size}  ·  {' × '.join(str(n) for n in reversed(shape))}"


def _write(
    painter: QPainter,
    rect: QRect,
    words: str,
    colour: QColor,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> None:
    painter.setPen(colour)
    shown = painter.fontMetrics().elidedText(words, elide, rect.width())
    painter.drawText(rect, int(align | Qt.AlignmentFlag.AlignVCenter), shown)
