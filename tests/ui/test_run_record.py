"""What the strip and the docks say follows from a run's events."""

from __future__ import annotations

import math

import msgspec
import pytest

from tomoscribe.training import events as ev
from tomoscribe.training.coverage import Coverage
from tomoscribe.ui.runs.run_record import RunRecord
from tomoscribe.ui.runs.run_words import figures, minutes, sentence

WHOLE = ((0, 0, 0), (4, 8, 8))
"""First voxel and shape of a block that is all of a preview here."""


def validation(step: int, f1: float, threshold: float = 0.4) -> ev.Validation:
    return ev.Validation(time=step, step=step, score=f1, metrics={"f1": f1, "threshold": threshold})


def preview(name: str, step: int, sample: str = "a") -> ev.Preview:
    return ev.Preview(
        time=step,
        step=step,
        checkpoint=name,
        sample=sample,
        path=f"previews/{name}/{sample}.blocks",
        shape_zyx=[4, 8, 8],
        bin=2,
        class_names=["ribosome"],
    )


def block(
    name: str,
    lo_zyx: tuple[int, ...],
    shape_zyx: tuple[int, ...],
    sample: str = "a",
    offset: int = 0,
) -> ev.Block:
    return ev.Block(
        time=0, step=0, checkpoint=name, sample=sample, offset=offset,
        lo_zyx=list(lo_zyx), shape_zyx=list(shape_zyx),
    )  # fmt: skip


def record_of(*events: ev.Event) -> RunRecord:
    record = RunRecord()
    for event in events:
        record.apply(event)
    return record


def test_the_slider_lists_previews_of_one_tomogram_with_f1_and_kept_weights() -> None:
    record = record_of(
        ev.Step(time=1, step=10, loss=1.0, learning_rate=1e-3, elapsed_s=5.0, budget_s=60.0),
        validation(10, 0.5),
        preview("step_000010", 10), block("step_000010", *WHOLE),
        preview("step_000010", 10, sample="b"), block("step_000010", *WHOLE, sample="b"),
        ev.Checkpoint(time=2, step=10, name="step_000010", path="checkpoints/step_000010.pt"),
        preview("step_000020", 20), block("step_000020", *WHOLE),
    )  # fmt: skip
    first, second = record.previewed("a")
    assert (first.name, first.step, first.elapsed_s) == ("step_000010", 10, 5.0)
    assert first.quality is not None
    assert (first.quality.name, first.quality.value) == ("F1", 0.5)
    assert first.best
    assert first.path == "checkpoints/step_000010.pt"
    assert second.quality is None
    assert second.path is None
    assert len(record.previewed("b")) == 1


def test_previews_of_jumps_are_no_stops_unless_newest_kept_or_in_view() -> None:
    thin = ((0, 0, 0), (4, 4, 8))
    record = record_of(
        preview("whole", 1), block("whole", *thin), block("whole", *WHOLE),
        preview("jump", 2), block("jump", *thin), block("jump", *thin),
        preview("kept", 3), block("kept", *thin),
        ev.Checkpoint(time=3, step=3, name="kept", path="checkpoints/kept.pt"),
        preview("newest", 4), block("newest", *thin),
    )  # fmt: skip
    stops = record.previewed("a")
    assert [(s.name, s.coverage) for s in stops] == [
        ("whole", 1.0), ("kept", 0.5), ("newest", 0.5)
    ]  # fmt: skip
    assert [s.name for s in record.previewed("a", in_view="jump")][1] == "jump"


def test_a_preview_whose_blocks_never_came_is_no_stop() -> None:
    """A mesh, predicted in two blocks of vertices; training ended right after the last notice."""
    first = preview("done", 1), block("done", (0, 0, 0), (1, 1, 501))
    rest = block("done", (0, 0, 501), (1, 1, 502), offset=700)
    announced = msgspec.structs.replace(preview("kept", 2), shape_zyx=[1, 1, 1003], kind="mesh")
    kept = ev.Checkpoint(time=3, step=2, name="kept", path="checkpoints/kept.pt")
    begun = msgspec.structs.replace(first[0], shape_zyx=[1, 1, 1003], kind="mesh")
    record = record_of(begun, first[1])
    assert record.previewed("a")[0].coverage == pytest.approx(0.5, abs=0.01)
    for event in (rest, announced, kept):
        record.apply(event)
    assert [(s.name, s.coverage) for s in record.previewed("a")] == [("done", 1.0)]


