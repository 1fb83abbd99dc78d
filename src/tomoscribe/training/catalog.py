"""Where the scores of checkpoints lie on disk: previews of a project's trainings, and predictions.

It reads events, never weights, so that it costs the viewer little.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tomoscribe.project.file import runs_folder
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.events import Loaded
from tomoscribe.training.followed_folder import FollowedFolder
from tomoscribe.training.prediction_folder import PREDICTIONS_FOLDER, PredictionFolder
from tomoscribe.training.run import RunFolder
from tomoscribe.training.run_summary import ESTIMATED, score_name

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    from tomoscribe.training.events import Segmented
    from tomoscribe.training.file_stamp import FileStamp
    from tomoscribe.training.preview_index import OnSample

CHECK_S = 5.0
"""Files of predictions are looked at this often: whether they are there, and the same."""

# The time by our clock and by the worker's, which may be another machine's, and writing the file.
_ANNOUNCED_WITHIN_S = 600.0

Changed = frozenset[tuple[CheckpointRef, str]]
"""Checkpoints and names of samples."""


@dataclass(frozen=True)
class StoredScores:
    """Scores of a checkpoint on a sample, on disk.

    Parameters
    ----------
    path : Path
        The block log, see `previews.assemble`.
    shape_zyx, bin : (int, int, int), int
        The grid; voxel i of it is centred on tomogram voxel `i * bin + (bin - 1) / 2`. Of a mesh
        (1, 1, vertices) and 1.
    class_names : tuple of str
        In the order of the log's first axis.
    kind : {"volume", "mesh"}
        What the sample is.
    step : int
        Of the optimizer.
    coverage : float
        Share of the grid that is computed, 0..1.
    blocks : int
        Number of records; it grows while more is computed.
    thresholds : dict
        The score that the tool chose, by class name; classes without one are missing.
    picks : Path or None
        The pick list (CSV), once the sample was predicted whole.
    segmented : Segmented or None
        What turns the scores into objects, where they are maps of a segmentation.
    """

    path: Path
    shape_zyx: tuple[int, int, int]
    bin: int
    class_names: tuple[str, ...]
    kind: Literal["volume", "mesh"]
    step: int
    coverage: float
    blocks: int
    thresholds: dict[str, float]
    picks: Path | None = None
    segmented: Segmented | None = None


@dataclass(frozen=True)
class KnownCheckpoint:
    """A checkpoint of which weights or previews are there.

    `time` is when it was written or first previewed, seconds since the epoch; `score` ranks the
    checkpoints of a run, of which one is `best`; `samples` are those with scores on disk;
    `score_name` is for people, `F1` or `F1 ≈`.
    """

    ref: CheckpointRef
    step: int
    time: float
    score: float | None
    best: bool
    samples: tuple[str, ...]
    score_name: str = ESTIMATED


class Catalog:
    """Knows the scores of a project's checkpoints. Any thread may ask while another polls.

    Parameters
    ----------
    project_folder : path
        The project's folder.
    clock : callable
        Seconds, monotonic.
    """

    def __init__(
        self,
        project_folder: str | os.PathLike[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.project = Path(project_folder).absolute()
        self._runs_dir = runs_folder(self.project)
        self._clock = clock
        self._runs: dict[Path, FollowedFolder] = {}
        self._predictions: dict[Path, FollowedFolder] = {}
        self._predicted: dict[Path, dict[tuple[Path, str], Loaded]] = {}
        self._outdated: set[tuple[Path, OnSample]] = set()
        self._checked = -CHECK_S
        self._polling = threading.Lock()
        self._lock = threading.Lock()

    def poll(self) -> Changed:
        """Read what is new; return the checkpoints and samples of which more, or less, is known.

        It reads files, so that a viewer calls it in a thread. The first call reads everything.
        """
        with self._polling:
            runs = map(RunFolder, _folders(self._runs_dir))
            predictions = map(PredictionFolder, _folders(self.project / PREDICTIONS_FOLDER))
            changed = self._follow(self._runs, runs) | self._follow(self._predictions, predictions)
            if self._clock() - self._checked >= CHECK_S:
                self._checked = self._clock()
                changed |= self._check_files()
            return frozenset(changed)

    def find(self, ref: CheckpointRef, sample: str) -> StoredScores | None:
        """Return the most complete scores of a checkpoint on a sample; None where there are none.

        It reads no file.
        """
        with self._lock:
            found = [self._stored(*place, sample) for place in self._places(ref)]
        known = [stored for stored in found if stored is not None]
        return max(known, key=lambda stored: stored.coverage, default=None)

    def checkpoints(self, run: str | os.PathLike[str] | None = None) -> list[KnownCheckpoint]:
        """Return the checkpoints of a run, or of all, by run and step; it reads no file.

        Those without weights are among them where previews tell of them.
        """
        with self._lock:
            chosen = (
                [self._runs[path] for path in sorted(self._runs)]
                if run is None
                else [f for f in [self._runs.get(Path(run).absolute())] if f is not None]
            )
            return [known for folder in chosen for known in self._known(folder)]

    def description(self, ref: CheckpointRef) -> Loaded | None:
        """Return what a checkpoint's file says of itself, if a prediction has read it."""
        with self._lock:
            places = list(self._places(ref))
            found = [f.index.loaded.get(name) for f, name in places]
        return next((loaded for loaded in reversed(found) if loaded is not None), None)

    def metrics(self, ref: CheckpointRef) -> dict[str, float]:
        """Return what the validation of a checkpoint of a run measured; empty if none did."""
        with self._lock:
            run = None if ref.run is None else self._runs.get(ref.run.absolute())
            step = None if run is None else run.index.step_of(ref.name)
            if run is None or step is None:
                return {}
            found = (v for v in reversed(run.index.validations) if v.step == step)
            validation = next(found, None)
            return {} if validation is None else dict(validation.metrics)

    def _follow(
        self, known: dict[Path, FollowedFolder], there: Iterable[RunFolder]
    ) -> set[tuple[CheckpointRef, str]]:
        """Read the news of folders, drop those that are gone."""
        changed: set[tuple[CheckpointRef, str]] = set()
        paths = set()
        for folder in there:
            path = folder.path.absolute()
            paths.add(path)
            followed = known.get(path)
            if followed is None or followed.replaced():
                changed |= self._forget(known, path)
                followed = FollowedFolder(folder)
                followed.replaced()
            events = followed.read()
            weights = followed.look_for_weights() if known is self._runs else False
            with self._lock:
                known[path] = followed
                news = followed.apply(events)
                for event in events:
                    if isinstance(event, Loaded):
                        at = self._predicted.setdefault(event.file.where(self.project), {})
                        at[(path, event.checkpoint)] = event
                if weights:
                    news |= set(followed.index.previews)
                changed |= self._named(followed, news)
        for path in known.keys() - paths:
            changed |= self._forget(known, path)
        return changed

    def _forget(
        self, known: dict[Path, FollowedFolder], path: Path
    ) -> set[tuple[CheckpointRef, str]]:
        with self._lock:
            followed = known.pop(path, None)
            if followed is None:
                return set()
            self._outdated = {o for o in self._outdated if o[0] != path}
            changed = self._named(followed, followed.index.previews)
            for loaded in followed.index.loaded.values():
                at = self._predicted.get(loaded.file.where(self.project), {})
                at.pop((path, loaded.checkpoint), None)
            return changed

    def _named(
        self, followed: FollowedFolder, news: Iterable[OnSample]
    ) -> set[tuple[CheckpointRef, str]]:
        refs: dict[str, CheckpointRef | None] = {}
        for name, _ in news:
            if name not in refs:
                refs[name] = self._ref(followed, name)
        named = ((refs[name], sample) for name, sample in news)
        return {(ref, sample) for ref, sample in named if ref is not None}

    def _ref(self, followed: FollowedFolder, name: str) -> CheckpointRef | None:
        if isinstance(followed.folder, PredictionFolder):
            loaded = followed.index.loaded.get(name)
            return None if loaded is None else self._ref_at(loaded.file.where(self.project))
        return followed.ref(name)

    def _ref_at(self, file: Path) -> CheckpointRef:
        """Return the checkpoint of a file, by what is known of the runs: no file is asked."""
        run = file.parent.parent
        followed = self._runs.get(run)
        if followed is not None and file == followed.folder.checkpoint_path(file.stem).absolute():
            return CheckpointRef(file.stem, run, file if file.stem in followed.kept else None)
        return CheckpointRef(file.stem, None, file)

    def _places(self, ref: CheckpointRef) -> Iterator[tuple[FollowedFolder, str]]:
        """Yield where a checkpoint's scores may be: folder, name in its events."""
        run = None if ref.run is None else self._runs.get(ref.run.absolute())
        if run is not None:
            yield run, ref.name
        for (path, name), loaded in self._predicted.get(ref.where, {}).items():
            if self._is_of(loaded, run, ref):
                yield self._predictions[path], name

    def _is_of(self, loaded: Loaded, run: FollowedFolder | None, ref: CheckpointRef) -> bool:
        """Return whether a file that may have been removed since was this checkpoint.

        A run that was deleted may have had the name of another one since.
        """
        if run is None or ref.name in run.kept:
            return True
        written = run.index.checkpoints.get(ref.name)
        if written is None:
            return False
        return abs(written.time - loaded.file.mtime_ns / 1e9) < _ANNOUNCED_WITHIN_S

    def _stored(self, followed: FollowedFolder, name: str, sample: str) -> StoredScores | None:
        index, key = followed.index, (name, sample)
        preview = index.previews.get(key)
        if preview is None or (followed.path, key) in self._outdated:
            return None
        path = followed.path_of(preview)
        if path is None:
            return None
        z, y, x = preview.shape_zyx
        thresholds = {c: index.threshold(name, sample, c) for c in preview.class_names}
        scores = index.scores.get(key)
        return StoredScores(
            path=path,
            shape_zyx=(z, y, x),
            bin=preview.bin,
            class_names=tuple(preview.class_names),
            kind=preview.kind,
            step=preview.step,
            coverage=index.coverage[key].share,
            blocks=index.block_counts[key],
            thresholds={c: t for c, t in thresholds.items() if t is not None},
            picks=None if scores is None else followed.path_of(scores),
            segmented=preview.segmented,
        )

    def _known(self, followed: FollowedFolder) -> list[KnownCheckpoint]:
        index = followed.index
        told = {e.checkpoint: e for e in reversed(index.previews.values())}
        written = {name: e for name, e in index.checkpoints.items() if name in followed.kept}
        best = None if index.best is None else index.best.step
        names = {v.step: score_name(v.metrics) for v in index.validations}
        found = []
        for name in {**told, **written}:
            event = written.get(name) or told[name]
            score = index.checkpoints[name].score if name in index.checkpoints else None
            ref = self._ref(followed, name)
            assert ref is not None
            samples = self._samples(ref)
            found.append(
                KnownCheckpoint(
                    ref,
                    event.step,
                    event.time,
                    score,
                    event.step == best,
                    samples,
                    names.get(event.step, ESTIMATED),
                )
            )
        return sorted(found, key=lambda known: (known.step, known.time))

    def _samples(self, ref: CheckpointRef) -> tuple[str, ...]:
        """Return the samples with scores of a checkpoint."""
        found: dict[str, None] = {}
        for followed, name in self._places(ref):
            for of, sample in followed.of_checkpoint(name):
                if (followed.path, (of, sample)) not in self._outdated:
                    found[sample] = None
        return tuple(found)

    def _check_files(self) -> set[tuple[CheckpointRef, str]]:
        """Look whether predictions are still there, and still of the files that are there now."""
        outdated = set()
        holds: dict[FileStamp, bool | None] = {}
        for path, followed in self._predictions.items():
            index = followed.index
            for key, preview in index.previews.items():
                loaded, log = index.loaded.get(key[0]), followed.path_of(preview)
                for file in (preview.file, None if loaded is None else loaded.file):
                    if file is not None and file not in holds:
                        holds[file] = file.holds(self.project)
                    if file is not None and holds[file] is False:
                        outdated.add((path, key))
                if log is None or not log.is_file():
                    outdated.add((path, key))
        with self._lock:
            differing, self._outdated = self._outdated ^ outdated, outdated
            news = [(self._predictions[path], key) for path, key in differing
                    if path in self._predictions]  # fmt: skip
            return {named for followed, key in news for named in self._named(followed, [key])}


def _folders(above: Path) -> list[Path]:
    """Return the folders in a folder; none where it cannot be read."""
    try:
        return [path for path in above.iterdir() if path.is_dir()]
    except OSError:
        return []
