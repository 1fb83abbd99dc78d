"""Writes objects as labels, table, meshes or point clouds: asks where, works in a thread, tells."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog, QMenu

from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.connections import connect
from tomoscribe.ui.segments.decoder_words import why_no_objects

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.segments.object_work import Measured
    from tomoscribe.ui.segments.segments import Segments
    from tomoscribe.ui.session import Session

LABEL_FILTERS = {
    "TIFF (*.tif)": ".tif",
    "MRC (*.mrc)": ".mrc",
    "HDF5 (*.h5)": ".h5",
    "OME-Zarr (*.zarr)": ".zarr",
}


class ObjectExport(QObject):
    """Emits `said` with a sentence when something was written, or could not be."""

    said = Signal(str)

    def __init__(self, session: Session, segments: Segments, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._segments = segments
        self._window = parent
        self._thread = Background(self)
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
            self.run(lambda measured: measured.write_labels(path))

    def ask_table(self) -> None:
        """Ask for a file, and write the table."""
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, "Table of objects", str(self._place("_objects.csv")), "CSV (*.csv)"
        )
        if chosen:
            path = Path(chosen)
            path = path if path.suffix else path.with_suffix(".csv")
            self.run(lambda measured: measured.write_table(path))

    def ask_meshes(self, kind: str) -> None:
        """Ask for a folder, and write a mesh an object."""
        folder = self._ask_folder("Folder for the meshes")
        if folder is not None:
            self.run(lambda measured: measured.write_meshes(folder, kind))  # type: ignore[arg-type]

    def ask_points(self, kind: str) -> None:
        """Ask for a folder, and write a point cloud an object."""
        folder = self._ask_folder("Folder for the point clouds")
        if folder is not None:
            self.run(lambda measured: measured.write_points(folder, kind))  # type: ignore[arg-type]

    def run(self, write: Callable[[Measured], str]) -> None:
        """Write in the thread; tell what was written."""
        measured = self._segments.measured()
        if measured is None:
            self.tell(why_no_objects(self._segments) or "No tomogram is in view.")
        elif self.busy:
            self.tell("Something is being written; wait until it is.")
        else:
            self.tell("Writing …")
            self._thread.run(lambda: write(measured), self.tell, self._failed)

    def tell(self, text: str) -> None:
        """Say something where the user looks."""
        self.said.emit(text)
        self._session.status_message.emit(text)

    def close(self) -> None:
        """End the thread once it has written."""
        self._thread.close()

    def _failed(self, error: BaseException) -> None:
        self.tell(sentence_of(error))

    def _place(self, ending: str) -> Path:
        project, maps = self._session.project, self._segments.maps
        folder = Path.cwd() if project is None else project.path
        return folder / f"{'' if maps is None else maps.sample}{ending}"

    def _ask_folder(self, title: str) -> Path | None:
        chosen = QFileDialog.getExistingDirectory(self._window, title, str(self._place("").parent))
        return Path(chosen) if chosen else None
