"""The card that says what to do next: how many clicks there are, and what has come of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from tomoscribe.picks.table import HUMAN, PickState
from tomoscribe.project.classes import DEFAULT_CLASS
from tomoscribe.ui import style
from tomoscribe.ui.annotate.meter import Meter
from tomoscribe.ui.connections import connect
from tomoscribe.ui.widgets import button, hint

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

TARGET = 20
"""Clicks asked for: five already find easy particles, twenty hold on noisy tomograms too."""

SIZE = "Enter the voxel size", "All lengths follow from it. It is kept in the project."

NO_ANSWER = "The third click brings a heatmap."

EMPTY = "Drop a tomogram on the viewer, or choose File ▸ Open Sample ▸ tomoscribe."


TOUR_TIP = "Leads through the first five minutes on a sample, beside what is to be done next."


def card_text(
    clicks: int,
    class_name: str | None,
    has_tomogram: bool,
    asking: bool = False,
    has_membrane: bool = False,
    in_3d: bool = False,
) -> tuple[str, str]:
    """Return title and help of the card.

    `asking` is true while a voxel size is asked for, `in_3d` while a membrane is shown in 3D.
    """
    if asking:
        return SIZE
    if not has_tomogram or class_name is None:
        return "Open a tomogram", EMPTY
    title = f"Click {TARGET} particles"
    if class_name != DEFAULT_CLASS:
        title += f" of {class_name}"
    if clicks == 0:
        if in_3d:
            return title, "Click a particle on the membrane. W goes back to slices."
        w = "W shows the membrane in 3D" if has_membrane else "W shows a 3D plane"
        return title, f"Click a particle in the slice, or press Q over it. {w}."
    if clicks < TARGET:
        return (
            title,
            "Scattered clicks on clear examples teach most. Ctrl+Z takes the last one back.",
        )
    return (
        f"{clicks} particles: enough to train",
        "Open the Train tab. More clicks go on making it better.",
    )


def count_clicks(session: Session) -> int:
    """Return how many picks of the active class a person placed, in all tomograms."""
    project, name = session.project, session.active_class
    if project is None or name is None:
        return 0
    return sum(
        len(e.picks.select(class_name=name, state=PickState.ACCEPTED, source=HUMAN))
        for e in project.tomograms.values()
    )


class TaskCard(QFrame):
    """Title, progress, one line of help, and the state of the instant answer."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.title = QLabel()
        self.title.setStyleSheet("font-size: 14px; font-weight: 600;")
        self.title.setWordWrap(True)
        self.progress = Meter(TARGET)
        self.progress.setToolTip("Picks of this class that you placed, in all tomograms")
        self.help = hint()
        self.answer = hint(NO_ANSWER)
        self.tour = button("Take the tour", TOUR_TIP, self._take_tour)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(style.SPACING, style.SPACING, style.SPACING, style.SPACING)
        layout.setSpacing(style.SPACING)
        for widget in (self.title, self.progress, self.help, self.answer, self.tour):
            layout.addWidget(widget)
        for signal in (session.picks_changed, session.class_changed, session.current_changed):
            connect(self, signal, self.refresh)
        connect(self, session.project_changed, self.refresh)
        connect(self, session.pending_changed, self.refresh)
        connect(self, session.membrane_changed, self.refresh)
        connect(self, session.membranes.shown_changed, self.refresh)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the count as it is."""
        clicks = count_clicks(self._session)
        has_tomogram = self._session.entry is not None
        asking = self._session.pending is not None
        title, text = card_text(
            clicks,
            self._session.active_class,
            has_tomogram,
            asking,
            self._session.membrane is not None,
            self._session.membranes.shown,
        )
        self.title.setText(title)
        self.help.setText(text)
        self.progress.setVisible(has_tomogram and clicks < TARGET)
        self.answer.setVisible(has_tomogram)
        self.tour.setVisible(not has_tomogram and not asking)
        self.progress.set_value(clicks)

    def _take_tour(self) -> None:
        start = self._session.actions.get("take_tour")
        if start is not None:  # whoever shows this card without a viewer has no tour
            start()

    def show_answer(self, text: str) -> None:
        """Say what the instant answer is doing, or when there will be one."""
        self.answer.setText(text or NO_ANSWER)
