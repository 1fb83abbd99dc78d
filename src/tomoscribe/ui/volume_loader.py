"""Brings a volume into the layer `tomogram`; packed and remote ones without stopping the viewer."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QApplication

from tomoscribe.errors import TomoscribeError
from tomoscribe.ui.background import Background
from tomoscribe.ui.slab import contrast_limits
from tomoscribe.ui.tomogram_layer import hide_volume, is_slow, show_volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomoscribe.io.volumes import Volume
    from tomoscribe.ui.session import Session


class VolumeLoader:
    """Shows one volume at a time; asking for another forgets the one under way."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._background: Background | None = None

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
            self._place(volume, contrast_limits(volume.data))
            then()
            return
        name = PurePosixPath(volume.path).name
        hide_volume(self._session.viewer)
        then()
        verb = "Reading" if "://" in volume.path else "Unpacking"
        self._session.status_message.emit(f"{verb} {name} …")
        if self._background is None:
            self._background = Background()

        def shown(limits: tuple[float, float]) -> None:
            self._session.status_message.emit("")
            self._place(volume, limits)
            then()

        # The contrast needs the first slices, and with them all that is slow.
        self._background.run(lambda: contrast_limits(volume.data), shown, self._failed)

    def drop(self) -> None:
        """Forget the volume under way."""
        if self.busy and self._background is not None:
            self._background.drop()
            self._session.status_message.emit("")

    def close(self) -> None:
        """End the thread."""
        if self._background is not None:
            self._background.close()

    def _place(self, volume: Volume, limits: tuple[float, float]) -> None:
        show_volume(self._session.viewer, volume, limits)
        self._session.averaging.start(limits)

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, TomoscribeError):
            raise error
        self._session.status_message.emit(str(error))
