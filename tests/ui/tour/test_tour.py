"""The guided tour in the window: it goes on when the user did it, and never stands in the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QRect, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QDockWidget, QWidget
from tests.ui.annotate.conftest import Hands
from tests.ui.conftest import PLACES_ZYX, FakeWorker, gaussians

from tomoscribe.project.store import Project
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State
from tomoscribe.ui.annotate.annotate_dock import AnnotateDock
from tomoscribe.ui.compare.compare_actions import CompareActions
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.export_dialog import ExportDialog
from tomoscribe.ui.keys_overlay import KeysOverlay
from tomoscribe.ui.runs import starter as starter_module
from tomoscribe.ui.runs.train_dock import TrainDock
from tomoscribe.ui.tour.help_menu import TITLE
from tomoscribe.ui.tour.steps import END, STEPS
from tomoscribe.ui.tour.tour import Tour

LEFT = Qt.MouseButton.LeftButton
SHIFT_ZYX = np.array([0.0, 6.0, 8.0])
"""From clicks to proposals of the played worker: none of them is a click."""


def press(button: QAbstractButton) -> None:
    assert button.isEnabled(), button.toolTip()
    QTest.mouseClick(button, LEFT)


def box(widget: QWidget, window: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


@pytest.fixture
def tour(hands: Hands, main: QWidget) -> Tour:
    """The tour, begun by the button of the empty Annotate dock."""
    press(hands.dock.card.tour)
    hands.settle()
    found = main.findChild(Tour)
    assert found is not None
    return found


def test_the_tour_goes_on_with_what_the_user_does(
    tour: Tour,
    hands: Hands,
    main: QWidget,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
    process_until: Callable[..., None],
) -> None:
    workers: list[FakeWorker] = []

    def launch(*_: object, **__: object) -> RunFolder:
        workers.append(FakeWorker(project, f"run_{len(workers)}"))
        return workers[-1].run

    monkeypatch.setattr(starter_module.sweep.launch, "launch", launch)

    def at(name: str) -> None:
        process_until(lambda: tour.step is not None and tour.step.name == name, name)
        hands.settle()

    at("open")
    hands.session.set_project(project)
    at("look")
    hands.key(Qt.Key.Key_W)
    at("click")
    hands.key(Qt.Key.Key_W)
    for place in PLACES_ZYX[:3]:
        hands.click(tuple(place))
    at("train")
    press(main.findChild(TrainDock).train)
    at("watch")
    [worker] = workers
    worker.begin()
    for heights in ([0.7, 0.5, 0.2, 0.1], [0.95, 0.9, 0.8, 0.45]):
        worker.train(10)
        worker.validate(float(np.mean(heights)), threshold=0.05)
        worker.keep(float(np.mean(heights)))
        worker.preview(gaussians(PLACES_ZYX + SHIFT_ZYX, heights))
    at("compare")
    hands.key(Qt.Key.Key_J)
    at("threshold")
    compare, go_on = main.findChild(CompareDock), main.findChild(CompareActions).go_on
    histogram = compare.proposals_panel.histogram
    QTest.mouseClick(histogram, LEFT, pos=QPoint(30, histogram.height() // 2))
    at("review")
    process_until(lambda: compare.review.comparison is not None, "proposals")
    hands.key(Qt.Key.Key_N)
    for key in (Qt.Key.Key_G, Qt.Key.Key_H, Qt.Key.Key_G):
        hands.key(key)
    at("continue")
    worker.beat(State.FINISHED)
    process_until(go_on.isEnabled, "the end of the training")
    press(go_on)
    at("export")
    press(main.findChild(AnnotateDock).export)
    [dialog] = [d for d in main.findChildren(ExportDialog) if d.isVisible()]
    dialog.folder.setText(str(tmp_path / "out"))
    press(dialog.write)
    process_until(lambda: tour.step is None, "the end of the tour")
    dialog.close()
    assert tour.card.title.text() == END[0]
    press(tour.card.next)
    assert main.findChild(Tour) is None


def test_it_can_be_stepped_through_with_buttons_and_keys(
    tour: Tour, hands: Hands, main: QWidget, process_until: Callable[..., None]
) -> None:
    assert not tour.card.back.isEnabled()
    press(tour.card.next)
    assert tour.index == 1
    alt = Qt.KeyboardModifier.AltModifier
    for key, index in ((Qt.Key.Key_N, 2), (Qt.Key.Key_B, 1)):
        hands.key(key, alt)  # Qt shows the button pressed for a moment, then clicks
        process_until(lambda: tour.index == index, f"step {index}")  # noqa: B023
    hands.key(Qt.Key.Key_E, alt)
    process_until(lambda: main.findChild(Tour) is None, "the end")
    assert not any(w.isVisible() for w in main.children() if "tour" in w.objectName())


def test_each_step_is_beside_its_widget_and_inside_the_window(
    tour: Tour, hands: Hands, main: QWidget, project: Project
) -> None:
    hands.session.set_project(project)
    for index in range(len(STEPS)):
        tour._show(index)
        hands.settle()
        tour.look()
        card = tour.card
        inside = main.rect().adjusted(0, main.menuBar().height(), 0, 0)
        assert inside.contains(box(card, main)), STEPS[index].name
        assert card.outline.isVisible(), STEPS[index].name
        if STEPS[index].target != "canvas":
            seen = card.outline.geometry().adjusted(4, 4, -4, -4)
            assert not box(card, main).intersects(seen), STEPS[index].name


def test_a_closed_dock_is_named_and_the_tour_goes_on(
    tour: Tour, hands: Hands, main: QWidget, project: Project, viewer: Any
) -> None:
    hands.session.set_project(project)
    tour._show([s.name for s in STEPS].index("train"))
    dock = main.findChild(TrainDock)
    holder = next(d for d in main.findChildren(QDockWidget) if d.isAncestorOf(dock))
    holder.hide()
    hands.settle()
    tour.look()
    assert "Train" in tour.card.note.text()
    assert not tour.card.outline.isVisible()
    holder.show()
    holder.raise_()
    hands.settle()
    tour.look()
    assert tour.card.note.text() == ""
    hands.session.close_project()
    tour.look()
    press(tour.card.next)
    assert tour.step is not None


def test_a_project_that_is_open_already_is_toured(
    hands: Hands, main: QWidget, project: Project
) -> None:
    hands.session.set_project(project)
    entry = next(a for a in hands.viewer.window.help_menu.actions() if a.text() == TITLE)
    entry.trigger()
    tour = main.findChild(Tour)
    assert tour is not None
    assert tour.step is STEPS[1]
    entry.trigger()
    assert len(main.findChildren(Tour)) == 1


def test_the_entry_of_the_help_menu_outlives_a_rebuilt_menu(hands: Hands) -> None:
    menu = hands.viewer.window.help_menu
    menu.rebuild()
    menu.aboutToShow.emit()
    assert [a.text() for a in menu.actions()].count(TITLE) == 1


@pytest.mark.parametrize("size", [(1280, 800), (900, 560)])
def test_all_keys_fit_into_the_window(hands: Hands, main: QWidget, size: tuple[int, int]) -> None:
    main.resize(*size)
    hands.settle()
    hands.key(Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier)
    overlay = main.findChild(KeysOverlay)
    assert main.rect().contains(overlay.geometry())
    table = overlay.area.widget()
    assert table.width() <= overlay.area.viewport().width()
    if size[0] >= 1280:
        assert overlay.area.verticalScrollBar().maximum() == 0
    QTest.keyClick(hands.native, Qt.Key.Key_Escape)
    assert not overlay.isVisible()
    main.resize(1280, 800)
    hands.settle()