def test_coverage_counts_overlapping_blocks_once() -> None:
    coverage = Coverage((40, 60, 60))
    coverage.add((0, 0, 0), (20, 60, 60))
    coverage.add((12, 0, 0), (8, 60, 60))
    assert coverage.share == 0.5
    coverage.add((20, 0, 0), (20, 60, 30))
    assert coverage.share == pytest.approx(0.75, abs=0.02)


def test_the_best_validation_is_sought_only_on_the_same_held_out_clicks() -> None:
    labels = ev.Labels(time=0, used=20, total=20, held_out=4, revision=1)
    more = ev.Labels(time=5, used=26, total=26, held_out=6, revision=2)
    record = record_of(labels, validation(10, 0.9), more, validation(20, 0.7), validation(30, 0.6))
    assert record.best is not None
    assert record.best.step == 20


def test_a_sample_s_own_threshold_goes_before_the_validation_s() -> None:
    record = record_of(
        validation(10, 0.5, threshold=0.3), preview("c10", 10), validation(20, 0.6, threshold=0.6)
    )
    assert record.threshold("c10", "a", "ribosome") == 0.3
    assert record.threshold(None, "a", "ribosome") == 0.6
    record.apply(
        ev.Scores(time=3, step=10, checkpoint="c10", sample="a", path="x.csv", threshold=0.45)
    )
    assert record.threshold("c10", "a", "ribosome") == 0.45


def test_time_left_goes_on_between_steps_and_never_below_zero() -> None:
    record = record_of(
        ev.Step(time=100, step=1, loss=1.0, learning_rate=1e-3, elapsed_s=20.0, budget_s=60.0)
    )
    assert record.remaining_s(105) == 35.0
    assert record.remaining_s(1000) == 0.0
    assert math.isnan(record_of(preview("c", 0), block("c", *WHOLE)).previewed("a")[0].elapsed_s)


def test_words() -> None:
    assert minutes(65) == "1:05"
    assert minutes(3725) == "1:02:05"
    record = record_of(validation(10, 0.5), validation(20, 0.4))
    assert figures(record, None, 0.0) == "F1 0.40 (best 0.50)  ·  newest threshold 0.4"
    assert sentence(None, record).text == ""


def test_without_declared_regions_what_ranks_is_shown_as_an_estimate() -> None:
    def blind(step: int, score: float, recall: float) -> ev.Validation:
        metrics = {"score": score, "recall": recall, "picks": 30.0}
        return ev.Validation(time=step, step=step, score=score, metrics=metrics)

    record = record_of(blind(10, 0.3, 0.7), blind(20, 0.9, 0.6))
    assert [(q.name, q.value) for q in record.qualities] == [("F1 ≈", 0.3), ("F1 ≈", 0.9)]
    assert figures(record, None, 0.0) == "F1 ≈ 0.90 (best 0.90)"


def test_where_f1_is_measured_for_one_class_only_the_mean_is_an_estimate() -> None:
    metrics = {"a/f1": 0.8, "a/score": 0.7, "b/score": 0.4}
    record = record_of(ev.Validation(time=1, step=1, score=0.6, metrics=metrics))
    assert [(q.name, q.value) for q in record.qualities] == [("F1 ≈", 0.6)]


def test_several_classes_have_a_threshold_each_and_one_mean_quality() -> None:
    metrics = {"a/f1": 0.8, "b/f1": 0.4, "a/threshold": 0.3, "b/threshold": 0.6}
    record = record_of(ev.Validation(time=1, step=1, score=0.6, metrics=metrics))
    assert math.isclose(record.qualities[0].value, 0.6)
    assert record.threshold(None, "t", "b") == 0.6
