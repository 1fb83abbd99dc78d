"""Decodes one volume at a time in a thread, tells how far it is, and keeps the newest few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoscribe.ui.background import Background
from tomoscribe.ui.segments.decoding import Objects, objects_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomoscribe.ui.segments.maps_in_view import MapsInView, Settings

KEPT = 2
"""Volumes of objects that stay in memory: A and B are blinked between."""


class _Unwanted(Exception):
    """Ends a decoding that nobody waits for any more."""


class VolumeDecoder:
    """Turns the maps of a volume into objects off the GUI thread.

    Attributes
    ----------
    done : float
        Share 0..1 of the decoding under way.
    """

    def __init__(self) -> None:
        self.done = 0.0
        self._thread = Background(reads_only=True)
        self._known: dict[Any, Objects] = {}
        self._wanted: object = None

    @property
    def busy(self) -> bool:
        """Whether a volume is being decoded."""
        return self._thread.busy

    def known(self, key: object) -> Objects | None:
        """Return what was decoded under this key, if it is still kept."""
        return self._known.get(key)

    def forget(self) -> None:
        """Keep nothing of what was decoded."""
        self._known = {}

    def run(
        self,
        maps: MapsInView,
        settings: Settings,
        key: object,
        take: Callable[[Objects], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Decode a volume in the thread, then `take` it here; one under way is given up."""
        ticket = self._wanted = object()
        self.done = 0.0

        def between() -> None:
            if self._wanted is not ticket:
                raise _Unwanted

        def advance(share: float) -> None:
            if self._wanted is ticket:
                self.done = share

        def keep(objects: Objects) -> None:
            if maps.is_final:
                self._known = dict([*self._known.items(), (key, objects)][-KEPT:])
            take(objects)

        self._thread.run(lambda: objects_of(maps, settings, between, advance), keep, failed)

    def drop(self) -> None:
        """Give up what is under way; the thread ends it at its next step."""
        self._wanted = None
        self._thread.drop()

    def close(self) -> None:
        """Decode nothing any more."""
        self._wanted = None
        self._thread.close()
