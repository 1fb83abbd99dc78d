"""One visual language for all docks: a few colours, one accent, one spacing.

Text and background come from napari's theme; only what must be told apart is named here.
"""

from __future__ import annotations

from napari.settings import get_settings
from napari.utils.theme import get_theme

ACCENT = "#e69f00"
"""The one accent (Okabe-Ito orange, told apart by all colour vision): what the model is good at."""

MUTED = "#7d828c"
"""Secondary curves and frames, on napari's light and dark theme; too pale for text on either."""

QUIET_TEXT = {"dark": "#a7acb6", "light": "#5c5f66"}
"""Hints, by napari's theme: 6.8 and 5.2 to 1 on its background; WCAG 2.2 wants 4.5."""

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


def quiet_text() -> str:
    """Return the colour of hints on the theme that napari shows now."""
    theme = get_theme(get_settings().appearance.theme)
    background = sum(theme.background.as_rgb_tuple()[:3])
    return QUIET_TEXT["dark" if background < 3 * 128 else "light"]


SPACING = 6
"""Pixels between widgets and at the edge of a dock."""
