"""The export dialog: which picks, which format, the first rows, and what came back from disk."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QFont, QFontDatabase, QStandardItem, QStandardItemModel
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_formats import WRITABLE
from tomoscribe.picks.table import PickState
from tomoscribe.project.export import chosen_picks, prepare_export
from tomoscribe.project.export_file import columns_of, export_columns
from tomoscribe.project.raw_samples import volume_geometry
from tomoscribe.ui import style
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.widgets import button, enable, hint, row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomoscribe.io.pick_files import Flavour
    from tomoscribe.picks.table import Pick
    from tomoscribe.project.export_file import ExportReport
    from tomoscribe.project.store import Project
    from tomoscribe.ui.session import Session

FORMATS = WRITABLE
"""Formats that the dialog offers: all that can be written."""
WIDTH = 620
"""Pixels; a row of RELION's STAR fits but for its class."""
PREVIEW_ROWS = 3
PREVIEW_LINES = 6


def first_rows(
    project: Project, picks: dict[str, list[Pick]], flavour: Flavour
) -> Callable[[], tuple[str, ...]]:
    """Return the job that finds the first rows as they will stand in the file.

    It writes a few to a temporary one, so a thread does it. Of a format that is no text, the rows
    are a table of what it holds. `picks` are those of one tomogram at least.
    """
    name = next(iter(picks))
    few = _of_one_class(picks[name], flavour)[:PREVIEW_ROWS]
    address, voxel_size_A = project.tomograms[name].address, project.tomograms[name].voxel_size_A
    sizes_A = {c.name: c.diameter_A for c in project.classes}

    def write() -> tuple[str, ...]:
        with tempfile.TemporaryDirectory() as folder:
            report = export_columns(
                columns_of(few, name, sizes_A),
                Path(folder) / f"preview{FORMATS[flavour].suffix}",
                flavour,
                geometry=volume_geometry(address, voxel_size_A),
                tomogram_name=name,
            )
        return report.first_rows

    return write


def _of_one_class(picks: list[Pick], flavour: Flavour) -> list[Pick]:
    """Return the picks that share the first file."""
    if not FORMATS[flavour].one_class:
        return picks
    return [pick for pick in picks if pick.class_name == picks[0].class_name]


def aligned(rows: Sequence[str]) -> str:
    """Return rows of a table with the columns of a STAR file below each other."""
    cells = [row.split() for row in rows]
    if not cells or len({len(c) for c in cells}) > 1:
        return "\n".join(rows)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in cells
    )


def _bold(font: QFont) -> QFont:
    bold = QFont(font)
    bold.setBold(True)
    return bold


