"""MemBrain-pick's side of `clustering.py`: its mean shift, run by the Python it is installed for.

    python clustering_peer.py MAP.npz OUT.npz BANDWIDTH_A THRESHOLD

Its own function on points in Å and its distances; files and imports are not timed.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np
import torch
from membrain_pick.clustering.mean_shift_inference import mean_shift_for_scores


def main(held: str, out: str, bandwidth_A: float, threshold: float) -> None:
    """Cluster a map and print the CPU-seconds and the growth of the peak memory in MB."""
    torch.set_num_threads(1)
    data = np.load(held)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    centres, _ = mean_shift_for_scores(
        data["points_A"],
        data["distances"],
        bandwidth=bandwidth_A,
        max_iter=150,
        margin=2.0,
        device="cpu",
        score_threshold=threshold,
    )
    seconds = time.process_time() - start
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    np.savez(out, centres_A=np.asarray(centres, dtype=np.float64).reshape(-1, 3))
    print(json.dumps({"cpu_s": seconds, "peak_mb": grown / 1024}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
