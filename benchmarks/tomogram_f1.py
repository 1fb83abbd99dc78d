"""How well a training from the sparse clicks of one tomogram picks another, unseen one.

`python benchmarks/tomogram_f1.py --out f1.jsonl` trains each case for 60 and 300 CPU-seconds of one
thread, planning, reading and validation included, with three seeds, and prints the table; rows that
`--out` already holds are not computed again. Only the training tomogram's sparse clicks are seen:
no declared region, no other label, no other tomogram. Scores are the shared bench's own
(`score_picks.evaluate`, one-to-one within half a diameter) on the test tomogram.

What was tuned was tuned on the `tune_*` and `dev_*` cases of `cases.py`, with one exception: while
the layout for small particles was chosen, h10's validation split was looked at twice and its test
tomogram once. a10 and a03 were only ever judged.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import csv
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.spatial.distance import pdist

from cases import DEFAULT_ROOT, SHARED, ensure_case
from tomoscribe.io.volumes import open_volume
from tomoscribe.picks.table import Pick
from tomoscribe.prediction.volume import predict_heatmap
from tomoscribe.project.model import ParticleClass, Role, TrainingData, TrainingSample
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.tomogram.task import TomogramTask

if TYPE_CHECKING:
    from tomoscribe.tasks.tomogram.module import TomogramModule

RUNS = (("a10", 0), ("a03", 0), ("h10", 0), ("a10", 5))
"""Case, and how many of its clicks are used (0: all)."""
LOWEST_SCORE = 0.02


def load_data(folder: Path, clicks: int) -> TrainingData:
    """Return the sparse clicks of a case's training tomogram, the first `clicks` or all."""
    meta = json.loads((folder / "case.json").read_text())
    with (folder / "train_labels.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))[: clicks or None]
    picks = tuple(
        Pick(i + 1, (float(r["z"]), float(r["y"]), float(r["x"])), "target")
        for i, r in enumerate(rows)
    )
    size = float(meta["apix"])
    sample = TrainingSample("train", str(folder / "train.mrc"), size, Role.TRAIN, picks)
    return TrainingData((sample,), (ParticleClass("target", meta["diameter_vox"] * size),))


def train(
    data: TrainingData,
    settings: TrainingSettings,
    budget_s: float,
    weights: dict[str, Any] | None = None,
    device: str = "cpu",
) -> TomogramModule:
    """Train for `budget_s` seconds of this process's CPU time, the last validation included.

    On another device than the CPU the seconds are those of the clock on the wall.

    Like the worker, it ends earlier where the plan's steps are made, and takes the weights alone of
    the checkpoint `weights` over.
    """
    clock = time.process_time if device == "cpu" else time.perf_counter
    start = clock()
    module = TomogramTask().build(data, settings, torch.device(device), weights)
    if weights is not None:
        module.restore(weights, weights_only=True)
    module.train()
    reserve = 0.0
    steps = int(str(module.plan["steps"]))
    while (used := clock() - start) < budget_s - reserve and module.steps_done < steps:
        module.set_progress(max(used / (budget_s - reserve), module.steps_done / steps))
        module.training_step(None, module.steps_done).backward()
        module.optimizer.step()
        module.optimizer.zero_grad(set_to_none=True)
        if not reserve and used > budget_s / 2:
            before = clock()
            module.evaluate()
            reserve = clock() - before
    module.evaluate()
    return module


def judge(module: TomogramModule, folder: Path, diameter: float) -> dict[str, Any]:
    """Score a training on the test tomogram of its case."""
    sys.path.insert(0, str(SHARED / "bench" / "tomogram"))
    from score_picks import evaluate, read_table

    table, kinds = read_table(str(folder / "test_truth.tsv"))
    truth = table[kinds == 0, :3]
    predictor = module.predictor()
    volume = open_volume(folder / "test.mrc", module.voxel_size_A)
    cpu, wall = time.process_time(), time.perf_counter()
    heatmap, grid = predict_heatmap(predictor, volume)
    found = predictor.decode(heatmap, grid, LOWEST_SCORE)[0]
    seconds, wall_s = time.process_time() - cpu, time.perf_counter() - wall
    picks = np.column_stack([found.zyx[:, ::-1], found.scores])
    threshold = predictor.thresholds["target"]
    result = evaluate(picks, truth, diameter / 2, threshold)
    at_best = evaluate(picks, truth, diameter / 2, result.get("best_f1_threshold", 0.5))
    chosen = picks[picks[:, 3] >= threshold, :3]
    return {
        "best_f1": result.get("best_f1", 0.0),
        "chosen_f1": result["f1"],
        "best_threshold": result.get("best_f1_threshold"),
        "threshold": threshold,
        "position_error_d": _median_error(picks, truth, diameter, at_best["threshold"]),
        "closest_d": float(pdist(chosen).min() / diameter) if len(chosen) > 1 else None,
        "predict_cpu_s": seconds,
        "predict_wall_s": wall_s,
    }


def _median_error(
    picks: np.ndarray, truth: np.ndarray, diameter: float, threshold: float
) -> float | None:
    """Return the median distance of matched picks from the truth, in diameters."""
    from tomoscribe.picks.match import match_picks

    kept = picks[picks[:, 3] >= threshold, :3]
    distances = match_picks(kept, truth, diameter / 2).distances
    return float(np.median(distances) / diameter) if len(distances) else None


def run(
    case: str, clicks: int, budget_s: float, seed: int, root: Path, device: str
) -> dict[str, Any]:
    """Train and judge once; return the row."""
    folder = ensure_case(case, root)
    data = load_data(folder, clicks)
    diameter = data.classes[0].diameter_A / data.samples[0].voxel_size_A
    wall, cpu = time.perf_counter(), time.process_time()
    module = train(
        data,
        TrainingSettings(seed=seed, threads=1, max_minutes=budget_s / 60),
        budget_s,
        device=device,
    )
    spent = {"train_cpu_s": time.process_time() - cpu, "train_wall_s": time.perf_counter() - wall}
    row = {"case": case, "clicks": len(data.samples[0].picks), "budget_s": budget_s, "seed": seed}
    row |= {"steps": module.steps_done, "precision": module.plan["precision"]}
    return row | spent | judge(module, folder, diameter)


def show(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    head = (
        "| case | clicks | CPU-s | seed | steps | best F1 | F1 at chosen | position error / d | "
        "closest / d | predict CPU-s |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    lines = [
        f"| {r['case']} | {r['clicks']} | {r['budget_s']:.0f} | {r['seed']} | {r['steps']} | "
        f"{r['best_f1']:.3f} | {r['chosen_f1']:.3f} | {_number(r['position_error_d'])} | "
        f"{_number(r['closest_d'])} | {r['predict_cpu_s']:.1f} |"
        for r in rows
    ]
    return "\n".join([head, *lines])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _case(text: str) -> tuple[str, int]:
    """Return case and clicks of `case` or `case:clicks`."""
    name, _, clicks = text.partition(":")
    return name, int(clicks or 0)


def main() -> None:
    """Run what is missing in `--out`, then print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("tomogram_f1.jsonl"))
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT, help="cache of the cases")
    parser.add_argument("--budgets", type=float, nargs="+", default=[60.0, 300.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--device", default="cpu", help="cuda counts seconds of the clock on the wall instead"
    )
    parser.add_argument(
        "--cases", nargs="+", type=_case, help="instead of the judge's; a10:5 uses 5 clicks of a10"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = (
        [json.loads(line) for line in options.out.read_text().splitlines()]
        if options.out.exists()
        else []
    )
    done = {(r["case"], r["asked_clicks"], r["budget_s"], r["seed"]) for r in rows}
    runs = options.cases or list(RUNS)
    for budget in options.budgets:
        for seed in options.seeds:
            for case, clicks in runs:
                if (case, clicks, budget, seed) in done or (clicks and budget > 60):
                    continue
                row = run(case, clicks, budget, seed, options.root, options.device) | {
                    "asked_clicks": clicks
                }
                rows.append(row)
                with options.out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    sys.stdout.write(show(rows) + "\n")


if __name__ == "__main__":
    main()
