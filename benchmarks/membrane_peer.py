"""MemBrain-pick's part of the F1 benchmark: convert, train, predict, cluster; one JSON line a run.

Runs `bench/membrane/run_peer.py` of the shared folder by the Python that MemBrain-pick is installed
for. Trains on membranes 1 to 3 with 4 for validation and scores on 5; the best of its sweep over
bandwidths and thresholds is chosen on membrane 5 itself, which flatters it. One thread; what its
imports cost is not counted, as it is not for ours. A run that was done before is only printed
again, from `results.jsonl` in the folder of work.

    python benchmarks/membrane_peer.py m15 --peer-python PYTHON
    python benchmarks/membrane_peer.py m15 --share 0.2 ...      # a fifth of the clicks
    python benchmarks/membrane_peer.py m15 --default-band ...   # its own band, -25 to +22.5 Å
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cases import DEFAULT_ROOT, SHARED, ensure_case

if TYPE_CHECKING:
    from collections.abc import Callable

PEER_VARIABLE = "TOMOSCRIBE_PEER_PYTHON"
GOOD_BAND = (-16, 4, 7.5)
"""Steps and step in Å along its inward normals: from -22 to +120 Å outward, found by hand."""
DEFAULT_BAND = (-10, 10, 2.5)
BANDWIDTHS = (60, 80)
"""At 40 Å each particle falls into several clusters, beyond 80 Å neighbours merge."""
THRESHOLDS = (6, 7, 8, 9)
DEFAULTS = (7, 9)
EPOCHS = 10
"""After 5 the map of `m04` was still soft; clustering it took 18 CPU-s a setting, not 3."""
THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def run_peer(
    python: str,
    case: str,
    work: Path,
    *,
    epochs: int = EPOCHS,
    share: float = 1.0,
    default_band: bool = False,
    seed: int = 0,
) -> dict[str, Any]:
    """Return CPU-seconds and F1 of one training of MemBrain-pick.

    Parameters
    ----------
    python : str
        Interpreter with membrain_pick.
    case : str
        Name of a membrane case.
    work : Path
        Folder; meshes and results that it already holds are used again.
    epochs : int
    share : float
        Share of the true positions of membranes 1 to 4 that are its clicks.
    default_band : bool
        Its own band in place of the one found by hand.
    seed : int

    Returns
    -------
    dict
        `case, share, band, epochs, seed`; `mesh_s` a membrane; `operators_s` and partitions of
        four membranes, part of `train_s`; `predict_s` with clustering; `cluster_s` the mean
        over bandwidths; `first_scores_s`, one membrane meshed, the training, its prediction; `f1`
        the best of the sweep with its `bandwidth`, `threshold`, `precision` and `recall`;
        `f1_defaults`, `picks_defaults`.
    """
    band_name = "default" if default_band else "good"
    asked = {"case": case, "share": share, "band": band_name, "epochs": epochs, "seed": seed}
    results = work / "results.jsonl"
    for line in _lines(results):
        if line.items() >= asked.items():
            return line
    folder = ensure_case(case)
    low, high, step = DEFAULT_BAND if default_band else GOOD_BAND
    work, run = work / f"{case}_{band_name}", f"e{epochs}_s{share:g}_r{seed}"
    work.mkdir(parents=True, exist_ok=True)
    log = work / "timings.jsonl"

    def peer(command: str, *options: object) -> list[dict[str, Any]]:
        known = len(_lines(log))
        script = SHARED / "bench" / "membrane" / "run_peer.py"
        arguments = [python, str(script), command, "--work", str(work), *map(str, options)]
        with (work / "output.log").open("a") as said:
            subprocess.run(arguments, check=True, env=os.environ | THREAD, stdout=said, stderr=said)
        return _lines(log)[known:]

    band = ("--steps", low, high, "--step-size", step)
    if not (work / "mesh" / case / "tomogram_mb5.h5").exists():
        peer("convert", "--case", folder, *band)
    root = ("--cases-root", folder.parent, "--run", run)
    clicks = ("--gt-fraction", share, "--seed", seed)
    until = ("--epochs", epochs, "--save-epochs", epochs, "--budget", 1e6)
    trained = peer("train", *root, *_layout(case), *band, *clicks, *until)
    predicted = peer("predict", *root, "--bandwidth", 60, "--threshold", 9)
    best = _best_of_sweep(peer, root)
    own = peer("score", *root, *_sweep(DEFAULTS[:1]), DEFAULTS[1])[-1]
    meshed = [_cpu(line["parts"]) for line in _lines(log) if line["stage"] == "convert"][-5:]
    mesh_s, parts = sum(meshed) / len(meshed), trained[0]["parts"]
    train_s = trained[-1]["cpu_total_s"] - _imports(python, "train")
    predict_s = predicted[-1]["cpu_total_s"] - _imports(python, "predict")
    operators_s = sum(parts[name]["cpu"] for name in ("compute_operators", "partitioning"))
    result = asked | {
        "mesh_s": round(mesh_s, 1),
        "operators_s": round(operators_s, 1),
        "train_s": round(train_s, 1),
        "predict_s": round(predict_s, 1),
        "cluster_s": best["mean_shift_cpu_s"],
        "first_scores_s": round(mesh_s + train_s + predict_s, 1),
        "peak_mb": best["peak_rss_mb"],
        **{name: best[name] for name in ("f1", "precision", "recall", "bandwidth", "threshold")},
        "f1_defaults": own["f1"],
        "picks_defaults": own["predicted"],
    }
    with results.open("a") as file:
        file.write(json.dumps(result) + "\n")
    return result


def _layout(case: str) -> list[str]:
    members = {"train": (1, 2, 3), "val": (4,), "test": (5,)}
    return [v for k, n in members.items() for v in (f"--{k}-mb", *(f"{case}:{i}" for i in n))]


def _sweep(bandwidths: tuple[int, ...]) -> tuple[object, ...]:
    return ("--tolerance", 4, "--bandwidths", *bandwidths, "--thresholds")


def _best_of_sweep(
    peer: Callable[..., list[dict[str, Any]]], root: tuple[object, ...]
) -> dict[str, Any]:
    """Return the best line of its sweep over bandwidths and thresholds."""
    tried = []
    for threshold in THRESHOLDS:
        # Its clustering fails where no vertex, or a single one, passes the threshold.
        with contextlib.suppress(subprocess.CalledProcessError):
            tried.append(peer("score", *root, *_sweep(BANDWIDTHS), threshold)[0])
    return max(tried, key=lambda line: float(line["f1"]))


def _imports(python: str, module: str) -> float:
    """Return the CPU-seconds of starting the peer."""
    code = f"import time, membrain_pick.{module}; print(time.process_time())"
    environment = os.environ | THREAD | {"QT_QPA_PLATFORM": "offscreen", "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [python, "-c", code], check=True, env=environment, capture_output=True, text=True
    )
    return float(done.stdout.splitlines()[-1])


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _cpu(parts: dict[str, dict[str, float]]) -> float:
    """Return the CPU-seconds of a conversion; `mesh_total` holds the steps that it is made of."""
    inner = "marching_cubes+taubin+decimate+taubin"
    return sum(part["cpu"] for name, part in parts.items() if name != inner)


def main() -> None:
    """Run what the command line asks for and print a JSON line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cases", nargs="+")
    parser.add_argument("--peer-python", default=os.environ.get(PEER_VARIABLE))
    parser.add_argument("--work", type=Path, default=DEFAULT_ROOT / "peer")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--default-band", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not options.peer_python:
        parser.error(f"give --peer-python, or set {PEER_VARIABLE}")
    for case in options.cases:
        result = run_peer(
            options.peer_python,
            case,
            options.work,
            epochs=options.epochs,
            share=options.share,
            default_band=options.default_band,
            seed=options.seed,
        )
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
