"""Whether answering proposals and training on pays, against as many more clicks.

`python benchmarks/correction_loop.py --out loop.jsonl` trains a case's sparse clicks, then three
times asks an oracle 20 questions and goes on training, from the weights so far, on all labels.
Arms:

- `corrections`: the review queue's own order (nearest to the threshold first) on the clicked
  tomogram; a proposal within half a diameter of a particle is accepted, else rejected.
- `clicks`: 20 more particles of the clicked tomogram, chosen at random, with the click error of the
  case.
- `again`: no new labels, so that what more training alone does can be told.

Each training takes 60 CPU-seconds of one thread, planning and validation included; the case's other
tomogram (`test`) is only scored. Rows that `--out` already holds are not computed again. What was
tuned here was tuned on `dev_*` and `tune_*` cases.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import csv
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.spatial import KDTree

from cases import DEFAULT_ROOT, ensure_case
from tomogram_f1 import judge, load_data, train
from tomoscribe.evaluation.proposals import SAME, Proposals, find_proposals
from tomoscribe.io.volumes import open_volume
from tomoscribe.picks.table import Pick, PickState, positions_zyx
from tomoscribe.prediction.volume import predict_heatmap
from tomoscribe.tasks.settings import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tomoscribe.project.model import TrainingData
    from tomoscribe.tasks.tomogram.module import TomogramModule

BUDGET_S = 60.0
ROUNDS = 3
ANSWERS = 20
CLICK_ERROR = 1.0
"""Voxels, sigma an axis: what the cases' own clicks have."""
ARMS = ("corrections", "clicks", "again")


