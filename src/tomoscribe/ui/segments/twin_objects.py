"""Objects of side B on the second canvas: those of the section in view."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.segments.decoding import Section, section_of, tells_apart
from tomoscribe.ui.segments.maps_in_view import known_maps
from tomoscribe.ui.segments.objects_layer import ObjectsLayer
from tomoscribe.ui.segments.segments import SOON_MS, Segments

if TYPE_CHECKING:
    from tomoscribe.ui.scores.stored_scores import KnownScores
    from tomoscribe.ui.segments.maps_in_view import MapsInView
    from tomoscribe.ui.session import Session
    from tomoscribe.ui.viewer_bound import ViewerBound


class TwinObjects:
    """Decodes B's maps by the settings of the main canvas, section by section."""

    def __init__(self, session: Session, stage: ViewerBound) -> None:
        self._session = session
        self._segments = Segments.of(session)
        self._layer = ObjectsLayer(stage)
        self._thread = Background(reads_only=True)
        self._maps: MapsInView | None = None
        self._section: Section | None = None
        self._soon = QTimer()
        self._soon.setSingleShot(True)
        self._soon.setInterval(SOON_MS)
        self._soon.timeout.connect(self._decode)
        session.viewer.dims.events.current_step.connect(self._later)
        for signal in (self._segments.changed, self._segments.decoded):
            signal.connect(self._later)

    def follow(self, scores: KnownScores | None, source: str) -> None:
        """Show the objects of these scores, where they are maps of a segmentation."""
        before, self._maps = self._maps, known_maps(self._session, scores, source)
        if self._maps is None:
            self._thread.drop()
            self._layer.clear()
            self._section = None
            return
        if before is None or before.values is not self._maps.values:
            self._layer.forget_sections()
            self._section = None
        self._later()

    def close(self) -> None:
        """Follow nothing any more."""
        self._maps = None
        self._thread.close()
        self._session.viewer.dims.events.current_step.disconnect(self._later)
        for signal in (self._segments.changed, self._segments.decoded):
            signal.disconnect(self._later, missing_ok=True)
        with suppress(RuntimeError):  # Qt may have deleted it with its application
            self._soon.stop()

    def _later(self, *_: object) -> None:
        if self._maps is not None:
            self._soon.start()

    def _decode(self) -> None:
        maps = self._maps
        place = None if maps is None else self._segments.place(maps)
        if maps is None or place is None:
            return
        if self._thread.busy:
            self._soon.start()
            return
        shared = self._segments.settings if maps.is_like(self._segments.maps) else maps.tuned()
        before = self._section
        colors = None if tells_apart(shared) else self._segments.colors_of(maps)

        def take(section: Section) -> None:
            self._section = section
            self._layer.set_outlines(self._segments.layer.outlines)
            self._layer.show_section(section, maps.grid, colors)

        self._thread.run(
            lambda: section_of(maps, shared, *place, before=before), take, self._failed
        )

    def _failed(self, error: BaseException) -> None:
        self._layer.clear()
        self._session.status_message.emit(sentence_of(error))