class ExportDialog(QDialog):
    """Writes picks to a folder; stays open to show what was written, which `report` holds."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._previews, self._writer = Background(self), Background(self)
        self.report: ExportReport | None = None
        self.setWindowTitle("Export picks")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(WIDTH)
        self.format = QComboBox()
        self.format.setToolTip(
            "The program that will read the picks; the line below tells the units."
        )
        self._fill_formats()
        self.about_format = hint()
        self.scope = QComboBox()
        self.scope.setToolTip("Picks of which tomograms are written.")
        self.scope.addItems(["all tomograms", "only this tomogram"])
        self.states = {state: QCheckBox(str(state)) for state in PickState}
        for state, box in self.states.items():
            box.setToolTip(f"Writes picks that are {state}.")
        self.states[PickState.ACCEPTED].setChecked(True)
        self.classes = {c.name: QCheckBox(c.name) for c in session.classes}
        for name, box in self.classes.items():
            box.setToolTip(f"Writes picks of the class {name}.")
        self.min_score = QDoubleSpinBox()
        self.min_score.setRange(0.0, 1.0)
        self.min_score.setSingleStep(0.05)
        self.min_score.setToolTip(
            "Leave out picks of a model below this score, 0..1; your own have none and stay."
        )
        self.folder = QLineEdit(str(session.project.path / "export") if session.project else "")
        self.folder.setToolTip("Folder of the written files; it is made where it is not there.")
        self.browse = button("…", "Choose the folder", self._ask_folder)
        self.browse.setFixedWidth(30)
        self.about_rows = hint()
        self.preview = QPlainTextEdit()
        self.outcome = QLabel()
        self.outcome.setWordWrap(True)
        self.write = button("Export", "Write the files and read them back", self.export)
        self.close_button = button("Close", "Close this dialog", self.close)
        self._lay_out()
        self._connect()
        self.refresh()

    def _fill_formats(self) -> None:
        """Offer the formats under the headings of their groups."""
        model = self.format.model()
        assert isinstance(model, QStandardItemModel)
        for group in dict.fromkeys(each.group for each in FORMATS.values()):
            heading = QStandardItem(group)
            heading.setFont(_bold(self.format.font()))
            heading.setFlags(Qt.ItemFlag.NoItemFlags)
            model.appendRow(heading)
            for flavour, each in FORMATS.items():
                if each.group == group:
                    self.format.addItem(each.title, flavour)
                    self.format.setItemData(
                        self.format.count() - 1, each.holds, Qt.ItemDataRole.ToolTipRole
                    )
        self.format.setCurrentIndex(self.format.findData("relion5"))

    def _lay_out(self) -> None:
        for box in self.classes.values():
            box.setChecked(True)
        self.preview.setReadOnly(True)
        self.preview.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.preview.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        line = self.preview.fontMetrics().lineSpacing()
        self.preview.setFixedHeight(PREVIEW_LINES * line + 24)
        form = QFormLayout()
        form.setSpacing(style.SPACING)
        form.addRow("Format", self.format)
        form.addRow("", self.about_format)
        form.addRow("From", self.scope)
        form.addRow("Picks", row(*self.states.values(), QWidget(), stretch=len(self.states)))
        if len(self.classes) > 1:
            form.addRow(
                "Classes", row(*self.classes.values(), QWidget(), stretch=len(self.classes))
            )
        form.addRow("Score at least", self.min_score)
        form.addRow("Folder", row(self.folder, self.browse, stretch=0))
        layout = QVBoxLayout(self)
        layout.setSpacing(2 * style.SPACING)
        layout.addLayout(form)
        layout.addWidget(self.about_rows)
        layout.addWidget(self.preview)
        layout.addWidget(self.outcome)
        layout.addLayout(row(QWidget(), self.close_button, self.write, stretch=0))

    def _connect(self) -> None:
        self.format.currentIndexChanged.connect(self.refresh)
        self.scope.currentIndexChanged.connect(self.refresh)
        self.min_score.valueChanged.connect(self.refresh)
        self.folder.textChanged.connect(self.refresh)
        self.finished.connect(self._end)
        for box in (*self.states.values(), *self.classes.values()):
            box.toggled.connect(self.refresh)

    @property
    def flavour(self) -> Flavour:
        """The chosen format."""
        flavour: Flavour = self.format.currentData()
        return flavour

    @property
    def busy(self) -> bool:
        """Whether rows or files are still being written."""
        return self._previews.busy or self._writer.busy

    def selection(self) -> dict[str, object]:
        """Return the choice of picks as keywords of `chosen_picks`."""
        only_this = self.scope.currentIndex() == 1 and self._session.current is not None
        return {
            "states": [state for state, box in self.states.items() if box.isChecked()],
            "class_names": [name for name, box in self.classes.items() if box.isChecked()],
            "tomograms": [self._session.current] if only_this else None,
            "min_score": self.min_score.value(),
        }

    def refresh(self, *_: object) -> None:
        """Show what an export would write now."""
        chosen = FORMATS[self.flavour]
        self.about_format.setText(f"{chosen.suffix}: {chosen.holds}")
        self.about_rows.setText(
            "First rows, as they will stand in the file:"
            if chosen.rows_in_text
            else "First rows of what the file will hold, in voxels:"
        )
        project = self._session.project
        if project is None:
            enable(self.write, "Open a project first.")
            return
        if self._writer.busy:
            return  # what is being written is shown when it is there
        try:
            picks = chosen_picks(project, **self.selection())  # type: ignore[arg-type]
        except TomoscribeError as error:
            self._refuse(error)
            return
        rows = first_rows(project, picks, self.flavour)
        self._previews.run(rows, self._show_rows, self._refuse)
        count = sum(map(len, picks.values()))
        self._say(f"{count} picks from {len(picks)} tomogram{'s' * (len(picks) > 1)}.", good=None)
        enable(self.write, None if self.folder.text().strip() else "Choose a folder first.")

    def _show_rows(self, rows: Sequence[str]) -> None:
        self.preview.setPlainText(aligned(rows))

    def _refuse(self, error: BaseException) -> None:
        """Say why this choice cannot be written."""
        self._previews.drop()
        sentence = sentence_of(error)
        self.preview.setPlainText("")
        self._say(sentence, good=False)
        enable(self.write, sentence)

    def export(self) -> None:
        """Write the files and read them back, in a thread, and say what came of it."""
        project = self._session.project
        if project is None or self._writer.busy:
            return
        try:
            picks = chosen_picks(project, **self.selection())  # type: ignore[arg-type]
        except TomoscribeError as error:
            self._refuse(error)
            return
        self._previews.drop()
        job = prepare_export(project, self.folder.text(), self.flavour, picks)
        self._writer.run(job, self._written, self._failed)
        self._say("Writing …", good=None)
        self._lock(locked=True)

    def _written(self, report: ExportReport) -> None:
        self._lock(locked=False)
        self.report = report
        self._show_rows(report.first_rows)
        files = "\n".join(str(path) for path in report.paths)
        self._say("\n".join([report.sentence, files, *report.notes]), good=True)

    def _failed(self, error: BaseException) -> None:
        self._lock(locked=False)
        self._say(sentence_of(error), good=False)

    def _lock(self, *, locked: bool) -> None:
        """Let nothing be chosen while files are written."""
        for widget in (self.format, self.scope, self.min_score, self.folder, self.browse,
                       *self.states.values(), *self.classes.values()):  # fmt: skip
            widget.setEnabled(not locked)
        enable(self.write, "The files are being written." if locked else None)

    def _end(self) -> None:
        """Show no answer any more; files under way are written to their end."""
        self._previews.close()
        self._writer.close()

    def _say(self, text: str, *, good: bool | None) -> None:
        color = {True: style.GOOD, False: style.BAD, None: style.quiet_text()}[good]
        self.outcome.setText(text)
        self.outcome.setStyleSheet(f"color: {color};")

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Export to", self.folder.text())
        if name:
            self.folder.setText(name)