def read_truth(folder: Path) -> NDArray[np.float64]:
    """Return where the particles of the clicked tomogram are, (N, 3) zyx."""
    with (folder / "train_truth.tsv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file, delimiter="\t") if int(float(r["class"])) == 0]
    return np.array([[float(r[axis]) for axis in "zyx"] for r in rows])


def propose(module: TomogramModule, data: TrainingData) -> Proposals:
    """Return what the viewer would propose on the clicked tomogram."""
    sample, particle = data.samples[0], data.classes[0]
    heatmap, grid = predict_heatmap(
        module.predictor(), open_volume(sample.volume_path, sample.voxel_size_A)
    )
    diameter = particle.diameter_A / sample.voxel_size_A
    return find_proposals(heatmap[0], grid.bin, diameter, particle.name, "loop")


def correct(
    module: TomogramModule, data: TrainingData, truth: NDArray[np.float64], count: int
) -> TrainingData:
    """Answer the `count` open proposals nearest to the threshold."""
    found = propose(module, data)
    sample, diameter = data.samples[0], found.diameter_voxels
    away, _ = KDTree(positions_zyx(sample.picks)).query(found.zyx)
    threshold = module.thresholds[found.class_name]
    doubt = np.where(away > SAME * diameter, np.abs(found.scores - threshold), np.inf)
    asked = [i for i in np.argsort(doubt, kind="stable")[:count].tolist() if np.isfinite(doubt[i])]
    right = KDTree(truth).query(found.zyx[asked])[0] <= diameter / 2
    states = np.where(right, PickState.ACCEPTED, PickState.REJECTED)
    return add(data, found.zyx[asked], [PickState(s) for s in states], found.scores[asked])


def click(
    data: TrainingData, truth: NDArray[np.float64], count: int, rng: np.random.Generator
) -> TrainingData:
    """Click `count` particles that nobody clicked yet."""
    sample = data.samples[0]
    diameter = data.classes[0].diameter_A / sample.voxel_size_A
    away, _ = KDTree(positions_zyx(sample.picks)).query(truth)
    free = np.flatnonzero(away > SAME * diameter)
    chosen = truth[rng.choice(free, count, replace=False)]
    return add(data, chosen + rng.normal(0, CLICK_ERROR, (count, 3)), [PickState.ACCEPTED] * count)


def add(
    data: TrainingData,
    zyx: NDArray[np.float64],
    states: list[PickState],
    scores: NDArray[np.float32] | None = None,
) -> TrainingData:
    """Return the data with more picks; those with scores come from the model."""
    sample, name = data.samples[0], data.classes[0].name
    first = len(sample.picks) + 1
    new = tuple(
        Pick(first + i, (float(p[0]), float(p[1]), float(p[2])), name, state=state)
        for i, (p, state) in enumerate(zip(zyx, states, strict=True))
    )
    if scores is not None:
        new = tuple(
            replace(p, score=float(s), source="loop") for p, s in zip(new, scores, strict=True)
        )
    sample = replace(sample, picks=(*sample.picks, *new))
    return replace(data, samples=(sample,), revision=data.revision + 1)


def learn(
    data: TrainingData, seed: int, budget_s: float, start: dict[str, Any] | None
) -> TomogramModule:
    """Train, from the weights of `start` where given, as *Continue training* does."""
    settings = TrainingSettings(seed=seed, threads=1, max_minutes=budget_s / 60)
    return train(data, settings, budget_s, start)


def loop(
    case: str, seed: int, arm: str, first: tuple[TrainingData, TomogramModule], root: Path
) -> Iterator[dict[str, Any]]:
    """Yield the row of each round of one arm."""
    folder = ensure_case(case, root)
    truth = read_truth(folder)
    rng = np.random.default_rng(1000 + seed)
    data, module = first
    for number in range(1, ROUNDS + 1):
        if arm == "corrections":
            data = correct(module, data, truth, ANSWERS)
        elif arm == "clicks":
            data = click(data, truth, ANSWERS, rng)
        begun = time.process_time()
        module = learn(data, seed + number, BUDGET_S, module.checkpoint())
        seconds = time.process_time() - begun
        yield row_of(case, seed, arm, number, data, module, seconds, folder)


def row_of(
    case: str,
    seed: int,
    arm: str,
    number: int,
    data: TrainingData,
    module: TomogramModule,
    seconds: float,
    folder: Path,
) -> dict[str, Any]:
    """Judge a training on the test tomogram."""
    picks = data.samples[0].picks
    counts = {s: sum(p.state == s for p in picks) for s in (PickState.ACCEPTED, PickState.REJECTED)}
    diameter = data.classes[0].diameter_A / data.samples[0].voxel_size_A
    return {
        "case": case,
        "seed": seed,
        "arm": arm,
        "round": number,
        "accepted": counts[PickState.ACCEPTED],
        "rejected": counts[PickState.REJECTED],
        "steps": module.steps_done,
        "train_cpu_s": seconds,
        **judge(module, folder, diameter),
    }


def show(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table: best F1 / F1 at the chosen threshold, round by round."""
    head = "| case | seed | arm | " + " | ".join(f"after {n}" for n in range(ROUNDS + 1))
    lines = [head + " | picks, rejected |", "|---" * (ROUNDS + 5) + "|"]
    for case, seed in dict.fromkeys((r["case"], r["seed"]) for r in rows):
        for arm in ARMS:
            own = [r for r in rows if (r["case"], r["seed"]) == (case, seed)]
            if arm not in {r["arm"] for r in own}:
                continue
            own = [r for r in own if r["arm"] in ("start", arm)]
            cells = [f"{r['best_f1']:.3f} / {r['chosen_f1']:.3f}" for r in own]
            last = own[-1]
            lines.append(
                f"| {case} | {seed} | {arm} | {' | '.join(cells)} | "
                f"{last['accepted']}, {last['rejected']} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Run what is missing in `--out`, then print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("correction_loop.jsonl"))
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT, help="cache of the cases")
    parser.add_argument("--cases", nargs="+", default=["h10"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=ARMS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = (
        [json.loads(line) for line in options.out.read_text().splitlines()]
        if options.out.exists()
        else []
    )
    done = {(r["case"], r["seed"], r["arm"], r["round"]) for r in rows}

    def keep(row: dict[str, Any]) -> None:
        rows.append(row)
        with options.out.open("a") as file:
            file.write(json.dumps(row) + "\n")

    for case in options.cases:
        folder = ensure_case(case, options.root)
        for seed in options.seeds:
            missing = [a for a in options.arms if (case, seed, a, ROUNDS) not in done]
            if not missing:
                continue
            data = load_data(folder, 0)
            begun = time.process_time()
            module = learn(data, seed, BUDGET_S, None)
            seconds = time.process_time() - begun
            if (case, seed, "start", 0) not in done:
                keep(row_of(case, seed, "start", 0, data, module, seconds, folder))
            for arm in missing:
                for row in loop(case, seed, arm, (data, module), options.root):
                    if (case, seed, arm, row["round"]) not in done:
                        keep(row)
    sys.stdout.write(show(rows) + "\n")


if __name__ == "__main__":
    main()
