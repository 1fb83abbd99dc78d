"""Simulated picking cases that benchmarks train and are judged on, made once into a cache folder.

The generator is not ours: it lies in the shared folder beside the checkout (or
in `TOMOSCRIBE_SHARED`), so that no one tunes the judge. `a10`, `a03` and `h10` are the
judge; the `dev` and `tune` ones differ in seed and shapes and are what we tune on. `m15`, `m04`
and `m_crowd` are the judge of membranes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

SHARED = Path(os.environ.get("TOMOSCRIBE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
DEFAULT_ROOT = Path.home() / ".cache" / "tomoscribe-benchmarks"
JUDGE = ("a10", "a03", "h10")
OPTIONS = {
    "a10": "--snr 0.1 --seed 1",
    "a03": "--snr 0.03 --seed 2",
    "h10": "--target 3j9i --distractors 4v94,1bxn,1qvr --snr 0.05 --seed 3 --vesicles 6 --beads 6",
    "dev_a10": "--target 4v94 --distractors 3j9i,1qvr,1bxn --snr 0.1 --seed 11",
    "dev_a03": "--target 1qvr --distractors 5mrc,3j9i,2cg9 --snr 0.03 --seed 12",
    "dev_h10": "--target 3cf3 --distractors 5mrc,1bxn,2cg9 --snr 0.05 --seed 13 "
    "--vesicles 6 --beads 6",
    "dev_b03": "--target 5mrc --distractors 3cf3,1qvr,4v94 --snr 0.03 --seed 14",
    "dev_g10": "--target 1bxn --distractors 4v94,2cg9,3j9i --snr 0.05 --seed 15 "
    "--vesicles 6 --beads 6",
    "tune_a10": "--target 4v94 --snr 0.1 --seed 11",
    "tune_a03": "--target 4v94 --snr 0.03 --seed 14",
    "tune_h10": "--target 3cf3 --distractors 2cg9,1bxn,1qvr --snr 0.05 --seed 13 "
    "--vesicles 6 --beads 6",
    "tune_q10": "--target 1qvr --distractors 2cg9,3cf3,5mrc --snr 0.05 --seed 17 "
    "--vesicles 6 --beads 6",
}
MEMBRANE_JUDGE = ("m15", "m04", "m_crowd")
MEMBRANE_OPTIONS = {
    "m15": "--seed 1",
    "m04": "--snr 0.04 --distractors 5ide --seed 2",
    "m_crowd": "--spacing 10 --seed 3",
    "dev_m15": "--seed 11",
    "dev_m04": "--snr 0.04 --distractors 5ide --seed 12",
    "dev_m_crowd": "--spacing 10 --seed 13",
    "dev_m5ide": "--targets 5ide --distractors 4pe5 --snr 0.06 --seed 14",
}
"""Membranes 1 to 3 are trained on, 4 validates, 5 is what a training is scored on."""
CASES: dict[str, list[str]] = {
    name: text.split() for name, text in (OPTIONS | MEMBRANE_OPTIONS).items()
}


def ensure_case(name: str, root: Path = DEFAULT_ROOT) -> Path:
    """Return the folder of a case, made on first use (about 30 CPU-seconds).

    Parameters
    ----------
    name : str
        One of `CASES`.
    root : Path
        Cache folder.

    Raises
    ------
    FileNotFoundError
        If the generator is not there.
    """
    membranes = name in MEMBRANE_OPTIONS
    bench = SHARED / "bench"
    generator = bench / ("membrane" if membranes else "tomogram") / "make_case.py"
    if not generator.exists():
        raise FileNotFoundError(f"{generator}: set TOMOSCRIBE_SHARED to the folder with bench/")
    root.mkdir(parents=True, exist_ok=True)
    folder = root / name
    with FileLock(root / f"{name}.lock"):
        if not (folder / "case.json").exists():
            templates = bench / "templates" / ("" if membranes else "mrcs_10A")
            command = [
                sys.executable,
                str(generator),
                *(["--out"] if membranes else []),
                str(folder),
            ]
            command += ["--templates", str(templates)]
            subprocess.run([*command, *CASES[name]], check=True, stdout=subprocess.DEVNULL)
    return folder


if __name__ == "__main__":
    for case in sys.argv[1:] or CASES:
        ensure_case(case)
