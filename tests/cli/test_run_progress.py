"""What a training in the foreground says of its plan and of its end."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from tomoscribe.cli.run_progress import _bar
from tomoscribe.tasks.voxels.plan import BY_USER
from tomoscribe.training import events as ev
from tomoscribe.training.follow import Update
from tomoscribe.training.status import State


def _started(reasons: dict[str, str], **plan: object) -> ev.Started:
    return ev.Started(
        time=0.0,
        step=0,
        device="cpu",
        memory_bytes=0,
        precision="float32",
        plan=dict(plan),
        train=["a"],
        validate=[],
        reasons=reasons,
    )


def _told(*shown: ev.Event | Update) -> str:
    text = StringIO()
    with _bar(Console(file=text, width=300), None, "labelled voxels") as bar:
        for each in shown:
            if isinstance(each, Update):
                bar.show_state(each)
            else:
                bar.show(each)
    return text.getvalue()


def test_why_the_network_is_2d_or_3d_is_told_at_the_start_and_what_a_working_voxel_is() -> None:
    reasons = {
        "dimension": "the image has 3 sections only",
        "reduction_zyx": "the thinnest class is 40 pixels across, 20 after averaging",
        "window_zyx": "set by the user; of 8 sections one, as 2d",
    }
    labels = ev.Labels(time=0.0, step=0, used=90, total=120, held_out=30, revision=0, unit="voxels")
    told = _told(_started(reasons, dimension="2d", reduction_zyx=[1, 2, 2]), labels)
    assert "Network 2d: the image has 3 sections only." in told
    assert "A working voxel is the mean of 1 x 2 x 2 voxels (z, y, x): the thinnest" in told
    assert "Window: set by the user; of 8 sections one, as 2d." in told
    assert "labelled working voxels 90/120" in told
    full = _told(_started(reasons, dimension="2d", reduction_zyx=[1, 1, 1]), labels)
    assert "labelled voxels 90/120" in full
    assert "Network" not in _told(_started({}, bin=2))
    assert "Network" not in _told(_started({"dimension": BY_USER}, dimension="3d"))


def test_why_a_run_failed_is_left_to_the_error_that_follows() -> None:
    def update(state: State) -> Update:
        return Update([], None, state, 0.0, None, "The disk is full.")

    assert "The disk is full." not in _told(update(State.FAILED))
    assert "The disk is full." in _told(update(State.RUNNING))
