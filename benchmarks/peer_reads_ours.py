"""Whether MemBrain-pick and surforama read what we write: convert with ours, go on with theirs.

Meshes two membranes of a case with `tomoscribe mesh`, lays train/ and val/ out as they want them,
then runs the Python they are installed for (`peer_reads_ours_peer.py`): their container reader,
their dataset, one training step, their prediction; surforama's own readers where they run. Last
our own reader on what they predicted. Prints what worked; ends with 1 if anything did not.

    OMP_NUM_THREADS=1 python benchmarks/peer_reads_ours.py --peer-python PYTHON
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import starfile

from cases import ensure_case
from tomoscribe.membranes.clusters import picks_from_scores
from tomoscribe.membranes.membrane import load_membrane, save_membrane

PEER_VARIABLE = "TOMOSCRIBE_PEER_PYTHON"
BAND = ("--band-A", "-22.5", "120", "--step-A", "7.5", "--area-A2", "1600")
"""20 samples, as many as MemBrain-pick expects; coarse, for it is slow."""


def lay_out(case: Path, folder: Path) -> None:
    """Write train/ and val/ with a container and a STAR each, and test/ with a container."""
    ours = folder / "ours"
    tomoscribe = str(Path(sys.executable).with_name("tomoscribe"))
    masks = [str(case / "segmentations" / f"mb{i}.mrc") for i in (1, 2)]
    command = [tomoscribe, "mesh", *masks, "--tomogram", str(case / "tomogram.mrc")]
    subprocess.run(
        [*command, "--out", str(ours), "--obj", *BAND], check=True, stdout=subprocess.DEVNULL
    )
    for part, name in (("train", "mb1"), ("val", "mb2"), ("test", "mb2")):
        (folder / part).mkdir()
        shutil.copy(ours / f"{name}.h5", folder / part)
        if part != "test":
            picks = starfile.read(case / "gt" / f"{name}.star")
            starfile.write(picks, folder / part / f"{name}.star")
    # Picks as `tomoscribe cluster` writes them.
    membrane = load_membrane(ours / "mb1.h5")
    high = membrane.slab.mean(60.0, 60.0) < np.quantile(membrane.slab.mean(60.0, 60.0), 0.1)
    scored = replace(membrane, scores=high[None].astype(np.float32), class_names=("target",))
    save_membrane(folder / "scored.h5", scored)
    command = [tomoscribe, "cluster", str(folder / "scored.h5"), "--out", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Print a line a thing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", default=os.environ.get(PEER_VARIABLE))
    parser.add_argument("--case", default="m15")
    options = parser.parse_args()
    if not options.peer_python:
        parser.error(f"give --peer-python, or set {PEER_VARIABLE}")
    case = ensure_case(options.case)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(case, folder)
        script = str(Path(__file__).with_name("peer_reads_ours_peer.py"))
        environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "MPLBACKEND": "Agg"}
        subprocess.run(
            [options.peer_python, script, str(folder)],
            env=environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        told = json.loads((folder / "told.json").read_text())
        told.append(_our_turn(folder))
    for what, error in told:
        print(f"{'no ' if error else 'yes'}  {what}{': ' if error else ''}{error}")
    sys.exit(any(error for _, error in told))


def _our_turn(folder: Path) -> tuple[str, str]:
    what = "tomoscribe reads what MemBrain-pick predicted on ours, and picks from it"
    predicted = sorted((folder / "predicted").glob("*.h5"))
    if not predicted:
        return what, "nothing was predicted"
    ours, theirs = load_membrane(folder / "test" / "mb2.h5"), load_membrane(predicted[0])
    gap = np.abs(
        np.sort(ours.mesh.vertices_zyx.mean(axis=0))
        - np.sort(theirs.mesh.vertices_zyx.mean(axis=0))
    ).max()
    picks_from_scores(theirs, min_score=0.0)
    return what, "" if gap < 1 else f"the meshes lie {gap:.1f} voxels apart"


if __name__ == "__main__":
    main()
