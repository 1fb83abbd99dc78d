"""Every control of every dock says what it does; what cannot be used says why; Tab reaches it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import napari
import pytest
from napari.settings import get_settings
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QSlider,
    QToolButton,
    QWidget,
)
from tests.ui.conftest import PLACES_ZYX, FakeWorker, gaussians

from tomoscribe.picks.table import Edit
from tomoscribe.ui.annotate.annotate_dock import AnnotateDock
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.export_dialog import ExportDialog
from tomoscribe.ui.membranes.membrane_panel import MembranePanel
from tomoscribe.ui.project.project_dock import ProjectDock
from tomoscribe.ui.runs.run_strip import RunStrip
from tomoscribe.ui.runs.runs_dock import RunsDock
from tomoscribe.ui.runs.train_dock import TrainDock
from tomoscribe.ui.session import Session
from tomoscribe.ui.widgets import hint

DOCKS = (
    ProjectDock, AnnotateDock, TrainDock, CompareDock, RunsDock, RunStrip, MembranePanel,
    ExportDialog,
)  # fmt: skip
CONTROLS = (
    QAbstractButton, QComboBox, QSlider, QAbstractSpinBox, QLineEdit, QAbstractItemView,
)  # fmt: skip
OF_QT = ("qt_spinbox_lineedit", "qt_toolbar_ext_button")


def controls(dock: QWidget) -> list[QWidget]:
    """Return what a user can press, choose or type into, without Qt's own parts of them."""
    return [
        widget
        for widget in dock.findChildren(QWidget)
        if isinstance(widget, CONTROLS)
        and not isinstance(widget, QHeaderView)
        and widget.objectName() not in OF_QT
        and widget.metaObject().className() not in ("QTableCornerButton", "QComboBoxListView")
        and not isinstance(widget.parent(), (QLineEdit, QAbstractSpinBox))
    ]


def name(dock: QWidget, widget: QWidget) -> str:
    """Return words by which a developer finds a control."""
    text = getattr(widget, "text", lambda: "")() or getattr(widget, "placeholderText", str)()
    above = " in ".join(
        type(w).__name__ for w in _up(widget, dock) if type(w).__module__.startswith("tomoscribe")
    )
    return f"{type(widget).__name__} '{text}' in {above}"


def _up(widget: QWidget, dock: QWidget) -> Iterator[QWidget]:
    while widget is not dock:
        yield widget
        widget = widget.parentWidget()
    yield dock


def tip(dock: QWidget, widget: QWidget) -> str:
    """Return the tooltip that shows over a control: its own, else that of what it lies in."""
    return next((w.toolTip() for w in _up(widget, dock) if w.toolTip()), "")


def tells_why(widget: QWidget) -> bool:
    """Tell whether a disabled control says something else than what it does."""
    if isinstance(widget, QToolButton) and widget.defaultAction() is not None:
        return bool(widget.toolTip()) and widget.toolTip() != widget.text()
    usual = widget.property("tip")
    return usual is not None and bool(widget.toolTip()) and widget.toolTip() != usual


def closed_above(dock: QWidget, widget: QWidget) -> bool:
    """Tell whether a control is disabled by what it lies in, which then has to say why."""
    return any(not w.isEnabled() and w is not widget and tells_why(w) for w in _up(widget, dock))


@pytest.fixture
def empty_session(viewer: napari.Viewer) -> Session:
    """A viewer in which nothing is open."""
    return Session.of(viewer)


@pytest.fixture
def busy_session(
    session: Session,
    edit_of: Callable[..., Edit],
    fake_worker: FakeWorker,
    process_until: Callable[..., None],
) -> Session:
    """A tomogram with clicks, and a training with scores."""
    process_until(lambda: session.entry is not None, "the tomogram")
    session.edit(edit_of(PLACES_ZYX))
    fake_worker.beat()
    fake_worker.begin()
    fake_worker.train(10)
    fake_worker.validate(0.5)
    fake_worker.preview(gaussians(PLACES_ZYX))
    session.run = fake_worker.run
    return session


def check(dock: QWidget) -> None:
    """Assert that all controls explain themselves and can be reached by Tab."""
    QApplication.processEvents()
    found = controls(dock)
    wrong = [f"{name(dock, w)} has no tooltip" for w in found if not tip(dock, w)]
    wrong += [
        f"{name(dock, w)} is disabled without a reason: {w.toolTip()}"
        for w in found
        if not w.isEnabled() and not tells_why(w) and not closed_above(dock, w)
    ]
    wrong += [
        f"{name(dock, w)} is out of reach for the keyboard"
        for w in found
        if not w.focusPolicy() & Qt.FocusPolicy.TabFocus and w.focusProxy() is None
    ]
    assert found
    assert not wrong, "\n".join(wrong)


def test_where_nothing_is_open(empty_session: Session) -> None:
    for kind in DOCKS:
        check(kind(empty_session))


def test_where_a_training_goes_on(busy_session: Session) -> None:
    for kind in DOCKS:
        check(kind(busy_session))


def luminance(color: str) -> float:
    """Return the relative luminance of `#rrggbb` as WCAG 2.2 defines it."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_hints_are_readable_on_the_theme_and_follow_it(
    qtbot: Callable[..., object], monkeypatch: pytest.MonkeyPatch, theme: str
) -> None:
    label = hint("A quiet line.")
    qtbot.addWidget(label)
    monkeypatch.setattr(get_settings().appearance, "theme", theme)
    label.setStyle(label.style())  # as napari does when the theme changes
    color = label.styleSheet().removeprefix("color: ").removesuffix(";")
    ground = luminance(get_theme(theme).background.as_hex())
    high, low = max(luminance(color), ground), min(luminance(color), ground)
    assert (high + 0.05) / (low + 0.05) >= 4.5
