"""What can be asked of a background prediction: a checkpoint on a sample of a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tomoscribe.errors import TomoscribeError
from tomoscribe.training.prediction_folder import Wish

if TYPE_CHECKING:
    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.project.store import Project
    from tomoscribe.training.checkpoint_ref import CheckpointRef


@dataclass(frozen=True)
class PredictionRequest:
    """A checkpoint on a sample of the project, or its own description only.

    Parameters
    ----------
    ref : CheckpointRef
        What predicts.
    sample : str
        What is predicted; empty where only the checkpoint's description is wanted.
    volume_path : str
        The tomogram's file or address, or the container of the membrane.
    kind : {"volume", "mesh"}
        What the sample is.
    voxel_size_A : float, (z, y, x) tuple of float or None
        Overrides what the file says.
    tomogram : str or None
        Of a membrane: the file of its tomogram, where it is known better than the container knows.
    """

    ref: CheckpointRef
    sample: str = ""
    volume_path: str = ""
    kind: Literal["volume", "mesh"] = "volume"
    voxel_size_A: VoxelSize | None = None
    tomogram: str | None = None

    @classmethod
    def of(cls, project: Project, ref: CheckpointRef, sample: str) -> PredictionRequest:
        """Return the request for a tomogram or a membrane of an opened project.

        Raises
        ------
        TomoscribeError
            If the project has no sample of that name.
        """
        if sample in project.tomograms:
            entry = project.tomograms[sample]
            return cls(ref, sample, entry.address, "volume", entry.size)
        if sample in project.membranes:
            membrane = project.membranes[sample]
            lies_in = project.tomograms.get(membrane.tomogram)
            size = None if lies_in is None else lies_in.voxel_size_A
            address = None if lies_in is None else lies_in.address
            return cls(ref, sample, str(membrane.path), "mesh", size, address)
        raise TomoscribeError(f"The project {project.path} has no tomogram or membrane '{sample}'.")

    def wish(self, asked: int = 0) -> Wish:
        """Return it as the process reads it; `asked` as in `Wish`."""
        return Wish(
            key=self.ref.key,
            checkpoint=str(self.ref.where),
            sample=self.sample,
            volume_path=self.volume_path,
            kind=self.kind,
            voxel_size_A=self.voxel_size_A,
            tomogram=self.tomogram,
            asked=asked,
        )
