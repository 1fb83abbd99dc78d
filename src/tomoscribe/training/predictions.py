"""Background predictions from the side of who wants them: a viewer or a script, without torch."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import events as ev
from tomoscribe.training import process
from tomoscribe.training.errands import Errands
from tomoscribe.training.follow import RunFollower
from tomoscribe.training.prediction_folder import (
    IDLE_S,
    Owner,
    PredictionControl,
    PredictionFolder,
    Wish,
)
from tomoscribe.training.status import State, Status

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.training.control import FocusBox
    from tomoscribe.training.prediction_request import PredictionRequest

WORKER = "tomoscribe.training.predict_worker"

KEEP_BYTES = 2 << 30
"""Disk that predictions of a project may take; a whole tomogram takes about 10 MB a class."""

NOT_KEPT = (
    "The weights of {source} were not kept, so that nothing more can be predicted with them; "
    "choose a checkpoint whose weights are on disk."
)


@dataclass(frozen=True)
class PredictionUpdate:
    """How the background predictions stand.

    Parameters
    ----------
    state : State or None
        Of the process; `LOST` where it died. None: none was needed yet, or it has ended since
        nothing was wanted.
    message : str
        One sentence for the user: what it does, waits for, or what went wrong; empty if there is
        nothing to say.
    waiting : tuple of PredictionRequest
        What is wanted and not done yet, in order.
    refused : mapping of (CheckpointRef, str) to str
        Why a wish cannot be fulfilled, one sentence each, by checkpoint and sample.
    device : str
        Where it predicts, as in `devices.Device.name`; empty where it is not known.
    can_start_again : bool
        The process died, and `start_again` would start another.
    """

    state: State | None
    message: str
    waiting: tuple[PredictionRequest, ...] = ()
    refused: Mapping[tuple[CheckpointRef, str], str] = field(default_factory=dict)
    device: str = ""
    can_start_again: bool = False

    @property
    def busy(self) -> bool:
        """Whether something is being predicted or is about to be."""
        return bool(self.waiting) and not self.can_start_again


class PredictionService:
    """Wishes for background predictions, and how they stand; any thread may call.

    `want` and `look` return at once: files are written, and the process is started, in a thread.
    Each service has a folder and a process of its own, so that two viewers of one project do not
    disturb each other. The scores themselves are found by a `Catalog`.

    Parameters
    ----------
    project_folder : path
        The project's folder; predictions are kept in it.
    device : str
        auto, cpu, cuda:0, mps. A GPU is used only while no training holds it.
    threads : int or None
        CPU threads; None: all but one.
    keep_bytes : int
        Disk that all predictions of the project may take; the oldest are removed first.
    idle_s : float
        Seconds without a wish after which the process ends; a new wish starts another.
    """

    def __init__(
        self,
        project_folder: str | os.PathLike[str],
        device: str = "auto",
        threads: int | None = None,
        *,
        keep_bytes: int = KEEP_BYTES,
        idle_s: float = IDLE_S,
    ) -> None:
        self.project = Path(project_folder).absolute()
        self.folder: PredictionFolder | None = None
        self._options = PredictionControl(
            device=device, threads=threads, keep_bytes=keep_bytes, idle_s=idle_s
        )
        self._requests: dict[tuple[CheckpointRef, str], PredictionRequest] = {}
        self._asked: dict[tuple[CheckpointRef, str], int] = {}
        self._times_asked = 0
        self._answered: set[tuple[CheckpointRef, str]] = set()
        self._refused: dict[tuple[CheckpointRef, str], str] = {}
        self._focus: FocusBox | None = None
        self._focus_told: FocusBox | None = None
        self._follower: RunFollower | None = None
        self._child: Status | None = None
        self._loaded: dict[str, str] = {}
        self._problem = ""
        self._died = ""
        self._closed = False
        self._prepared = True
        self._dirty = False
        self._lock = threading.RLock()
        self._errands = Errands("predictions")

    def want(self, requests: Sequence[PredictionRequest]) -> None:
        """Wish for these, in this order, instead of what was wanted before."""
        with self._lock:
            new = {(r.ref, r.sample): r for r in requests}
            for key in new.keys() - self._requests.keys():
                self._answered.discard(key)
                self._refused.pop(key, None)
                self._ask(key)
            self._asked = {key: self._asked[key] for key in new}
            self._requests = new
        self._write_soon()

    def look(self, focus: FocusBox | None) -> None:
        """Tell where the user looks: the part in view is predicted first."""
        with self._lock:
            if focus == self._focus:
                return
            self._focus = focus
        self._write_soon()

    def prepare(self) -> None:
        """Start the process before anything is wanted: the first answer is seconds earlier."""
        with self._lock:
            self._prepared = False
        self._write_soon()

    def start_again(self) -> None:
        """Start another process for what is still wanted, after one has died."""
        with self._lock:
            self._died = self._problem = ""
            self._answered.clear()
            self._refused.clear()
            for key in self._requests:
                self._ask(key)
        self._write_soon()

    def poll(self) -> PredictionUpdate:
        """Read how the predictions stand; it reads files, so that a viewer calls it in a thread."""
        self._errands.raise_failure()
        with self._lock:
            follower, child = self._follower, self._child
        # Asked before the status is read: who ends in order says so before.
        gone = child is not None and process.is_gone(child)
        update = None if follower is None else follower.poll()
        with self._lock:
            if update is None or follower is not self._follower:
                return self._told(None, "", "")
            for event in update.events:
                self._take(event)
            state, message = update.state, update.message
            if state.alive and gone:
                state = State.LOST
            self._note_end(state, message)
            device = "" if update.status is None else update.status.device
            return self._told(None if state is State.FINISHED else state, message, device)

    def close(self) -> None:
        """Ask the process to end; without an answer it ends with this process."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._errands.run(self._stop)
        self._errands.end()

    def _told(self, state: State | None, message: str, device: str) -> PredictionUpdate:
        waiting, refused = [], dict(self._refused)
        for key, request in self._requests.items():
            if request.ref.file is None:
                refused[key] = NOT_KEPT.format(source=request.ref.source)
            elif key not in self._answered and key not in refused:
                waiting.append(request)
        problem = self._died or self._problem
        return PredictionUpdate(
            state, problem or message, tuple(waiting), refused, device, bool(problem)
        )

    def _ask(self, key: tuple[CheckpointRef, str]) -> None:
        """Want an answer anew: the process may not have seen that it was not wanted meanwhile."""
        self._times_asked += 1
        self._asked[key] = self._times_asked

    def _take(self, event: ev.Event) -> None:
        """Take an answer of the process over."""
        match event:
            case ev.Loaded():
                self._loaded[event.checkpoint] = event.wish
                self._answer(event.wish, "")
            case ev.Scores():
                self._answer(self._loaded.get(event.checkpoint, ""), event.sample)
            case ev.Refused():
                key = self._key(event.wish, event.sample)
                if key is not None:
                    self._refused[key] = event.message
            case ev.Failed():
                self._problem = event.message

    def _answer(self, wish: str, sample: str) -> None:
        key = self._key(wish, sample)
        if key is not None:
            self._answered.add(key)
            self._refused.pop(key, None)

    def _key(self, wish: str, sample: str) -> tuple[CheckpointRef, str] | None:
        return next((k for k in self._requests if k[1] == sample and k[0].key == wish), None)

    def _note_end(self, state: State, message: str) -> None:
        """Let the folder of a process go that has ended; one that died is told."""
        if state.alive:
            return
        if state is State.LOST and self.folder is not None:
            self._died = (
                "The background prediction ended without a word, perhaps for lack of memory; "
                f"start it again, or read {self.folder.log_path}."
            )
        elif state is State.GONE:
            self._died = "The folder of the background predictions is gone; start them again."
        elif state is State.FAILED:
            self._problem = self._problem or message
        self._follower = self._child = self.folder = None
        self._write_soon()  # of wishes that came when it was about to end

    def _write_soon(self) -> None:
        with self._lock:
            if self._closed or self._dirty:
                return
            self._dirty = True
            self._errands.run(self._write)

    def _write(self) -> None:
        """Tell the process what is wanted now, start one if none is there; in the thread."""
        with self._lock:
            self._dirty = False
            wishes = [
                r.wish(self._asked[k]) for k, r in self._requests.items() if r.ref.file is not None
            ]
            todo = any(
                k not in self._answered and k not in self._refused and r.ref.file is not None
                for k, r in self._requests.items()
            )
            focus, folder = self._focus, self.folder
            halted = self._closed or bool(self._died or self._problem)
            idle = folder is None and not todo and self._prepared
            self._prepared = True
        if halted or idle:
            return
        try:
            if folder is None:
                self._start(wishes, focus)
            else:
                changes = {} if focus == self._focus_told else {"focus": focus}
                folder.write_control(wishes=wishes, **changes)
                self._focus_told = focus
        except (TomoscribeError, OSError) as error:
            with self._lock:
                self._problem = f"{error}"

    def _start(self, wishes: list[Wish], focus: FocusBox | None) -> None:
        control = msgspec.structs.replace(
            self._options,
            wishes=wishes,
            focus=focus,
            focus_revision=int(focus is not None),
            owner=Owner.this(),
        )
        folder = PredictionFolder.make(self.project, control)
        threads = self._options.threads
        environment = {"OMP_NUM_THREADS": str(threads)} if threads else {}
        host = process.this_process()[2]
        # Before the process, so that one that never speaks is found lost, not forgotten.
        folder.write_status(
            Status(host=host, heartbeat=time.time(), message="Starting the background prediction.")
        )
        pid = process.start_worker(folder.path, folder.log_path, environment, WORKER)
        try:
            started = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            started = 0.0
        with self._lock:
            self.folder, self._follower = folder, RunFollower(folder)
            self._child = Status(pid=pid, process_started=started, host=host)
            self._focus_told = focus
            self._loaded = {}

    def _stop(self) -> None:
        folder = self.folder
        if folder is not None and folder.exists:
            with suppress(TomoscribeError, OSError):  # it ends with this process anyway
                folder.write_control(desired="stop", wishes=[])
