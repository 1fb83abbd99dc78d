"""The dialog *Make membranes from a segmentation*: a Labels layer or a file to meshes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Labels
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from tomoscribe.errors import TomoscribeError
from tomoscribe.membranes.meshing import AREA_VOXELS2
from tomoscribe.ui import style
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.membranes.meshing_job import Contents, MeshingJob, Source, contents_of
from tomoscribe.ui.project.activity import Activity
from tomoscribe.ui.widgets import button, enable, heading, hint, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomoscribe.membranes.batch import Meshed
    from tomoscribe.project.store import Project
    from tomoscribe.ui.session import Session

LOOK_MS = 100
LIST_HEIGHT = 130
NO_TOMOGRAM = "Open the tomogram first; the density along the normals comes from it."
NO_SOURCE = "Choose a segmentation: a Labels layer or a file."


def edge_of(area_A2: float) -> float:
    """Return the edge in Å of equilateral triangles with this area a vertex."""
    return math.sqrt(2 * area_A2 / math.sqrt(3))


class MeshingForm(QDialog):
    """Makes membranes of the tomogram that is shown, and adds them to the project."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._source: Source | None = None
        self._contents: Contents | None = None
        self._job: MeshingJob | None = None
        self._looker, self._worker = Background(self), Background(self)
        self.setWindowTitle("Make membranes from a segmentation")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(480)
        self.source = QComboBox()
        self.browse = button("File…", "Choose a mask or label volume", self._ask_file)
        self.parts = QListWidget()
        self.parts.setFixedHeight(LIST_HEIGHT)
        self.parts.setToolTip("What will be meshed; labels can be left out.")
        self.surface = QComboBox()
        self.surface.addItem("closed: around both faces, as MemBrain-pick does", "closed")
        self.surface.addItem("middle: one sheet half-way between the faces", "middle")
        self.area = QDoubleSpinBox()
        self.area.setRange(1.0, 100_000.0)
        self.area.setDecimals(0)
        self.area.setSuffix(" Å²")
        self.area.setToolTip("Surface area a vertex: smaller is finer and slower")
        self.edge = hint()
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.progress = QProgressBar()
        self.make = button("Make membranes", "Meshes, and adds them to the project", self.start)
        self.cancel = button("Cancel", "Keeps the meshes so far", self._cancel)
        self.close_button = button("Close", "Close this dialog", self.close)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._lay_out()
        self.area.valueChanged.connect(lambda _: self._show_edge())
        self.source.activated.connect(lambda _: self._choose())
        connect(self, session.current_changed, self.refresh)
        self._offer_layers()
        self.refresh()

    def use(self, source: Callable[[], Source]) -> None:
        """Look at a segmentation, in a thread."""
        self._source = self._contents = None
        self.parts.clear()
        self._say("Looking what is in it …")
        self.refresh()

        def look() -> tuple[Source, Contents]:
            opened = source()
            return opened, contents_of(opened)

        self._looker.run(look, self._take_contents, self._failed)

    def start(self) -> None:
        """Mesh what is chosen."""
        source, volume, project = self._source, self._session.volume, self._session.project
        if source is None or volume is None or project is None:
            return
        only = self._chosen_labels()
        self._job = MeshingJob(
            source, volume, project.membranes_dir, self.surface.currentData(),
            self.area.value(), only,
        )  # fmt: skip
        tomogram = self._session.current or ""
        self._timer.start()
        self._worker.run(self._job, lambda made: self._done(made, project, tomogram), self._failed)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show what can be done."""
        entry, busy = self._session.entry, self._job is not None
        if entry is not None and not self.area.property("set"):
            self.area.setValue(AREA_VOXELS2 * entry.voxel_size_A**2)
            self.area.setProperty("set", True)
        self._show_edge()
        why = NO_TOMOGRAM if entry is None else (NO_SOURCE if self._contents is None else None)
        why = why or (self._misfit() if self._other_shape() else None)
        enable(self.make, "Membranes are being made." if busy else why)
        self.cancel.setVisible(busy)
        self.progress.setVisible(busy)
        for widget in (self.source, self.browse, self.parts, self.surface, self.area):
            widget.setEnabled(not busy)
        if why and not busy and not self._looker.busy and not self.message.text():
            self._say(why)

    def _offer_layers(self) -> None:
        labels = [x for x in self._session.viewer.layers if isinstance(x, Labels) and x.ndim == 3]
        for layer in labels:
            self.source.addItem(f"layer {layer.name}", layer)
        self.source.insertItem(0, "choose a layer or a file" if labels else "choose a file", None)
        active = self._session.viewer.layers.selection.active
        self.source.setCurrentIndex(labels.index(active) + 1 if active in labels else 0)
        if self.source.currentIndex() > 0:
            self._choose()

    def _choose(self) -> None:
        chosen = self.source.currentData()
        if isinstance(chosen, Labels):
            self.use(lambda: Source.of_layer(chosen))
        elif isinstance(chosen, Path):
            self.use(lambda: Source.of_file(chosen))

    def _ask_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a segmentation")
        if name:
            self.choose_file(Path(name))

    def choose_file(self, path: Path) -> None:
        """Offer a file, and look at it."""
        self.source.addItem(path.name, path)
        self.source.setCurrentIndex(self.source.count() - 1)
        self._choose()

    def _take_contents(self, found: tuple[Source, Contents]) -> None:
        self._source, self._contents = found
        for part in self._contents.parts:
            item = QListWidgetItem(f"{part.name}   {part.voxels:,} voxels")
            item.setData(Qt.ItemDataRole.UserRole, part.value)
            if part.value is not None:
                item.setCheckState(Qt.CheckState.Checked)
            self.parts.addItem(item)
        for note in self._contents.notes:
            self._list_note(note)
        warning = self._misfit()
        self._say(warning or f"{len(self._contents.parts)} found.", bad=bool(warning))
        self.refresh()

    def _other_shape(self) -> bool:
        source, volume = self._source, self._session.volume
        return (
            source is not None
            and volume is not None
            and source.labels.shape_zyx != volume.shape_zyx
        )

    def _misfit(self) -> str:
        """Return what does not fit the tomogram, before any work is done."""
        source, volume, entry = self._source, self._session.volume, self._session.entry
        if source is None or volume is None or entry is None:
            return ""
        size_A = source.labels.voxel_size_A
        if self._other_shape():
            return (
                f"The segmentation has {_times(source.labels.shape_zyx)} voxels (z y x), the "
                f"tomogram {_times(volume.shape_zyx)}: it must be of this one, at the same binning."
            )
        if size_A is not None and abs(size_A - entry.voxel_size_A) > 0.01 * entry.voxel_size_A:
            return (
                f"The segmentation says {size_A:g} Å a voxel, the tomogram "
                f"{entry.voxel_size_A:g} Å; the tomogram's is used."
            )
        return ""

    def _chosen_labels(self) -> list[int] | None:
        items = [self.parts.item(i) for i in range(self.parts.count())]
        values = [
            (item.data(Qt.ItemDataRole.UserRole), item.checkState())
            for item in items
            if item is not None and item.data(Qt.ItemDataRole.UserRole) is not None
        ]
        chosen = [value for value, state in values if state == Qt.CheckState.Checked]
        return None if len(chosen) == len(values) else chosen

    def _look(self) -> None:
        if self._job is not None:
            self.progress.setValue(round(100 * self._job.share))
            self._say(self._job.words)
            Activity.of(self._session).tell("meshing", f"meshing {self._job.share:.0%}")

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.stop.set()
            enable(self.cancel, "It ends with the mesh under way.")

    def _done(self, made: Meshed, project: Project, tomogram: str) -> None:
        self._end()
        last = None
        self.parts.clear()
        self._source = self._contents = None
        if project is not self._session.project or tomogram not in project.tomograms:
            folder = project.membranes_dir
            self._say(f"The project was closed meanwhile; the membranes lie in {folder}.")
            self.refresh()
            return
        for path, vertices in made.written:
            try:
                last = project.add_membrane(path, tomogram)
            except TomoscribeError as error:
                self._list_note(str(error))
            else:
                self.parts.addItem(f"✓ {last.name}   {vertices:,} vertices")
        for note in made.notes:
            self._list_note(note)
        if last is not None:
            shown = self._session.membrane_name or last.name
            self._session.change(lambda: self._session.set_membrane(shown))
        count = len(made.written)
        self._say(f"{count} membrane{'s' if count != 1 else ''} added. W shows them in 3D.")
        self.refresh()

    def _failed(self, error: BaseException) -> None:
        self._end()
        if not isinstance(error, TomoscribeError | MemoryError):
            raise error
        self._say(str(error), bad=True)
        self.refresh()

    def _end(self) -> None:
        self._timer.stop()
        self._job = None
        Activity.of(self._session).tell("meshing", "")
        enable(self.cancel, None)

    def _list_note(self, note: str) -> None:
        item = QListWidgetItem(f"– {note}")
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        item.setToolTip(note)
        self.parts.addItem(item)

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.message.setText(text)
        self.message.setStyleSheet(f"color: {style.BAD if bad else style.quiet_text()};")

    def _show_edge(self) -> None:
        self.edge.setText(f"vertices about {edge_of(self.area.value()):.0f} Å apart")

    def _lay_out(self) -> None:
        self.parts.setWordWrap(True)
        form = QFormLayout()
        form.setSpacing(style.SPACING)
        form.addRow("Segmentation", row(self.source, self.browse, stretch=0))
        form.addRow("Surface", self.surface)
        form.addRow("Area a vertex", row(self.area, self.edge, stretch=1))
        layout = QVBoxLayout(self)
        layout.setSpacing(2 * style.SPACING)
        layout.addLayout(form)
        layout.addWidget(heading("Found"))
        layout.addWidget(self.parts)
        layout.addWidget(self.message)
        layout.addWidget(self.progress)
        layout.addLayout(row(QWidget(), self.close_button, self.cancel, self.make, stretch=0))

    def done(self, result: int) -> None:
        """End what works in the background with the dialog."""
        if self._job is not None:
            self._job.stop.set()
        self._timer.stop()
        self._looker.close()
        self._worker.close()
        super().done(result)


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
