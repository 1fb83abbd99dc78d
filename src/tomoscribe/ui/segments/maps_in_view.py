"""The maps of a segmentation that are in view, with all that turning them into objects needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.segmentation.stored_settings import settings_by_class
from tomoscribe.training.coverage import WHOLE
from tomoscribe.ui.scores.score_map import LIVE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.segmentation.decoder_settings import DecoderSettings, Triple
    from tomoscribe.training.events import Segmented
    from tomoscribe.ui.compare.sides import Sides
    from tomoscribe.ui.runs.monitor import RunMonitor
    from tomoscribe.ui.scores.score_library import ScoreLibrary
    from tomoscribe.ui.scores.score_map import ScoreGrid
    from tomoscribe.ui.scores.stored_scores import KnownScores
    from tomoscribe.ui.session import Session

    Settings = dict[str, DecoderSettings]


@dataclass(frozen=True, eq=False)
class MapsInView:
    """Maps as stored, and what they are of.

    Parameters
    ----------
    source, sample : str
        Whose they are, and on what.
    values : (map, z, y, x) array of uint8
        0 where nothing is computed; blocks may go on being written into it.
    grid : ScoreGrid
        Its `class_names` are the names of the maps.
    segmented : Segmented
        Classes, and the settings that suit the maps.
    voxel_size_zyx_nm : tuple of float
        Of the grid.
    coverage : float
        Share of the volume that is computed.
    live : bool
        They are of a training that goes on.
    weights_kept : bool
        The weights are on disk, so that what is missing can be predicted.
    """

    source: str
    sample: str
    values: NDArray[np.uint8]
    grid: ScoreGrid
    segmented: Segmented
    voxel_size_zyx_nm: Triple
    coverage: float = 1.0
    live: bool = False
    weights_kept: bool = True

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in the order of their maps."""
        return self.segmented.classes

    @property
    def is_final(self) -> bool:
        """Whether the whole volume is predicted, and by weights that stay."""
        return self.coverage >= WHOLE and not self.live

    @property
    def stays_partial(self) -> bool:
        """Whether what is missing of the volume never comes."""
        return not self.live and not self.is_final and not self.weights_kept

    def is_like(self, other: MapsInView | None) -> bool:
        """Tell whether other maps are of the same classes, so that the same settings serve."""
        return (
            other is not None
            and other.grid.class_names == self.grid.class_names
            and other.classes == self.classes
            and other.segmented.instances == self.segmented.instances
        )

    def tuned(self) -> Settings:
        """Return the settings that suit the maps, by class; default ones where none are told."""
        return settings_by_class(
            self.segmented.decoder,
            self.classes,
            self.grid.class_names,
            instances=self.segmented.instances,
            exclusive=self.segmented.exclusive,
            shape_zyx=self.grid.shape_zyx,
            voxel_size_zyx_nm=self.voxel_size_zyx_nm,
        )

    @property
    def is_tuned(self) -> bool:
        """Whether the settings were found on held-out objects, for every class."""
        return all(name in self.segmented.decoder for name in self.classes)


def maps_in_view(
    session: Session, monitor: RunMonitor, sides: Sides, library: ScoreLibrary
) -> MapsInView | None:
    """Return the maps that the main canvas shows; None where it shows no segmentation."""
    feed, image = monitor.feed, session.layer
    content, sample = feed.layer.in_view, feed.sample
    if content is None or content.computed is None or sample is None or image is None:
        return None
    if session.current is None:
        return None  # an image in view whose voxel size is asked for is not the sample
    if feed.layer.shown is LIVE:
        ref, segmented, live = sides.in_view, feed.segmented, monitor.alive
        source, coverage = sides.source or "", 0.0 if live else _coverage(monitor, sample)
    else:
        refs = (sides.in_view, sides.a, sides.b)
        ref = next((r for r in refs if r is not None and r.source == feed.layer.shown), None)
        known = None if ref is None else library.get(ref, sample)
        if ref is None or known is None or known.values is not content.values:
            return None
        segmented, source, live = known.about.segmented, ref.source, False
        coverage = known.coverage
    if segmented is None or not set(segmented.classes) <= set(content.grid.class_names):
        return None
    z, y, x = (float(size) * content.grid.bin / 10 for size in image.scale[-3:])
    kept = ref is None or ref.file is not None
    return MapsInView(
        source, sample, content.values, content.grid, segmented, (z, y, x), coverage, live, kept
    )


def known_maps(session: Session, known: KnownScores | None, source: str) -> MapsInView | None:
    """Return the maps of a checkpoint on the tomogram in view; None where it segments nothing."""
    image, sample = session.layer, session.current
    if known is None or image is None or sample is None or known.about.segmented is None:
        return None
    z, y, x = (float(size) * known.grid.bin / 10 for size in image.scale[-3:])
    segmented, coverage = known.about.segmented, known.coverage
    return MapsInView(source, sample, known.values, known.grid, segmented, (z, y, x), coverage)


def _coverage(monitor: RunMonitor, sample: str) -> float:
    """Return how much of a sample the best covered of a training's last previews fills."""
    shares = [c.share for (_, of), c in monitor.record.coverage.items() if of == sample]
    return max(shares[-2:], default=0.0)
