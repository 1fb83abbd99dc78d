"""Writes objects as labels, table, meshes or point clouds: asks where, works in a thread, tells."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtWidgets import QFileDialog, QMenu

from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.connections import connect
from tomoscribe.ui.segments.decoder_words import why_no_objects
from tomoscribe.ui.widgets import hint, scroll_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.segments.object_work import Advance, Measured
    from tomoscribe.ui.segments.segments import Segments
    from tomoscribe.ui.session import Session

LABEL_FILTERS = {
    "TIFF (*.tif)": ".tif",
    "MRC (*.mrc)": ".mrc",
    "HDF5 (*.h5)": ".h5",
    "OME-Zarr (*.zarr)": ".zarr",
}


LOOK_MS = 250
"""Between two looks at how much is written."""


class ObjectExport(QObject):
    """The menu, and the line that tells what is being written, and where it was.

    Attributes
    ----------
    menu : QMenu
        What can be written.
    line : QLabel
        To be laid out near the menu: the viewer's own line is overwritten as the mouse moves.
    """

    def __init__(self, session: Session, segments: Segments, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._segments = segments
        self._window = parent
        self._thread = Background(self)
        self._done = 0.0
        self._refused = False
        self._looking = QTimer(self)
        self._looking.setInterval(LOOK_MS)
        self._looking.timeout.connect(self._show_progress)
        self.line = hint()
        self.line.setTextFormat(Qt.TextFormat.PlainText)
        self.line.hide()
        self.menu = QMenu(parent)
        self.menu.setToolTipsVisible(True)
        for text, tip, call in (
            ("Labels…", "TIFF, MRC, HDF5 or OME-Zarr with the voxel size", self.ask_labels),
            ("Table (CSV)…", "One row an object: sizes in nm, place, box", self.ask_table),
            ("Meshes, PLY…", "One file an object, in nm", partial(self.ask_meshes, "ply")),
            ("Meshes, STL…", "One file an object, in nm", partial(self.ask_meshes, "stl")),
            ("Meshes, OBJ…", "One file an object, in nm", partial(self.ask_meshes, "obj")),
            ("Point clouds, PLY…", "Voxels of each object, in nm", partial(self.ask_points, "ply")),
            ("Point clouds, CSV…", "Voxels of each object, in nm", partial(self.ask_points, "csv")),
        ):
            action = self.menu.addAction(text)
            assert action is not None
            action.setToolTip(tip)
            action.triggered.connect(lambda _=False, call=call: call())
        connect(self, segments.decoded, self._on_decoded)
        connect(self, session.closed, self.close)

    @property
    def busy(self) -> bool:
        """Whether something is being written."""
        return self._thread.busy

    def ask_labels(self) -> None:
        """Ask for a file, and write the label volume."""
        chosen, kind = QFileDialog.getSaveFileName(
            self._window, "Labels", str(self._place("_objects.tif")), ";;".join(LABEL_FILTERS)
        )
        if chosen:
            path = Path(chosen)
            if path.suffix.lower() not in {*LABEL_FILTERS.values(), ".tiff", ".hdf5"}:
                path = path.with_name(path.name + LABEL_FILTERS.get(kind, ".tif"))
            self.run(lambda measured, _: measured.write_labels(path))

    def ask_table(self) -> None:
        """Ask for a file, and write the table."""
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, "Table of objects", str(self._place("_objects.csv")), "CSV (*.csv)"
        )
        if chosen:
            path = Path(chosen)
            path = path if path.suffix else path.with_suffix(".csv")
            self.run(lambda measured, _: measured.write_table(path))

    def ask_meshes(self, kind: str) -> None:
        """Ask for a folder, and write a mesh an object."""
        folder = self._ask_folder("Folder for the meshes")
        if folder is not None:
            self.run(lambda m, advance: m.write_meshes(folder, kind, advance))  # type: ignore[arg-type]

    def ask_points(self, kind: str) -> None:
        """Ask for a folder, and write a point cloud an object."""
        folder = self._ask_folder("Folder for the point clouds")
        if folder is not None:
            self.run(lambda m, advance: m.write_points(folder, kind, advance))  # type: ignore[arg-type]

    def run(self, write: Callable[[Measured, Advance], str]) -> None:
        """Write in the thread; tell how much is written, and at the end what and where."""
        if self.busy:
            self._session.status_message.emit("Something is being written; wait until it is.")
            return
        self.line.hide()  # it is brought into sight anew: the user is at the menu
        measured = self._segments.measured()
        self._refused = measured is None
        if measured is None:
            self.tell(why_no_objects(self._segments) or "No tomogram is in view.")
        else:
            self._done = 0.0
            self.tell("Writing …")
            self._looking.start()
            self._thread.run(lambda: write(measured, self._advance), self.tell, self._failed)

    def tell(self, text: str) -> None:
        """Say something where the user looks."""
        self._looking.stop()
        self._show(text)
        self._session.status_message.emit(text)

    def close(self) -> None:
        """End the thread once it has written."""
        self._looking.stop()
        self._thread.close()

    def _advance(self, share: float) -> None:
        """Note in the thread how much is written."""
        self._done = share

    def _show_progress(self) -> None:
        self._show(f"Writing … {self._done:.0%}" if self._done else "Writing …")

    def _show(self, text: str) -> None:
        in_sight = self.line.isHidden() or not self.line.visibleRegion().isEmpty()
        self.line.setText(text)
        self.line.setToolTip(text)
        self.line.show()
        if in_sight:  # else the user has scrolled away meanwhile
            QTimer.singleShot(0, self._scroll)  # once it is laid out

    def _scroll(self) -> None:
        scroll_to(self.line)

    def _on_decoded(self, *_: object) -> None:
        """Take back that there is nothing to write once there is."""
        if self._refused and self._segments.objects is not None:
            self._refused = False
            self.line.hide()

    def _failed(self, error: BaseException) -> None:
        self.tell(sentence_of(error))

    def _place(self, ending: str) -> Path:
        project, maps = self._session.project, self._segments.maps
        folder = Path.cwd() if project is None else project.path
        return folder / f"{'' if maps is None else maps.sample}{ending}"

    def _ask_folder(self, title: str) -> Path | None:
        chosen = QFileDialog.getExistingDirectory(self._window, title, str(self._place("").parent))
        return Path(chosen) if chosen else None
