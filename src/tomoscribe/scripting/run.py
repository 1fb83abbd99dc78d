"""A training for scripts: its state, its curve as arrays, its checkpoints; stop, wait, go on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.scripting.progress import Curve, Progress, advanced
from tomoscribe.scripting.project_frames import by_name
from tomoscribe.training import events as ev
from tomoscribe.training import launch
from tomoscribe.training.follow import RunFollower
from tomoscribe.training.previews import assemble, decode_scores
from tomoscribe.training.run import RunFolder
from tomoscribe.training.setting_keys import with_values
from tomoscribe.training.status import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray


POLL_S = 0.1
"""Between two looks at a run that is waited for."""


class Run:
    """A training: a folder that any number of scripts and viewers may watch and steer.

    Parameters
    ----------
    path : str or Path
        The run's folder.

    Examples
    --------
    >>> run = tomoscribe.open_run("my_project/runs/2026-11-20_tomogram_001")  # doctest: +SKIP
    >>> run.state, run.curve().scores.max(), run.best_checkpoint  # doctest: +SKIP
    """

    def __init__(self, path: str | Path) -> None:
        self.folder = RunFolder(path)

    def __repr__(self) -> str:
        return f"<Run {self.folder.path}: {self.state}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and self.folder == other.folder

    def __hash__(self) -> int:
        return hash(self.folder)

    @property
    def path(self) -> Path:
        """The folder."""
        return self.folder.path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def task(self) -> str:
        """What is learned: tomogram, membrane, semantic or instance."""
        return self.folder.config().task

    @property
    def state(self) -> str:
        """The state now: starting, queued, running, paused, …, finished, stopped, failed, lost."""
        return str(launch.effective_state(self.folder.status()))

    @property
    def alive(self) -> bool:
        """Whether it goes on, waits or is about to begin."""
        return State(self.state).alive

    def progress(self) -> Progress:
        """Return how far it is."""
        update = RunFollower(self.folder).poll()
        return advanced(Progress(), update)

    def curve(self) -> Curve:
        """Return the learning curve so far."""
        events = self.folder.events()
        steps = [e for e in events if isinstance(e, ev.Step)]
        validations = [e for e in events if isinstance(e, ev.Validation)]
        names = dict.fromkeys(name for v in validations for name in v.metrics)
        nan = float("nan")
        return Curve(
            np.array([e.step for e in steps], np.int64),
            np.array([e.loss for e in steps], np.float64),
            np.array([e.elapsed_s for e in steps], np.float64),
            np.array([e.step for e in validations], np.int64),
            np.array([e.score for e in validations], np.float64),
            {n: np.array([v.metrics.get(n, nan) for v in validations]) for n in names},
        )

    @property
    def checkpoints(self) -> pd.DataFrame:
        """The checkpoints on disk by name, oldest first: step, score, best, path."""
        rows = {c.name: (c.step, c.score, c.best, str(c.path)) for c in self.folder.checkpoints()}
        return by_name(rows, ["step", "score", "best", "path"])

    @property
    def best_checkpoint(self) -> Path:
        """File of the best checkpoint, the last one where none has a score.

        Raises
        ------
        TomoscribeError
            If there is none yet.
        """
        return self.folder.best_checkpoint()

    @property
    def last_checkpoint(self) -> Path:
        """File of the newest checkpoint; raises as `best_checkpoint`."""
        return self.folder.last_checkpoint()

    def preview(
        self, sample: str, checkpoint: str | None = None
    ) -> tuple[NDArray[np.float32], int]:
        """Return what a checkpoint predicted of a sample while it trained.

        Parameters
        ----------
        sample : str
            A tomogram, membrane or image that is previewed: the first that validates, unless asked.
        checkpoint : str, optional
            Its name, `step_000120`; default: the newest preview.

        Returns
        -------
        scores : (class, z, y, x) array of float32
            In 0..1, NaN where nothing is computed yet; of a membrane (class, 1, 1, vertices), of a
            segmentation its maps (map, z, y, x).
        bin : int
            Tomogram voxels along each axis to one voxel of the heatmap.

        Raises
        ------
        TomoscribeError
            If there is no such preview yet.
        """
        events = self.folder.events()
        wanted = [
            e
            for e in events
            if isinstance(e, ev.Preview)
            and e.sample == sample
            and checkpoint in (None, e.checkpoint)
        ]
        if not wanted:
            what = f" by {checkpoint}" if checkpoint else ""
            raise TomoscribeError(f"{self.name} has no preview of '{sample}'{what} yet.")
        newest = wanted[-1]
        path = self.folder.resolve(newest.path)
        z, y, x = newest.shape_zyx
        values = np.zeros((len(newest.class_names), z, y, x), np.uint8)
        if path.is_file():
            values = assemble(path, len(newest.class_names), (z, y, x))
        return decode_scores(values, missing=float("nan")), newest.bin

    # ------------------------------------------------------------------ steering
    def wait(
        self, progress: Callable[[Progress], object] | None = None, timeout: float | None = None
    ) -> Run:
        """Wait until it has ended; an interrupt (Ctrl-C) stops it with a checkpoint.

        Parameters
        ----------
        progress : callable, optional
            Is given a `Progress` whenever something is new, at most ten times a second.
        timeout : float, optional
            Seconds after which to return although it goes on.

        Returns
        -------
        Run
            This run.

        Raises
        ------
        TomoscribeError
            If it failed, or its worker is gone without a word, or its folder.
        KeyboardInterrupt
            After an interrupt, once the training has stopped.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            self._follow(progress, deadline)
        except KeyboardInterrupt:
            try:
                self.stop()
            except KeyboardInterrupt:
                launch.stop(self.folder, timeout=0.0)
            raise
        return self

    def _follow(
        self, progress: Callable[[Progress], object] | None, deadline: float | None
    ) -> None:
        follower, told, failed = RunFollower(self.folder), Progress(), ""
        while True:
            update = follower.poll()
            now = advanced(told, update)
            for event in update.events:
                if isinstance(event, ev.Failed):
                    failed = f"{event.message} {event.hint}".strip()
            if progress is not None and now != told:
                progress(now)
            told = now
            if not update.alive:
                break
            if deadline is not None and time.monotonic() > deadline:
                return
            time.sleep(POLL_S)
        if update.state in (State.FAILED, State.LOST, State.GONE):
            raise TomoscribeError(failed or update.message)

    def stop(self) -> Run:
        """Let it write a checkpoint and end; return when it has."""
        launch.stop(self.folder)
        return self

    def pause(self) -> None:
        """Let it free the device and wait; `unpause` lets it go on."""
        launch.pause(self.folder)

    def unpause(self) -> None:
        """Let it go on after `pause`."""
        launch.resume_in_place(self.folder)

    def resume(
        self,
        *,
        wait: bool = True,
        progress: Callable[[Progress], object] | None = None,
        **settings: object,
    ) -> Run:
        """Go on exactly where it ended, as a new run, which is returned.

        Parameters
        ----------
        wait : bool
            Return when it has ended; otherwise at once.
        progress : callable, optional
            As in `wait`.
        **settings : object
            Settings to change, such as `max_minutes`: in all, with what this run had. Without it
            a run that has used its time up trains as long again.

        Raises
        ------
        TomoscribeError
            If this run is still going on or had those minutes already, a setting does not fit, or
            the training fails.
        """
        with_values(self.folder.config().settings, settings)  # a wrong one is told in one sentence
        child = Run(launch.resume_as_child(self.folder, settings=settings).path)
        return child.wait(progress) if wait else child


def open_run(folder: str | Path) -> Run:
    """Return a training, of this or another process or machine.

    Raises
    ------
    TomoscribeError
        If the folder is no run.
    """
    run = Run(folder)
    run.folder.config()
    return run
