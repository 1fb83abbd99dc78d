"""Declares the section in view fully labelled: what is not painted on it is background then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QCheckBox

from tomoscribe.project.model import Region
from tomoscribe.ui.annotate.region_layer import EDGE
from tomoscribe.ui.connections import at_end, connect
from tomoscribe.ui.project.read_only import READ_ONLY
from tomoscribe.ui.widgets import enable

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.session import Session

TIP = "What you have not painted on this section is background. The box is listed below."


def section_region(z: int, shape_zyx: tuple[int, ...]) -> Region:
    """Return the region that is one whole section."""
    _, height, width = shape_zyx
    return Region((z - EDGE, -EDGE, -EDGE), (z + EDGE, height - EDGE, width - EDGE))


class CompleteSection(QCheckBox):
    """Checked where the section in view lies in a region over all of it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("This section is fully labelled", parent)
        self._session = session
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(TIP)
        self.toggled.connect(self._declare)
        connect(self, session.regions_changed, self.refresh)
        connect(self, session.current_changed, self.refresh)
        step = session.viewer.dims.events.current_step
        step.connect(self.refresh)
        at_end(self, lambda: step.disconnect(self.refresh))
        self.refresh()

    @property
    def _here(self) -> Region | None:
        """The section in view as a region; None where z is not the axis across."""
        layer, dims = self._session.layer, self._session.viewer.dims
        if layer is None or self._session.entry is None or 0 not in dims.not_displayed:
            return None
        z = round(float(layer.world_to_data(dims.point)[0]))
        return section_region(z, layer.data.shape)

    def refresh(self, *_: object) -> None:
        """Show what is declared of the section in view."""
        here, project = self._here, self._session.project
        why = None if here else "Show the stack section by section (2D, along z)."
        if project is None or self._session.entry is None:
            why = "Open a tomogram or an image stack first."
        elif project.read_only:
            why = READ_ONLY
        enable(self, why)
        covered = here is not None and any(_covers(r, here) for r in self._session.regions.regions)
        with QSignalBlocker(self):
            self.setChecked(covered)

    def _declare(self, on: bool) -> None:
        here, regions = self._here, self._session.regions.regions
        if here is None:
            return
        if on:
            self._session.set_regions([*regions, here])
            return
        kept = [region for region in regions if not _covers(region, here)]
        for region in (r for r in regions if _covers(r, here)):
            kept += _without(region, here)
        self._session.set_regions(kept)


def _covers(region: Region, section: Region) -> bool:
    pairs = zip(region.lo_zyx, section.lo_zyx, section.hi_zyx, region.hi_zyx, strict=True)
    return all(lo <= a and b <= hi for lo, a, b, hi in pairs)


def _without(region: Region, section: Region) -> list[Region]:
    """Return what of a region over several sections is left without one of them."""
    above = (region.lo_zyx[0], section.lo_zyx[0])
    below = (section.hi_zyx[0], region.hi_zyx[0])
    return [
        Region((lo, *region.lo_zyx[1:]), (hi, *region.hi_zyx[1:]), region.class_names)
        for lo, hi in (above, below)
        if lo < hi
    ]
