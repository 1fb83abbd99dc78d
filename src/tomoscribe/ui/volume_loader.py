"""Brings a volume into the layer `tomogram`; packed and remote ones without stopping the viewer."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QApplication

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.ui.background import Background
from tomoscribe.ui.drawn_later import drawn_later
from tomoscribe.ui.membranes.membrane_shelf import is_small
from tomoscribe.ui.slab import contrast_limits
from tomoscribe.ui.tomogram_layer import hide_volume, is_slow, show_volume

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tomoscribe.io.volumes import Volume
    from tomoscribe.project.model import TomogramEntry
    from tomoscribe.ui.session import Session


class VolumeLoader:
    """Shows one volume at a time; asking for another forgets the one under way."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._background: Background | None = None
        self._opener: Background | None = None
        self.opening: str | None = None

    @property
    def busy(self) -> bool:
        """Whether a volume is still being read."""
        return self._background is not None and self._background.busy

    def show(self, volume: Volume, then: Callable[[], None]) -> None:
        """Show a volume and call `then`.

        What takes long is read in a thread: `then` is called at once, while there is no layer
        `tomogram`, and again when there is one.
        """
        self.drop()
        if not is_slow(volume) or QApplication.instance() is None:
            limits = contrast_limits(volume.data)
            with drawn_later(self._session.viewer):
                self._place(volume, limits)
                then()
            return
        name = PurePosixPath(volume.path).name
        hide_volume(self._session.viewer)
        then()
        verb = "Reading" if "://" in volume.path else "Unpacking"
        self._session.status_message.emit(f"{verb} {name} …")
        if self._background is None:
            self._background = Background(reads_only=True)

        def shown(limits: tuple[float, float]) -> None:
            self._session.status_message.emit("")
            with drawn_later(self._session.viewer):
                self._place(volume, limits)
                then()

        # The contrast needs the first slices, and with them all that is slow.
        self._background.run(lambda: contrast_limits(volume.data), shown, self._failed)

    def open(
        self,
        entry: TomogramEntry,
        then: Callable[[Volume | None], None],
        also: Sequence[Path] = (),
    ) -> None:
        """Open a tomogram's file in a thread and call `then` with it, or with None if it failed.

        A disk that does not answer holds up that thread, not the viewer; another call gets a
        thread of its own. `also` are files that are read right after it: where they are small,
        they are in memory then.
        """
        address, size = entry.address, entry.size
        if QApplication.instance() is None:
            then(open_volume(address, size))
            return
        if self._opener is not None:
            self._opener.close()
        self._opener, self.opening = Background(reads_only=True), entry.name

        def opened() -> Volume:
            volume = open_volume(address, size)
            if not is_slow(volume):
                contrast_limits(volume.data)  # what the first look reads is in memory then
            for path in also:
                if path.is_file() and is_small(path):
                    path.read_bytes()
            return volume

        def done(volume: Volume) -> None:
            self.opening = None
            then(volume)

        def failed(error: BaseException) -> None:
            self.opening = None
            then(None)
            self._failed(error)

        self._opener.run(opened, done, failed)

    def drop(self) -> None:
        """Forget the volume under way."""
        if self._opener is not None:
            self._opener.drop()
            self.opening = None
        if self.busy and self._background is not None:
            self._background.drop()
            self._session.status_message.emit("")

    def close(self) -> None:
        """End the thread."""
        for background in (self._background, self._opener):
            if background is not None:
                background.close()

    def _place(self, volume: Volume, limits: tuple[float, float]) -> None:
        show_volume(self._session.viewer, volume, limits)
        self._session.averaging.start(limits)

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, TomoscribeError):
            raise error
        self._session.status_message.emit(str(error))
