"""How every plot of the docks looks: quiet axes, no menus, numbers as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.ui import style

if TYPE_CHECKING:
    import pyqtgraph as pg


def quiet(plot: pg.PlotItem, **labels: str) -> None:
    """Give a plot the look of all plots; `labels` are what stands at `left` and `bottom`."""
    plot.setMenuEnabled(False)
    plot.hideButtons()
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(style.MUTED)
        axis.setTextPen(style.quiet_text())
        axis.enableAutoSIPrefix(False)
        if side in labels:
            plot.setLabel(side, labels[side])
