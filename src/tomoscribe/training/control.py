"""`control.json`: what the user wants of a worker, replaced atomically, revision by revision."""

from __future__ import annotations

from typing import Literal

import msgspec

Desired = Literal["run", "pause", "stop"]
Point = tuple[float, float, float]


class FocusBox(msgspec.Struct, frozen=True, kw_only=True):
    """Where the user looks: a point and the visible box around it, in voxels of the sample, zyx.

    A thickness of 1 or less along an axis means that one slice across it is in view.
    """

    sample: str
    center_zyx: Point
    lo_zyx: Point
    hi_zyx: Point


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """What the user wants.

    Parameters
    ----------
    revision : int
        Grows with each write; the worker acknowledges it in `status.json`.
    written : float
        Seconds since the epoch on the writer's machine.
    desired : {"run", "pause", "stop"}
        Stop: checkpoint, then exit. Pause: give the device's memory back, wait.
    previews : bool
        Whether previews are made.
    samples : list of str
        Samples to preview; none means the first that validates, else the first that trains.
    focus, focus_revision : FocusBox or None, int
        Where the user looks; a new focus revision is answered at once with the slice in view.
    preview_every_s : float or None
        Seconds between previews; None leaves it to the settings.
    labels_revision : int
        A change makes the worker read the labels again, even if the project says nothing new.
    take_labels : bool
        Whether new labels are taken as they come. Switched on again, all are taken at once.
    """

    revision: int = 0
    written: float = 0.0
    desired: Desired = "run"
    previews: bool = True
    samples: list[str] = msgspec.field(default_factory=list)
    focus: FocusBox | None = None
    focus_revision: int = 0
    preview_every_s: float | None = None
    labels_revision: int = 0
    take_labels: bool = True
