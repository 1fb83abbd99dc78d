"""One visual language for all docks: a few colours, one accent, one spacing.

Text and background come from napari's theme; only what must be told apart is named here.
"""

from __future__ import annotations

ACCENT = "#e69f00"
"""The one accent (Okabe-Ito orange, told apart by all colour vision): what the model is good at."""

MUTED = "#7d828c"
"""Secondary curves and text; readable on napari's light and dark theme."""

GOOD = "#009e73"
"""Running, found, written."""

WAIT = "#56b4e9"
"""Queued, starting, paused, stopping."""

BAD = "#d55e00"
"""Failed, lost, unanswered."""

FOCUS = (
    "QAbstractButton:focus, QComboBox:focus, QLineEdit:focus, QAbstractSpinBox:focus,"
    f" QAbstractItemView:focus, QSlider:focus {{ border: 1px solid {ACCENT}; }}"
)
"""Sheet of a dock: napari's theme does not show which control has the keyboard."""

SPACING = 6
"""Pixels between widgets and at the edge of a dock."""
