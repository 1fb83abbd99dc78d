"""Which preview comes next, with jobs of two blocks that are recorded instead of computed."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import msgspec
import pytest

from tomoscribe.training.callbacks import previewer
from tomoscribe.training.callbacks.context import Snapshot
from tomoscribe.training.clock import TrainingClock
from tomoscribe.training.control import Control, FocusBox

FOCUS = FocusBox(sample="a", center_zyx=(1, 2, 3), lo_zyx=(1, 0, 0), hi_zyx=(1, 9, 9))


class Bench:
    """A previewer and what it was seen to do: (name, what)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[tuple[str, str]] = []
        self.is_whole = False
        self.samples: list[str] = []
        self.control = Control()
        clock = TrainingClock(1e9)
        clock.start()
        self.context = SimpleNamespace(
            data=SimpleNamespace(samples=[SimpleNamespace(name="a", role="train")]),
            step=2,
            checkpoint_name="newest",
            module=SimpleNamespace(predictor=lambda: None),
            weights=threading.Lock(),
            settings=SimpleNamespace(preview_share=1e9, preview_every_s=600.0),
            steering=SimpleNamespace(
                poll=lambda: self.control, stop_wanted=False, pause_wanted=False
            ),
            clock=clock,
            reporter=None,
            snapshot=None,
        )
        monkeypatch.setattr(previewer, "PreviewJob", self._job)
        monkeypatch.setattr(previewer.Watched, "subject", lambda *_: None)
        monkeypatch.setattr(previewer.Watched, "focus", lambda *_: None)
        self.previewer = previewer.Previewer(self.context)

    def _job(self, reporter: object, predictor: object, **what: object) -> SimpleNamespace:
        name, done = str(what["name"]), self.done
        left = iter([1, 0])
        done.append((name, "begins"))
        self.samples.append(str(what["sample"]))
        job = SimpleNamespace(
            name=name,
            sample=what["sample"],
            began=time.monotonic(),
            finished=False,
            is_whole=self.is_whole,
        )

        def next_block() -> None:
            done.append((name, "block"))
            job.finished = next(left) == 0

        job.next_block = next_block
        job.parts_in_view = lambda: ["slice"]
        job.part_in_view = lambda part: done.append((name, part))
        return job

    def work(self, pieces: int) -> list[tuple[str, str]]:
        """Let so many pieces be made; return what was done."""
        self.done.clear()
        for _ in range(pieces):
            self.previewer.work()
        return list(self.done)

    def validated(self, step: int) -> None:
        self.context.snapshot = Snapshot(f"step_{step}", step, None)  # type: ignore[arg-type]

    def jump(self) -> None:
        revision = self.control.focus_revision + 1
        self.control = msgspec.structs.replace(self.control, focus=FOCUS, focus_revision=revision)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def whole(name: str) -> list[tuple[str, str]]:
    return [(name, "begins"), (name, "block"), (name, "block")]


def test_without_a_checkpoint_the_newest_weights_are_shown_once_in_their_time(
    bench: Bench,
) -> None:
    assert bench.work(9) == [*whole("newest")[:1], ("newest", "slice"), *whole("newest")[1:]]


def test_a_checkpoint_comes_before_weights_in_between_and_is_shown_whole(bench: Bench) -> None:
    bench.work(2)
    bench.validated(7)
    assert bench.work(2) == whole("step_7")[:2]
    bench.validated(8)
    assert bench.work(9) == [("step_7", "block"), *whole("step_8")]


def test_an_unfinished_checkpoint_gives_way_to_the_next_one_only(
    bench: Bench,
) -> None:
    bench.work(1)
    bench.validated(7)
    bench.work(1)
    bench.previewer._stale_s = -1.0
    assert bench.work(1) == [("step_7", "block")]
    bench.validated(8)
    assert bench.work(1) == [("step_8", "begins")]


def test_a_jump_is_answered_by_the_newest_weights_then_the_checkpoint_follows(
    bench: Bench,
) -> None:
    bench.work(9)
    bench.validated(7)
    bench.work(2)
    bench.jump()
    assert bench.work(9) == [("newest", "begins"), ("newest", "slice"), *whole("step_7")]
    bench.jump()
    assert "step_7" not in dict(bench.work(9))


def test_turning_a_membrane_is_no_jump_but_another_membrane_is(bench: Bench) -> None:
    bench.is_whole = True
    bench.context.data.samples.append(SimpleNamespace(name="b", role="train"))
    bench.control = msgspec.structs.replace(bench.control, focus=FOCUS)
    bench.work(9)
    bench.jump()  # the camera moved around the same membrane
    assert bench.work(9) == []
    elsewhere = msgspec.structs.replace(FOCUS, sample="b")
    bench.control = msgspec.structs.replace(bench.control, focus=elsewhere, focus_revision=9)
    assert bench.work(9)[:2] == [("newest", "begins"), ("newest", "slice")]


def test_a_checkpoint_is_shown_on_every_watched_sample_the_one_in_view_first(bench: Bench) -> None:
    bench.context.data.samples.append(SimpleNamespace(name="b", role="train"))
    focus = msgspec.structs.replace(FOCUS, sample="b")
    bench.control = msgspec.structs.replace(bench.control, samples=["a"], focus=focus)
    bench.validated(7)
    bench.work(9)
    assert bench.samples[-2:] == ["b", "a"]
    assert bench.work(5) == []


def test_where_the_user_looks_a_checkpoint_is_shown_though_previews_had_their_share(
    bench: Bench,
) -> None:
    bench.work(2)  # the first answer has cost more than a young training grants
    bench.context.settings.preview_share = 0.0
    assert bench.work(3) == []
    bench.validated(7)
    assert bench.work(9) == whole("step_7")[:2]
    bench.previewer._first_block_s = 60.0  # dear: the next one is not shown before its time
    bench.previewer._stale_s = -1.0
    bench.validated(8)
    assert bench.work(3) == []
