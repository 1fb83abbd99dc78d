"""A project for scripts: tomograms, membranes, classes, picks and regions by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.picks.table import PickState
from tomoscribe.project.classes import class_color
from tomoscribe.project.export import export_picks
from tomoscribe.project.model import ParticleClass, Region, Role
from tomoscribe.scripting.pick_frames import edit_of, frame_of, positions_of
from tomoscribe.scripting.project_frames import class_frame, membrane_frame, tomogram_frame
from tomoscribe.scripting.run import Run
from tomoscribe.training.launch import list_runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from tomoscribe.io.pick_files import Flavour
    from tomoscribe.project.export_file import ExportReport
    from tomoscribe.project.store import Project as Store
    from tomoscribe.scripting.pick_frames import Unit


class Project:
    """A project folder, open for a script. Every change is on the disk when the call returns.

    Get one from `open_project`, `create_project` or `sample_project`, and use it in a `with`
    block: while it is open, the viewer opens it for reading only.

    Attributes
    ----------
    store : tomoscribe.project.store.Project
        What the viewer works on too, with undo and signals.

    Examples
    --------
    >>> import tomoscribe
    >>> with tomoscribe.open_project("my_project") as project:  # doctest: +SKIP
    ...     project.add_picks("TS_01", [[40, 120, 210], [41, 300, 95]], class_name="ribosome")
    ...     project.picks("TS_01")[["z", "y", "x"]]
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def __repr__(self) -> str:
        tomograms, membranes = len(self.store.tomograms), len(self.store.membranes)
        return f"<Project {self.path}: {tomograms} tomograms, {membranes} membranes>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others edit the project; closing twice does nothing."""
        self.store.close()

    @property
    def path(self) -> Path:
        """Folder of the project."""
        return self.store.path

    # ------------------------------------------------------------------ what there is
    @property
    def tomograms(self) -> pd.DataFrame:
        """The tomograms by name: role, voxel_size_A, picks (accepted), membranes, path."""
        return tomogram_frame(self.store)

    @property
    def membranes(self) -> pd.DataFrame:
        """The membranes by name: role, tomogram, picks (accepted), path."""
        return membrane_frame(self.store)

    @property
    def classes(self) -> pd.DataFrame:
        """The particle classes by name: diameter_A, color."""
        return class_frame(self.store)

    @property
    def runs(self) -> list[Run]:
        """The trainings of the project, oldest first."""
        return [Run(info.run.path) for info in list_runs(self.store.runs_dir)]

    @property
    def model(self) -> Path | None:
        """The current model: the checkpoint file that `predict(project, …)` uses; or None."""
        return self.store.model

    def use_model(self, checkpoint: str | Path | None) -> None:
        """Make a checkpoint file the current model, as "Use this one" does; None: none is.

        Raises
        ------
        TomoscribeError
            If there is no such file.
        """
        if checkpoint is not None and not Path(checkpoint).expanduser().is_file():
            raise TomoscribeError(f"There is no checkpoint {checkpoint}.")
        self.store.set_model(checkpoint)

    def read(self, tomogram: str) -> NDArray[np.float32]:
        """Return a tomogram as an array (z, y, x), float32, as it is in the file.

        Raises
        ------
        TomoscribeError
            If there is none of that name, or it cannot be read.
        """
        entry = self.store.tomograms[self._known(tomogram)]
        return open_volume(entry.address, entry.size).read()

    # ------------------------------------------------------------------ adding
    def add_tomogram(
        self,
        path: str | Path,
        name: str | None = None,
        *,
        voxel_size_A: float | None = None,
        role: str = "train",
    ) -> str:
        """Add a tomogram, whose file stays where it is; return its name.

        Parameters
        ----------
        path : str or Path
            MRC, TIFF, HDF5 or OME-Zarr, also an address such as s3://.
        name : str, optional
            Name in the project; default: the file's, made unique.
        voxel_size_A : float, optional
            Overrides the header, in Å.
        role : {"train", "validate", "unused"}
            What it is used for.

        Raises
        ------
        TomoscribeError
            If it cannot be read, its voxel size is unknown, or the name is taken.
        """
        return self.store.add_tomogram(path, name, voxel_size_A, _role(role)).name

    def add_membrane(
        self, path: str | Path, tomogram: str, name: str | None = None, *, role: str = "train"
    ) -> str:
        """Add a membrane, a container as `tomoscribe mesh` writes it; return its name.

        Raises
        ------
        TomoscribeError
            If it is no container, the tomogram is unknown, or the name is taken.
        """
        return self.store.add_membrane(path, tomogram, name, _role(role)).name

    def add_class(self, name: str, diameter_A: float, color: str | None = None) -> None:
        """Add a particle class with its diameter in Å; its colour as #rrggbb.

        Raises
        ------
        TomoscribeError
            If the name is empty or taken, or the diameter is not above 0.
        """
        color = color or class_color(len(self.store.classes))
        self.store.add_class(ParticleClass(name, float(diameter_A), color))

    def set_role(self, name: str, role: str) -> None:
        """Say what a tomogram or a membrane is used for: train, validate or unused.

        Raises
        ------
        TomoscribeError
            If there is neither of that name, or no such role.
        """
        self.store.set_role(name, _role(role))

    # ------------------------------------------------------------------ picks
    def add_picks(
        self,
        tomogram: str,
        picks: ArrayLike | pd.DataFrame,
        class_name: str | None = None,
        *,
        unit: Unit = "voxel",
    ) -> int:
        """Add picks to a tomogram, in one step of undo; return how many.

        Parameters
        ----------
        tomogram : str
            Its name.
        picks : (N, 3) array_like or DataFrame
            An array is z y x in `unit`, 0 at the first voxel's centre. A frame has the columns
            z y x (voxels) or z_A y_A x_A (Å), and may have class, score, state, source, membrane,
            normal_z normal_y normal_x and angle_deg, as `picks` and `predict` return them.
        class_name : str, optional
            Class of all; default: the frame's column, else the project's only class.
        unit : {"voxel", "angstrom"}
            Of an array.

        Raises
        ------
        TomoscribeError
            If tomogram or class are unknown, a position lies outside of the tomogram, or the
            frame has no positions.
        """
        entry = self.store.tomograms[self._known(tomogram)]
        zyx = positions_of(picks, unit, entry.voxel_size_A)
        shape = open_volume(entry.address, entry.voxel_size_A).shape_zyx
        outside = np.any((zyx < -0.5) | (zyx > np.array(shape) - 0.5), axis=1)
        if outside.any():
            first = ", ".join(f"{v:g}" for v in zyx[np.argmax(outside)])
            raise TomoscribeError(
                f"{int(outside.sum())} of {len(zyx)} picks lie outside of {tomogram} (the first at "
                f"z y x {first}, of {shape} voxels): check the order of the axes and the unit."
            )
        names = [c.name for c in self.store.classes]
        edit = edit_of(entry.picks, zyx, picks, class_name, names)
        if edit.after:
            self.store.edit(tomogram, edit)
        return len(edit.after)

    def remove_picks(self, tomogram: str, ids: Iterable[int]) -> int:
        """Remove picks by their `id`, in one step of undo; return how many.

        Raises
        ------
        TomoscribeError
            If the tomogram or a pick is unknown.
        """
        table = self.store.tomograms[self._known(tomogram)].picks
        wanted = [int(i) for i in ids]
        missing = [i for i in wanted if i not in table]
        if missing:
            raise TomoscribeError(f"{tomogram} has no pick with the id {missing[0]}.")
        if wanted:
            self.store.edit(tomogram, table.make_remove(wanted))
        return len(wanted)

    def picks(
        self,
        tomogram: str | None = None,
        class_name: str | None = None,
        state: str | None = None,
    ) -> pd.DataFrame:
        """Return picks, of all tomograms, classes and review states unless some are named.

        Returns
        -------
        DataFrame
            Columns tomogram, id, class, z y x in voxels of the tomogram (0 at the first voxel's
            centre), score, normal_z normal_y normal_x, angle_deg, state, source, membrane, and
            z_A y_A x_A in Å from the first voxel's centre.

        Raises
        ------
        TomoscribeError
            If there is no such tomogram or state.
        """
        names = list(self.store.tomograms) if tomogram is None else [self._known(tomogram)]
        wanted = None if state is None else _state(state)
        entries = [self.store.tomograms[name] for name in names]
        return frame_of(
            (entry.name, pick, entry.voxel_size_A)
            for entry in entries
            for pick in entry.picks.select(class_name=class_name, state=wanted)
        )

    def declare_complete(
        self,
        tomogram: str,
        lo_zyx: Sequence[float],
        hi_zyx: Sequence[float],
        class_names: Sequence[str] = (),
    ) -> None:
        """Declare a box complete: in it, what is not picked is background.

        Parameters
        ----------
        tomogram : str
            Its name.
        lo_zyx, hi_zyx : sequence of float
            Edges of the box in voxels, z y x, lo <= position < hi.
        class_names : sequence of str
            Classes that are complete; none: all.

        Raises
        ------
        TomoscribeError
            If the tomogram or a class is unknown, or the box is empty.
        """
        entry = self.store.tomograms[self._known(tomogram)]
        lo, hi = (tuple(float(v) for v in edge) for edge in (lo_zyx, hi_zyx))
        if len(lo) != 3 or len(hi) != 3 or not all(a < b for a, b in zip(lo, hi, strict=True)):
            raise TomoscribeError(f"The box from {lo} to {hi} is empty: give z y x, lo below hi.")
        known = [c.name for c in self.store.classes]
        unknown = [name for name in class_names if name not in known]
        if unknown:
            raise TomoscribeError(
                f"The project has no class '{unknown[0]}'; its classes are: "
                f"{', '.join(known) or 'none yet'}."
            )
        self.store.set_regions(tomogram, [*entry.regions, Region(lo, hi, tuple(class_names))])

    def regions(self, tomogram: str) -> list[Region]:
        """Return the boxes that are declared complete in a tomogram."""
        return list(self.store.tomograms[self._known(tomogram)].regions)

    def export_picks(
        self,
        out: str | Path,
        format: Flavour = "relion5",
        *,
        class_names: Sequence[str] | None = None,
        states: Sequence[str] = ("accepted",),
        tomograms: Sequence[str] | None = None,
        min_score: float = 0.0,
    ) -> ExportReport:
        """Write picks as files of another program, and read them back to check.

        Parameters
        ----------
        out : str or Path
            Folder; made if absent.
        format : str
            relion5, relion4, relion3.1, warp, dynamo, imod, copick, csv, …: as `tomoscribe
            export --format`.
        class_names, tomograms : sequence of str, optional
            What is written; default: all.
        states : sequence of str
            Of accepted, proposed, rejected.
        min_score : float
            Picks of a model below it are left out.

        Raises
        ------
        TomoscribeError
            If there is nothing to write, or a file cannot be written.
        """
        return export_picks(
            self.store,
            out,
            format,
            states=[_state(s) for s in states],
            class_names=class_names,
            tomograms=tomograms,
            min_score=min_score,
        )

    def _known(self, tomogram: str) -> str:
        if tomogram not in self.store.tomograms:
            known = ", ".join(self.store.tomograms) or "none yet"
            raise TomoscribeError(
                f"The project {self.path} has no tomogram '{tomogram}'; it has: {known}."
            )
        return tomogram


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        raise TomoscribeError(f"There is no role '{text}': {', '.join(Role)}.") from error


def _state(text: str) -> PickState:
    try:
        return PickState(text)
    except ValueError as error:
        raise TomoscribeError(f"There is no state '{text}': {', '.join(PickState)}.") from error
