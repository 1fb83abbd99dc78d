"""What `live.py` sees of the viewer: a heartbeat, the cost of our calls, blocks on their way."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, QTimer

from tomoscribe.training import events as ev
from tomoscribe.training.run import RunFolder
from tomoscribe.ui.background import Background
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.score_feed import ScoreFeed
from tomoscribe.ui.scores.score_map import ScoreMap

if TYPE_CHECKING:
    from collections.abc import Callable

BEAT_MS = 10
Key = tuple[str, int]
"""A block: checkpoint and offset in its log."""


@dataclass
class Jump:
    """A jump to slice `z` at a time (seconds since the epoch)."""

    z: int
    time: float


@dataclass(frozen=True)
class Answer:
    """Seconds from a jump to the control file, its first and its last block, and their pixels."""

    written: float
    first: float
    whole: float
    first_pixels: float
    pixels: float


class Loop:
    """A timer that notes by how much each beat comes late, in seconds."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._last = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        """Begin to note."""
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> None:
        """Note no more."""
        self._timer.stop()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, now - self._last - BEAT_MS / 1000))
        self._last = now


@dataclass
class Probe:
    """Wraps the viewer's entry points into our code; make it before the viewer.

    `calls` holds (wall, CPU) seconds by name; `flushes` when blocks became pixels.
    """

    loop: Loop = field(default_factory=Loop)
    calls: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    latencies: list[float] = field(default_factory=list)
    flushes: dict[Key, float] = field(default_factory=dict)
    jumps: list[Jump] = field(default_factory=list)
    controls: list[tuple[float, Any]] = field(default_factory=list)
    _announced: dict[Key, float] = field(default_factory=dict)
    _reading: list[Key] = field(default_factory=list)
    _arrived: list[Key] = field(default_factory=list)
    _counting: bool = False

    def __post_init__(self) -> None:
        self._time(RunMonitor, "_tick", "ours: the monitor's tick")
        self._wrap(Background, "_deliver", self._deliver)
        self._wrap(ScoreFeed, "take", self._take)
        self._wrap(ScoreFeed, "_read_pending", self._read_pending)
        self._wrap(ScoreFeed, "_write", self._write)
        self._wrap(ScoreMap, "flush", self._flush)
        self._wrap(RunFolder, "write_control", self._write_control)
        self._time_paints()

    def watch_loop(self) -> None:
        """Begin to count: the heartbeat, calls and latencies."""
        self._counting = True
        self.loop.start()

    def answer(self, jump: Jump, run: RunFolder, events: list[ev.Event]) -> Answer | None:
        """Return how a jump was answered; None if the slice was not filled before the next one."""
        later = [j.time for j in self.jumps if j.time > jump.time]
        end = min(later, default=np.inf)
        control = next(((t, f) for t, f in self.controls if jump.time <= t < end), None)
        if control is None:
            return None
        written, focus = control
        previews = {e.checkpoint: e for e in events if isinstance(e, ev.Preview)}
        known: np.ndarray | None = None
        first = None
        keys: list[Key] = []
        for event in events:
            if not isinstance(event, ev.Block) or not written <= event.time < end:
                continue
            preview = previews[event.checkpoint]
            lo, hi = (
                np.clip(np.floor((np.array(edge) - (preview.bin - 1) / 2) / preview.bin), 0, None)
                for edge in (focus.lo_zyx, focus.hi_zyx)
            )
            z = round((focus.center_zyx[0] - (preview.bin - 1) / 2) / preview.bin)
            z = min(z, preview.shape_zyx[0] - 1)
            if known is None:
                known = np.ones(preview.shape_zyx[1:], bool)
                known[int(lo[1]) : int(hi[1]), int(lo[2]) : int(hi[2])] = False
            if not event.lo_zyx[0] <= z < event.lo_zyx[0] + event.shape_zyx[0]:
                continue
            first = first or event.time
            keys.append((event.checkpoint, event.offset))
            y, x = event.lo_zyx[1:]
            known[y : y + event.shape_zyx[1], x : x + event.shape_zyx[2]] = True
            if known.all():
                shown = [t for key in keys if (t := self.flushes.get(key)) is not None]
                if not shown or first is None:
                    return None
                times = (written, first, event.time, min(shown), max(shown))
                return Answer(*(t - jump.time for t in times))
        return None

    # ---- wrappers
    def _wrap(self, owner: type, name: str, wrapper: Callable[..., Any]) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            return wrapper(original, *args, **kwargs)

        setattr(owner, name, wrapped)

    def _time(self, owner: type, name: str, title: str) -> None:
        def timed(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return original(*args, **kwargs)
            finally:
                if self._counting:
                    self.calls[title].append((time.perf_counter() - wall, time.thread_time() - cpu))

        self._wrap(owner, name, timed)

    def _deliver(self, original: Callable[..., Any], background: Background, *args: Any) -> None:
        then = getattr(background._then, "__qualname__", "")
        wall, cpu = time.perf_counter(), time.thread_time()
        original(background, *args)
        if self._counting and then:
            cost = (time.perf_counter() - wall, time.thread_time() - cpu)
            self.calls["ours: " + then.replace(".<locals>", "")].append(cost)

    def _time_paints(self) -> None:
        from napari._vispy.canvas import NapariSceneCanvas

        self._time(NapariSceneCanvas, "_draw_scene", "painting the canvas (software GL)")

    def _take(self, original: Callable[..., Any], feed: ScoreFeed, block: ev.Block) -> None:
        self._announced[(block.checkpoint, block.offset)] = block.time
        original(feed, block)

    def _read_pending(self, original: Callable[..., Any], feed: ScoreFeed) -> None:
        # The feed reads one batch at a time.
        self._reading = [(b.checkpoint, b.offset) for b in feed._pending.values()]
        original(feed)

    def _write(
        self,
        original: Callable[..., Any],
        feed: ScoreFeed,
        grid: object,
        read: object,
        torn: list[ev.Block],
        carried: object,
    ) -> None:
        left = {(b.checkpoint, b.offset) for b in torn}
        self._arrived += [key for key in self._reading if key not in left]
        original(feed, grid, read, torn, carried)

    def _flush(self, original: Callable[..., Any], layer: ScoreMap) -> bool:
        shown: bool = original(layer)
        if shown:
            now = time.time()
            for key in self._arrived:
                self.flushes[key] = now
                if self._counting:
                    self.latencies.append(now - self._announced[key])
            self._arrived = []
        return shown

    def _write_control(self, original: Callable[..., Any], run: RunFolder, **changes: Any) -> Any:
        control = original(run, **changes)
        if "focus" in changes:
            self.controls.append((time.time(), changes["focus"]))
        return control
