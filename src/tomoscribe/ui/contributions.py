"""What the manifest names: the reader, the STAR writer, and the samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from napari.utils import progress
from platformdirs import user_data_path
from qtpy.QtWidgets import QApplication

from tomoscribe.coords import Geometry
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import PickColumns, read_picks, write_picks
from tomoscribe.io.registry import kind_of
from tomoscribe.io.volumes import open_volume
from tomoscribe.simulate.project import make_sample_project
from tomoscribe.ui.app import add_docks
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.project.adding import can_open, holds_runs
from tomoscribe.ui.session import Session
from tomoscribe.ui.tomogram_layer import layer_arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomoscribe.project.store import Project

LayerTuple = tuple[Any, ...]
NOTHING_TO_ADD: list[LayerTuple] = [(None,)]
"""napari's sign that a reader did its work without layers of its own."""

PLACEHOLDER = "making the sample …"
"""Empty layer that napari gets until the sample is there: it takes none for an error."""

OURS = {"project", "run", "volume", "picks", "membrane"}
"""Meshes are read by others too; ours are those that come to a viewer with our docks."""


def get_reader(path: str | list[str]) -> Callable[[Any], list[LayerTuple]] | None:
    """Return the reader of a path or of several, None where tomoscribe reads none of it."""
    paths = [path] if isinstance(path, str) else list(path)
    viewer = napari.current_viewer()
    if viewer is None or not Session.exists(viewer):
        return read if all(kind_of(p) in OURS or holds_runs(p) for p in paths) else None
    return read if all(map(can_open, paths)) else None


def read(path: str | list[str]) -> list[LayerTuple]:
    """Open paths in the viewer's session if it has one, else return plain layers.

    Dropping a file on a viewer with tomoscribe's docks, or a project on any, opens it as the
    docks do; scripts that only read a tomogram get an image layer and no project.
    """
    paths = [path] if isinstance(path, str) else list(path)
    viewer = napari.current_viewer()
    ours = [p for p in paths if kind_of(p) in {"project", "run"} or holds_runs(p)]
    if viewer is not None and (Session.exists(viewer) or ours):
        add_docks(viewer)
        Session.of(viewer).open_paths(paths)
        return NOTHING_TO_ADD
    if ours:
        raise TomoscribeError(f"{ours[0]} is a project or a run: open it in a viewer.")
    return [_plain_layer(p) for p in paths]


def _plain_layer(path: str) -> LayerTuple:
    if kind_of(path) == "picks":
        columns = read_picks(path)
        return columns.zyx, {"name": Path(path).stem, "size": 10, "symbol": "disc"}, "points"
    if kind_of(path) == "membrane":
        return _plain_membrane(path)
    volume = open_volume(path)
    return volume.data, layer_arguments(volume) | {"name": Path(path).stem}, "image"


def _plain_membrane(path: str) -> LayerTuple:
    """Return a membrane in voxels, with its scores if it has some, else a density near it."""
    from tomoscribe.membranes.membrane import load_membrane

    membrane = load_membrane(path)
    values = membrane.slab.mean(40.0, 40.0) if membrane.scores is None else membrane.scores[0]
    scale = (membrane.voxel_size_A,) * 3
    look = {"name": Path(path).stem, "scale": scale, "units": ("angstrom",) * 3}
    return (membrane.mesh.vertices_zyx, membrane.mesh.faces, values), look, "surface"


def write_star(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a Points layer as STAR with coordinates in voxels; return what was written.

    The layer's scale is the voxel size in Å; it says nothing of the tomogram's shape, so the
    format that counts from the corner is written.
    """
    zyx = np.asarray(data, dtype=np.float64)[:, -3:]
    scale = np.asarray(meta.get("scale", (1.0,) * zyx.shape[1]), dtype=float)[-3:]
    shape = (1, 1, 1) if not len(zyx) else tuple(int(n) for n in np.ceil(zyx.max(axis=0)) + 1)
    features: Any = {} if meta.get("features") is None else meta["features"]
    columns = PickColumns(
        zyx,
        class_names=[str(c) for c in features["class"]] if "class" in features else None,
        scores=np.asarray(features["score"], dtype=float) if "score" in features else None,
    )
    name = str(meta.get("name", "tomogram"))
    geometry = Geometry((shape[0], shape[1], shape[2]), float(scale[-1]))
    write_picks(path, columns, geometry=geometry, tomogram_name=name, flavour="relion3.1")
    return [path]


def sample_folder(kind: str = "particles") -> Path:
    """Return a new folder for a sample project, in the user's data folder."""
    parent = user_data_path("tomoscribe") / "samples"
    number = 1
    while (parent / f"{kind}_{number}").exists():
        number += 1
    return parent / f"{kind}_{number}"


def open_sample() -> list[LayerTuple]:
    """Make the sample with particles in a thread and open it when it is there.

    Raises
    ------
    TomoscribeError
        If there is no viewer.
    """
    return _open_made(
        sample_folder(),
        lambda folder: make_sample_project(folder),
        "Making two small tomograms with particles, a few seconds …",
    )


def open_membrane_sample() -> list[LayerTuple]:
    """Make the sample with membranes in a thread and open it when it is there.

    Raises
    ------
    TomoscribeError
        If there is no viewer.
    """

    def make(folder: Path) -> Project:
        from tomoscribe.simulate.membrane_project import make_membrane_project

        return make_membrane_project(folder)

    return _open_made(
        sample_folder("membranes"),
        make,
        "Making a small tomogram with membranes and meshing them, some ten seconds …",
    )


def open_labels_sample() -> list[LayerTuple]:
    """Make the sample to be segmented in a thread and open it when it is there.

    Raises
    ------
    TomoscribeError
        If there is no viewer.
    """

    def make(folder: Path) -> Project:
        from tomoscribe.simulate.labels_files import make_labels_project

        return make_labels_project(folder)

    return _open_made(sample_folder("labels"), make, "Making a small EM volume, a few seconds …")


def _open_made(folder: Path, make: Callable[[Path], Project], said: str) -> list[LayerTuple]:
    viewer = napari.current_viewer()
    if viewer is None:
        raise TomoscribeError("The sample opens in a viewer: start napari first.")
    add_docks(viewer)
    session = Session.of(viewer)
    # Without a parent it would be collected before it is done.
    background = Background(QApplication.instance())
    connect(background, session.closed, background.close)
    bar = progress(total=0, desc="Making the sample")
    session.status_message.emit(said)
    overlay = viewer.canvas.overlays.text
    overlay.text, overlay.position, overlay.visible = said, "top_center", True

    def made() -> Path:
        make(folder).close()
        return folder

    def end() -> None:
        bar.close()
        overlay.text, overlay.visible = "", False
        background.close()
        background.deleteLater()
        if PLACEHOLDER in viewer.layers:
            viewer.layers.remove(PLACEHOLDER)

    def show(path: Path) -> None:
        end()
        session.change(lambda: session.open_project(path))

    def failed(error: BaseException) -> None:
        end()
        if not isinstance(error, TomoscribeError):
            raise error
        session.status_message.emit(str(error))

    background.run(made, show, failed)
    return [(np.empty((0, 3)), {"name": PLACEHOLDER, "units": ("angstrom",) * 3}, "points")]
