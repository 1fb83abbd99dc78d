"""What a training in the foreground says of its plan and of its end."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.console import Console

from tomoscribe.cli.class_scores import told_of_classes
from tomoscribe.cli.run_progress import _shown_on
from tomoscribe.tasks.voxels.plan import BY_USER
from tomoscribe.training import events as ev
from tomoscribe.training.follow import Update
from tomoscribe.training.run import CheckpointInfo
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


def _told(*events: ev.Event | Update, terminal: bool = True, width: int = 300) -> str:
    text = StringIO()
    console = Console(file=text, width=width, force_terminal=terminal, no_color=True)
    with _shown_on(console, None, "labelled voxels") as shown:
        for each in events:
            if isinstance(each, Update):
                shown.show_state(each)
            else:
                shown.show(each)
    return text.getvalue()


def _update(state: State, message: str = "") -> Update:
    return Update([], None, state, 0.0, None, message)


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
    for terminal in (True, False):
        for state, told in ((State.FAILED, False), (State.RUNNING, True)):
            shown = _told(_update(state, "The disk is full."), terminal=terminal)
            assert ("The disk is full." in shown) is told


def _step(step: int, elapsed_s: float) -> ev.Step:
    return ev.Step(
        time=0, step=step, loss=0.2624, learning_rate=0.1, elapsed_s=elapsed_s, budget_s=60
    )


def _validation(step: int, **metrics: float) -> ev.Validation:
    return ev.Validation(time=0, step=step, score=0.322, metrics={"iou": 0.322, **metrics})


def test_a_file_or_pipe_has_whole_lines_at_each_validation_and_at_the_end() -> None:
    labels = ev.Labels(
        time=0, used=400960, total=501760, held_out=100800, revision=0, unit="voxels"
    )
    shown = (
        *(_started({}, dimension="2d", reduction_zyx=[1, 2, 2]), labels, _update(State.RUNNING)),
        *(_step(90, 30), _validation(90, ap50=0.4), _step(120, 40), _step(187, 60)),
        *(_validation(187, ap50=0.4), ev.Finished(time=0, reason="time")),
        *(_update(State.FINISHED), _update(State.FINISHED)),
    )
    voxels = "labelled working voxels 400960/501760"
    assert _told(*shown, terminal=False, width=80).splitlines()[-3:] == [
        f"50 %  {voxels}  step 90  loss 0.262  IoU+AP 0.322",
        f"100 %  {voxels}  step 187  loss 0.262  IoU+AP 0.322",
        f"finished  {voxels}  step 187  loss 0.262  IoU+AP 0.322",
    ]


def test_the_iou_of_each_class_and_which_was_not_learned_are_told() -> None:
    best = CheckpointInfo("step_000090", Path("a.pt"), 90, 0.322, True)
    counts = {"cell": 4000, "dot": 20}
    events = [
        ev.Labels(time=0, used=9000, total=9000, held_out=0, revision=0, of_class=counts),
        _validation(90, **{"cell/iou": 0.967, "dot/iou": 0.0, "cell/recall": 0.9}),
        _validation(187, **{"cell/iou": 0.9, "dot/iou": 0.1}),
    ]
    of_each, warned = told_of_classes(events, best)
    assert of_each == "IoU by class: cell 0.967, dot 0.000"
    assert warned.startswith("'dot' was not learned, its IoU is 0: it had 20 labelled voxels")
    [of_each] = told_of_classes(
        [_validation(90, labelled=0.1, **{"a/iou": 0.9, "b/iou": 0.8})], best
    )
    assert of_each == "IoU ≈ by class: a 0.900, b 0.800"
    assert told_of_classes([_validation(90)], best) == []
