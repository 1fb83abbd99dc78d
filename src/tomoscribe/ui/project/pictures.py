"""Pictures of the tomograms that are in view, made one after another in a thread."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtGui import QImage, QPixmap

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.thumbnails import thumbnail
from tomoscribe.ui.background import Background

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoscribe.project.model import TomogramEntry
    from tomoscribe.project.thumbnails import Thumbnail

MOST_IN_MEMORY = 500
"""Pictures that are held: some 20 MB as the screen takes them."""


@dataclass(frozen=True)
class Look:
    """What is known of a tomogram's file: its picture, its size, or why it cannot be opened."""

    pixmap: QPixmap | None = None
    shape_zyx: tuple[int, int, int] | None = None
    problem: str = ""


class Pictures:
    """Looks at tomograms; `arrived(name)` tells of each. The newest wishes come first."""

    arrived = Signal(str)
    idle = Signal()

    def __init__(self) -> None:
        self._looks: OrderedDict[tuple[str, float], Look] = OrderedDict()
        self._queue: deque[TomogramEntry] = deque()
        # What it writes is a cache: an unfinished picture is made again.
        self._background = Background(reads_only=True)

    def get(self, entry: TomogramEntry) -> Look | None:
        """Return what is known of a tomogram, None where nobody looked yet."""
        key = _key(entry)
        if key in self._looks:
            self._looks.move_to_end(key)
        return self._looks.get(key)

    @property
    def waiting(self) -> int:
        """Number of tomograms that are still to be looked at."""
        return len(self._queue) + self._background.busy

    def want(self, entries: Iterable[TomogramEntry]) -> None:
        """Look at these next; what was wanted before and is not under way is forgotten."""
        self._queue = deque(e for e in entries if _key(e) not in self._looks)
        self._next()

    def forget(self) -> None:
        """Look again at everything, as files were moved."""
        self._looks.clear()
        self._queue.clear()

    def close(self) -> None:
        """End the thread."""
        self._queue.clear()
        self._background.close()

    def _next(self) -> None:
        if self._background.busy:
            return
        while self._queue and _key(self._queue[0]) in self._looks:
            self._queue.popleft()
        if self._queue:
            self._look_at(self._queue.popleft())
        else:
            self.idle.emit()

    def _look_at(self, entry: TomogramEntry) -> None:
        address, voxel_size_A = _key(entry)

        def done(made: Thumbnail) -> None:
            self._take(entry, Look(_pixmap(made), made.shape_zyx))

        def failed(error: BaseException) -> None:
            # Whatever is wrong with somebody's file, the list goes on without its picture.
            sentence = str(error) if isinstance(error, TomoscribeError) else repr(error)
            self._take(entry, Look(problem=sentence))

        self._background.run(lambda: thumbnail(address, voxel_size_A), done, failed)

    def _take(self, entry: TomogramEntry, look: Look) -> None:
        self._looks[_key(entry)] = look
        if len(self._looks) > MOST_IN_MEMORY:
            self._looks.popitem(last=False)
        self.arrived.emit(entry.name)
        self._next()


def _key(entry: TomogramEntry) -> tuple[str, float]:
    return entry.address, entry.voxel_size_A


def _pixmap(made: Thumbnail) -> QPixmap | None:
    if made.pixels is None:
        return None
    height, width = made.pixels.shape
    pixels = made.pixels.tobytes()  # held until it is copied
    image = QImage(pixels, width, height, width, QImage.Format.Format_Grayscale8)
    return QPixmap.fromImage(image)
