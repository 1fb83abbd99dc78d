"""*Report*: a page for the lab book of what the dock compares, written into the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QUrl
from qtpy.QtGui import QDesktopServices

from tomoscribe.errors import TomoscribeError
from tomoscribe.ui import style
from tomoscribe.ui.background import Background
from tomoscribe.ui.compare.judge import Judge
from tomoscribe.ui.compare.judge_work import JudgeWork
from tomoscribe.ui.compare.report_work import ReportOrder, report_path, write, write_segments
from tomoscribe.ui.connections import connect
from tomoscribe.ui.segments.segment_judge import SegmentJudge
from tomoscribe.ui.segments.segments import Segments
from tomoscribe.ui.widgets import button, enable, hint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.session import Session

TIP = (
    "Writes a page for the lab book into the project's folder “reports”: pictures, curves and "
    "figures of A and B on what they are judged on, and the settings of their trainings."
)
NOTHING = "There are no scores to report yet: train, or choose checkpoints for A and B."


class ReportButton(QObject):
    """The button `write`, and the line `written` with a link that opens the page."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._judge = Judge.of(session)
        self._segments = Segments.of(session)
        self._segment_judge = SegmentJudge.of(session)
        self._thread = Background(self)
        self.path: Path | None = None
        self.write = button("Report", TIP, self.write_report)
        self.written = hint()
        self.written.setOpenExternalLinks(False)
        self.written.linkActivated.connect(lambda _: self.open())
        self.written.hide()
        connect(self, self._judge.sides.changed, self.refresh)
        connect(self, self._judge.library.changed, self._on_library)
        connect(self, session.project_changed, self.refresh)
        connect(self, self._segments.changed, self.refresh)
        connect(self, session.closed, self._thread.close)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Say whether there is anything to report."""
        if self._thread.busy:
            enable(self.write, "The report is being written.")
        else:
            there = self._segment_judge.order() or self._judge.orders()
            enable(self.write, None if there else NOTHING)

    def write_report(self) -> None:
        """Write the page in a thread."""
        project, segmented = self._session.project, self._segment_judge.order()
        if project is not None and segmented is not None:
            path = report_path(project.path, segmented.refs)
            name = project.name
            self._run(lambda: write_segments(segmented, name, path))
            return
        orders = self._judge.orders()
        if project is None or not orders:
            self._session.status_message.emit(NOTHING)
            return
        refs = self._judge.refs()
        thresholds = {
            (letter, order.particle.name): self._judge.threshold_of(letter, order.particle.name)
            for order in orders
            for letter in refs
        }
        roles = {name: entry.role for name, entry in project.tomograms.items()}
        roles |= {name: membrane.role for name, membrane in project.membranes.items()}
        path = report_path(project.path, refs)
        order = ReportOrder(project.name, path, refs, orders, thresholds, roles)
        self._run(lambda: write(order, JudgeWork()))

    def _run(self, job: Callable[[], Path]) -> None:
        self._thread.run(job, self._on_written, self._on_failed)
        self._say("Writing the report …")
        self.refresh()

    def open(self) -> None:
        """Open the page in the browser."""
        if self.path is not None and not QDesktopServices.openUrl(
            QUrl.fromLocalFile(str(self.path))
        ):
            self._session.status_message.emit(
                f"No browser could be opened; the page is {self.path}"
            )

    def _on_written(self, path: Path) -> None:
        self.path = path
        link = f"<a href='report' style='color: {style.quiet_text()}'>Open it</a>"
        self._say(f"Report written. {link} or find it in {path.parent.name}.")
        self.written.setToolTip(str(path))
        self._session.status_message.emit(f"Report written: {path}")
        self.refresh()

    def _on_failed(self, error: BaseException) -> None:
        if not isinstance(error, (TomoscribeError, OSError)):
            raise error
        self._say("")
        self._session.status_message.emit(str(error))
        self.refresh()

    def _on_library(self, *_: object) -> None:
        self.refresh()

    def _say(self, text: str) -> None:
        self.written.setText(text)
        self.written.setVisible(bool(text))
