"""What lies over each other where a segmentation is in view: objects, scores, a difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tomoscribe.ui.scores.score_feed import ScoreFeed
    from tomoscribe.ui.segments.maps_in_view import MapsInView
    from tomoscribe.ui.segments.objects_layer import ObjectsLayer


class BelowObjects:
    """Shows and hides the map of scores below the objects, and the objects above it."""

    def __init__(self, feed: ScoreFeed, objects: ObjectsLayer) -> None:
        self._feed = feed
        self._objects = objects
        self._wanted: bool | None = None
        self._dressed: bool | None = None
        self._marked = False

    def scores_shown(self, maps: MapsInView | None) -> bool:
        """Whether the map of scores is drawn below the objects.

        Until the user chooses: while it grows, for a young model's scores become no objects.
        """
        if self._wanted is None:
            return maps is None or not maps.is_final
        return self._wanted

    def show_scores(self, on: bool) -> None:
        """Draw the map of scores below the objects, or not; seen with the next `dress`."""
        self._wanted, self._dressed = on, None

    def show_marks(self, on: bool) -> None:
        """Give way to colours that tell what is matched, missed and extra, or show objects."""
        self._marked = on

    def dress(self, maps: MapsInView | None, *, awaited: bool) -> None:
        """Show and hide what lies over each other: a difference is shown alone.

        `awaited` tells that maps of a segmentation are on their way where none are in view.
        """
        volume, difference = self._feed.volume, self._feed.layer.shows_difference
        volume.read_hidden = maps is not None
        volume.show_areas((maps is not None or awaited) and not difference)
        shown, wanted = volume.layer, self.scores_shown(maps) or difference
        if maps is not None and shown is not None and wanted != self._dressed:
            self._dressed = shown.visible = wanted  # once: the user may do otherwise since
            self._objects.fade(wanted)
        self._objects.hide(difference or self._marked)

    def undress(self, *, awaited: bool) -> None:
        """Show scores as by themselves: the segmentation has left the view."""
        volume = self._feed.volume
        volume.read_hidden = False
        volume.show_areas(awaited)
        if volume.layer is not None and self._dressed is False:
            volume.layer.visible = True  # scores of particles are looked at by themselves
        self._dressed = None
