"""A folder of background predictions: a run folder without a training, and with wishes.

`<project>/predictions/<stamp>/` holds `status.json`, `events.jsonl`, `control.json` and `previews/`
as a run does (`docs/run-folder.md`); `control.json` tells what to predict, and for whom.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import msgspec

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_error, write_text_atomic
from tomoscribe.io.voxel_size import VoxelSize
from tomoscribe.training import process
from tomoscribe.training.control import Control
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PREDICTIONS_FOLDER = "predictions"
"""Of a project: where folders of background predictions lie."""

IDLE_S = 300.0
"""A prediction process without a wish ends after so long; importing torch again takes seconds."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint file on a sample.

    Parameters
    ----------
    key : str
        What answers call the checkpoint, `CheckpointRef.key`.
    checkpoint : str
        The file's path.
    sample : str
        Its name; empty where only the checkpoint's own description is wanted.
    volume_path : str
        The tomogram's file or address, or the container of the membrane.
    kind : {"volume", "mesh"}
        What the sample is.
    voxel_size_A : float, (z, y, x) tuple of float or None
        Overrides what the file says.
    tomogram : str or None
        Of a membrane: its tomogram, where somebody knows it better than the container.
    asked : int
        Another number asks for an answer anew, also of what was answered already.
    """

    key: str
    checkpoint: str
    sample: str = ""
    volume_path: str = ""
    kind: Literal["volume", "mesh"] = "volume"
    voxel_size_A: VoxelSize | None = None
    tomogram: str | None = None
    asked: int = 0


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """The process for which predictions are made: they end with it. Pid 0: for nobody."""

    pid: int = 0
    process_started: float = 0.0
    host: str = ""

    @classmethod
    def this(cls) -> Owner:
        """Return this process."""
        pid, started, host = process.this_process()
        return cls(pid=pid, process_started=started, host=host)

    @property
    def is_gone(self) -> bool:
        """Whether it is known to have ended; False for nobody, and for other machines."""
        return self.pid != 0 and process.is_gone(self._status)

    @property
    def lives_here(self) -> bool:
        """Whether it is a process of this machine that goes on."""
        return self.pid != 0 and process.is_here(self._status) and not self.is_gone

    @property
    def _status(self) -> Status:
        return Status(pid=self.pid, process_started=self.process_started, host=self.host)


class PredictionControl(Control, frozen=True, kw_only=True):
    """What the user wants of a prediction process, besides what a `Control` tells.

    Parameters
    ----------
    wishes : list of Wish
        In the order in which they are wanted.
    owner : Owner
        For whom.
    device : str
        auto, cpu, cuda:0, mps.
    threads : int or None
        CPU threads; None: all but one.
    idle_s : float
        Seconds without a wish after which the process ends.
    keep_bytes : int or None
        Bytes that all predictions of the project may take on disk.
    """

    wishes: list[Wish] = msgspec.field(default_factory=list)
    owner: Owner = Owner()
    device: str = "auto"
    threads: int | None = None
    idle_s: float = IDLE_S
    keep_bytes: int | None = None


class PredictionFolder(RunFolder):
    """A folder of background predictions on disk; it is not read before it is asked."""

    @classmethod
    def make(cls, project: Path, control: PredictionControl) -> PredictionFolder:
        """Make a new folder in a project.

        Raises
        ------
        TomoscribeError
            If nothing can be written there.
        """
        above = project / PREDICTIONS_FOLDER
        number = 1
        try:
            above.mkdir(exist_ok=True)
            while True:
                path = above / f"{time.strftime('%Y-%m-%d_%H%M%S')}_{number}"
                try:
                    path.mkdir()
                    break
                except FileExistsError:  # of another viewer
                    number += 1
        except OSError as error:
            raise write_error(above, error) from error
        folder = cls(path)
        first = msgspec.structs.replace(control, revision=1, written=time.time())
        write_text_atomic(folder.control_path, msgspec.json.encode(first).decode())
        return folder

    @property
    def project(self) -> Path:
        """The project's folder."""
        return self.path.parent.parent

    @property
    def exists(self) -> bool:
        """Whether this is a folder of predictions; a deleted one is none."""
        return self.control_path.is_file()

    def control(self) -> PredictionControl:
        """Read what the user wants.

        Raises
        ------
        TomoscribeError
            If the folder cannot be read.
        """
        try:
            return msgspec.json.decode(self.control_path.read_bytes(), type=PredictionControl)
        except (FileNotFoundError, msgspec.DecodeError):
            return PredictionControl()
        except OSError as error:
            raise TomoscribeError(
                f"{self.control_path} cannot be read: {error.strerror}."
            ) from error


def list_folders(project: Path) -> Sequence[PredictionFolder]:
    """Return a project's folders of predictions, oldest first."""
    above = project / PREDICTIONS_FOLDER
    folders = [PredictionFolder(path) for path in above.glob("*")] if above.is_dir() else []
    return sorted((f for f in folders if f.exists), key=lambda f: f.name)
