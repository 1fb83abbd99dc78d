"""The dock Project: what is in the project, what of it trains, and what goes on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QFileDialog, QLineEdit, QVBoxLayout, QWidget

from tomoscribe.project.default_task import VOXEL_TASKS
from tomoscribe.project.model import Role
from tomoscribe.ui import style
from tomoscribe.ui.annotate.save_line import SaveLine
from tomoscribe.ui.connections import connect
from tomoscribe.ui.project.activity import Activity
from tomoscribe.ui.project.activity_line import ActivityLine
from tomoscribe.ui.project.adding import TomogramAdder
from tomoscribe.ui.project.lost_files import LostFilesBanner
from tomoscribe.ui.project.model_line import ModelLine
from tomoscribe.ui.project.project_list import ProjectList
from tomoscribe.ui.project.project_model import ProjectModel
from tomoscribe.ui.project.read_only import READ_ONLY, ReadOnlyBanner
from tomoscribe.ui.project.rows import Order
from tomoscribe.ui.project.voxel_question import VoxelQuestion
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.widgets import DOCK_WIDTH, button, enable, heading, hint, row

if TYPE_CHECKING:
    from qtpy.QtGui import QDragEnterEvent, QDropEvent, QShowEvent

    from tomoscribe.ui.session import Session

EMPTY = (
    "Drop tomograms here, or a folder of them: MRC, REC, TIFF, HDF5, OME-Zarr. The files stay "
    "where they are. A project keeps picks, roles, trainings and models beside them.\n\n"
    "To try it without data: File ▸ Open Sample ▸ tomoscribe."
)
NOTHING_FOUND = "Nothing in the project has this in its name."


class ProjectDock(QWidget):
    """Puts the parts together; takes what is dropped on it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setObjectName("tomoscribe-project")
        self.setStyleSheet(style.FOCUS)
        self.setAcceptDrops(True)
        self.setMinimumWidth(DOCK_WIDTH)
        self.model = ProjectModel(session)
        self.list = ProjectList(session, self.model)
        self.title = heading("")
        self.open = button("Project…", "Open a project's folder", self.ask_project)
        self.add = button(
            "Add…", "Add tomograms to the project; dropping files or folders here does the same",
            self.ask_files,
        )  # fmt: skip
        self.model_line = ModelLine(session)
        self.read_only = ReadOnlyBanner(session)
        self.lost = LostFilesBanner(session)
        self.question = VoxelQuestion(session)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip("Shows what has this in its name; Return goes to the list")
        self.search.textChanged.connect(self._search)
        self.search.returnPressed.connect(self.list.setFocus)
        self.order = QComboBox()
        self.order.setToolTip("By what the tomograms are sorted")
        for order in Order:
            self.order.addItem(str(order), order)
        self.order.activated.connect(lambda _: self.model.sort_by(self.order.currentData()))
        self.help = hint(EMPTY)
        self.help.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        self.help.setStyleSheet(
            f"color: {style.quiet_text()}; border: 1px dashed {style.MUTED}; padding: 16px;"
        )
        self.split = hint()
        self.activity = ActivityLine(session)
        self.messages = SaveLine(session)
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(*(style.SPACING,) * 4)
        column.setSpacing(style.SPACING)
        column.addLayout(row(self.title, self.add, self.open, stretch=0))
        column.addWidget(self.model_line)
        for banner in (self.read_only, self.lost, self.question):
            column.addWidget(banner)
        column.addLayout(row(self.search, self.order, stretch=0))
        column.addWidget(self.help)
        column.addWidget(self.list, 1)
        column.addWidget(self.split)
        column.addWidget(self.activity)
        column.addWidget(self.messages)
        column.addStretch(0)

    def _connect(self) -> None:
        session = self._session
        connect(self, session.project_changed, self.refresh)
        connect(self, session.closed, self._end)
        connect(self, Starter.of(session).changed, self._show_split)
        self.model.modelReset.connect(self.refresh)
        connect(self, self.model.pictures.arrived, self._tell_pictures)
        connect(self, self.model.pictures.idle, self._tell_pictures)
        connect(self, self.lost.moved, self._on_moved)

    # ---------------------------------------------------------------- looking
    def refresh(self) -> None:
        """Show what there is to show."""
        project = self._session.project
        self.title.setText(project.name if project else "No project")
        self.title.setToolTip(str(project.path) if project else "")
        some, shown = bool(project and project.tomograms), bool(self.model.rows)
        for widget in (self.search, self.order):
            widget.setVisible(some)
        self.list.setVisible(shown)
        self.help.setVisible(not shown)
        self.help.setText(NOTHING_FOUND if some else EMPTY)
        self.activity.setVisible(project is not None)
        enable(self.add, READ_ONLY if project and project.read_only else None)
        self._show_split()

    def _show_split(self) -> None:
        """Say what trains and what validates, while somebody sees it."""
        if not self.isVisible():
            return
        project = self._session.project
        self.split.setVisible(bool(project and project.tomograms))
        if project is not None and project.tomograms:
            self.split.setText(split_words(self._session))

    def _tell_pictures(self, *_: object) -> None:
        count = self.model.pictures.waiting
        words = f"{count} picture{'s' * (count != 1)} to make" if count else ""
        Activity.of(self._session).tell("pictures", words)

    def _search(self, text: str) -> None:
        self.model.search(text)

    def _on_moved(self) -> None:
        self.model.pictures.forget()
        self.list.look_again()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Say what may have changed while nobody looked."""
        super().showEvent(event)
        self._show_split()

    # ---------------------------------------------------------------- opening
    def ask_files(self) -> None:
        """Ask for files and add them."""
        names, _ = QFileDialog.getOpenFileNames(self, "Add tomograms", self._start())
        self.take(names)

    def ask_project(self) -> None:
        """Ask for a project's folder and open it."""
        name = QFileDialog.getExistingDirectory(self, "Open a project", self._start())
        self.take([name] if name else [])

    def take(self, paths: list[str]) -> None:
        """Add tomograms and open whatever else was given."""
        if paths:
            TomogramAdder.of(self._session).add(paths)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take files and addresses."""
        if event is not None and event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Add what is dropped."""
        if event is not None:
            event.acceptProposedAction()
            self.take([u.toLocalFile() or u.toString() for u in event.mimeData().urls()])

    def _start(self) -> str:
        project = self._session.project
        return str(project.path.parent) if project else ""

    def _end(self) -> None:
        self.model.close()


def split_words(session: Session) -> str:
    """Return what trains and what validates, for the task that the next training learns."""
    starter = Starter.of(session)
    shares = starter.shares()
    used = {role: sum(s.role is role and s.picks > 0 for s in shares) for role in Role}
    of_labels = starter.task in VOXEL_TASKS
    if not any(s.picks for s in shares):
        return f"No {'labels' if of_labels else 'picks'} yet: nothing would train."
    train, validate = used[Role.TRAIN], used[Role.VALIDATE]
    one = train == 1
    what = "painted tomogram" if of_labels else f"picked {starter.task}"
    trains = f"{train} {what}{'' if one else 's'} train{'s' if one else ''}"
    if validate:
        return f"{trains}, {validate} validate{'s' if validate == 1 else ''}."
    settings, noun = starter.settings, "labels" if of_labels else "picks"
    share = settings.voxels.hold_out_labels if of_labels else settings.hold_out
    held = f"{share:.0%} of the {noun} are held out to measure."
    return f"{trains}; none validates, so {held}"
