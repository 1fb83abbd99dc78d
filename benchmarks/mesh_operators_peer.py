"""MemBrain-pick's side of `mesh_operators.py`: run by the interpreter that it is installed for.

Reads one JSON command a line, does it with the peer's own functions, and answers with one JSON line
that holds the CPU-seconds of this process. Nothing of the peer is changed.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import starfile
import torch
from membrain_pick.dataloading.diffusionnet_datamodule import custom_collate
from membrain_pick.dataloading.diffusionnet_dataset import MemSegDiffusionNetDataset
from membrain_pick.networks.diffusion_net import geometry
from membrain_pick.optimization.diffusion_training_pylit import DiffusionNetModule
from membrain_pick.predict import save_output

ACCUMULATE = 16


class Peer:
    """One membrane in the peer's hands; `work` is its folder."""

    def __init__(self, case: Path, work: Path) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(0)
        self.case, self.work = np.load(case), work
        folder = work / "data"
        folder.mkdir(parents=True, exist_ok=True)
        with h5py.File(folder / "membrane.h5", "w") as h5:
            for name in ("points", "faces", "normals", "normal_values"):
                h5[name] = self.case[name]
            h5["pixel_size"] = 1.0
            h5["tomo_file"] = "none"
        columns = [f"rlnCoordinate{axis}" for axis in "XYZ"]
        positions = pd.DataFrame(self.case["positions"], columns=columns)
        starfile.write(positions, folder / "membrane.star", overwrite=True)
        self.net = DiffusionNetModule(
            C_in=16,
            C_width=16,
            N_block=4,
            conv_width=16,
            dropout=False,
            one_D_conv_first=True,
            device="cpu",
            max_epochs=200,
        )
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=5e-3)

    def part(self) -> dict[str, object]:
        """Operators of one part that both get; its arrays are written beside."""
        verts, normals = (
            torch.from_numpy(self.case[f"part_{name}"]).float() for name in ("points", "normals")
        )
        faces = torch.from_numpy(self.case["part_faces"])
        start = time.process_time()
        _, mass, lap, values, vectors, x, y = geometry.compute_operators(verts, faces, 128, normals)
        seconds = time.process_time() - start
        arrays = {"mass": mass, "values": values, "vectors": vectors}
        for name, matrix in (("x", x), ("y", y), ("laplacian", lap)):
            matrix = matrix.coalesce()
            arrays |= {f"{name}_at": matrix.indices(), name: matrix.values()}
        np.savez(self.work / "part.npz", **{k: v.numpy() for k, v in arrays.items()})
        return {"cpu_s": seconds}

    def prepare(self) -> dict[str, object]:
        """Partitioning and operators of the whole membrane, from nothing."""
        shutil.rmtree(self.work / "cache", ignore_errors=True)
        start = time.process_time()
        data = self._dataset(train=False)
        items = [data[i] for i in range(len(data))]
        vertices = sum(len(item["label"]) for item in items)
        return {"cpu_s": time.process_time() - start, "parts": len(items), "vertices": vertices}

    def epoch(self) -> dict[str, object]:
        """One training epoch from the cache; the data set is made once, before the clock."""
        if not hasattr(self, "training"):
            self.training = self._dataset(train=True)
            self.training[0]
        start = time.process_time()
        self.net.train()
        order, steps = np.random.default_rng(0).permutation(len(self.training)), 0
        for number, index in enumerate(order):
            batch = self._batch(self.training[index])
            targets = {"mse": batch["label"]}
            weights = {"mse": batch["vert_weights"]}
            loss = self.net.criterion(self.net(batch), targets, weights)
            (loss / ACCUMULATE).backward()
            if (number + 1) % ACCUMULATE == 0 or number + 1 == len(order):
                self.optimizer.step()
                self.optimizer.zero_grad()
                steps += 1
        return {"cpu_s": time.process_time() - start, "items": len(order), "steps": steps}

    def predict(self) -> dict[str, object]:
        """Scores of the membrane: partitioning, operators, network, merging; no clustering."""
        shutil.rmtree(self.work / "cache_predict", ignore_errors=True)
        start = time.process_time()
        data = self._dataset(train=False, cache="cache_predict")
        self.net.eval()
        parts: dict[str, list[np.ndarray]] = {
            name: [] for name in ("verts", "faces", "scores", "labels", "features", "weights")
        }
        count = 0
        for index in range(len(data)):
            batch = self._batch(data[index])
            with torch.no_grad():
                scores = self.net(batch)["mse"].squeeze().numpy()
            parts["verts"].append(batch["verts_orig"].numpy())
            parts["faces"].append(batch["faces"].numpy() + count)
            parts["scores"].append(scores)
            parts["labels"].append(batch["label"].numpy())
            parts["features"].append(batch["diffusion_inputs"]["features"].squeeze().numpy())
            parts["weights"].append(batch["vert_weights"].numpy())
            count += len(scores)
        vertices, *_ = save_output(parts, str(self.work), "membrane")
        return {"cpu_s": time.process_time() - start, "vertices": len(vertices)}

    def _dataset(self, *, train: bool, cache: str = "cache") -> MemSegDiffusionNetDataset:
        return MemSegDiffusionNetDataset(
            data_folder=str(self.work / "data"),
            train=train,
            train_pct=1.0 if train else 0.0,
            load_only_sampled_points=2000,
            cache_dir=str(self.work / cache),
            aug_prob_to_one=True,
            input_pixel_size=10.0,
            k_eig=128,
        )

    def _batch(self, item: dict[str, object]) -> dict[str, object]:
        return custom_collate([item])


def main() -> None:
    """Answer commands until there are no more."""
    case, work = Path(sys.argv[1]), Path(sys.argv[2])
    # Whatever the peer prints must not be read as an answer.
    with contextlib.redirect_stdout(sys.stderr):
        peer = Peer(case, work)
    sys.stdout.write(json.dumps({"ready": True}) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            answer = getattr(peer, json.loads(line)["do"])()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
