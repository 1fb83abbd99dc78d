"""The other programs' side of `peer_reads_ours.py`: run by the Python they are installed for.

    python peer_reads_ours_peer.py FOLDER

Writes told.json: pairs of what was tried and the error, empty where it worked.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


def container(folder: Path) -> None:
    """MemBrain-pick's reader."""
    from membrain_pick.dataloading.data_utils import load_mesh_from_hdf5

    mesh = load_mesh_from_hdf5(str(folder / "train" / "mb1.h5"))
    count = len(mesh["points"])
    assert mesh["normal_values"].shape == (count, 20)
    assert mesh["normals"].shape == (count, 3)
    assert mesh["faces"].max() < count
    assert float(mesh["pixel_size"]) == 1.0
    tomogram = mesh["tomo_file"]
    assert Path(tomogram.decode() if isinstance(tomogram, bytes) else str(tomogram)).exists()


def dataset(folder: Path) -> None:
    """MemBrain-pick's dataset, with labels from our STAR."""
    from membrain_pick.dataloading.diffusionnet_dataset import MemSegDiffusionNetDataset

    held = MemSegDiffusionNetDataset(
        data_folder=str(folder / "val"),
        input_pixel_size=10.0,
        k_eig=64,
        cache_dir=str(folder / "cache"),
        diffusion_operator_params={
            "k_eig": 64,
            "use_precomputed_normals": True,
            "normalize_verts": False,
            "hks_features": False,
            "augment_random_rotate": False,
            "aggregate_coordinates": False,
            "random_sample_thickness": False,
            "use_faces": True,
            "cache_dir": str(folder / "cache" / "operators"),
        },
    )
    labels = np.concatenate([np.asarray(held[i]["label"]).reshape(-1) for i in range(len(held))])
    assert np.isfinite(labels).all()
    assert labels.min() < 3 < labels.max()


def training_step(folder: Path) -> None:
    """One epoch of MemBrain-pick's own training."""
    from membrain_pick.train import train

    train(
        data_dir=str(folder),
        training_dir=str(folder / "run"),
        partition_size=2000,
        augment_all=True,
        aug_prob_to_one=True,
        input_pixel_size=10.0,
        k_eig=64,
        N_block=4,
        C_width=16,
        conv_width=16,
        dropout=False,
        device="cpu",
        one_D_conv_first=True,
        max_epochs=1,
        num_workers=0,
    )
    assert list((folder / "run").rglob("*.ckpt"))


def prediction(folder: Path) -> None:
    """MemBrain-pick's own prediction of our container."""
    from membrain_pick.predict import predict

    checkpoint = sorted((folder / "run").rglob("*.ckpt"))[0]
    predict(
        data_dir=str(folder / "test"),
        ckpt_path=str(checkpoint),
        out_dir=str(folder / "predicted"),
        input_pixel_size=10.0,
        k_eig=64,
        N_block=4,
        C_width=16,
        conv_width=16,
        num_workers=0,
    )
    assert list((folder / "predicted").glob("*.h5"))


def surforama_obj(folder: Path) -> None:
    """Surforama's napari reader of meshes."""
    from surforama.io._reader_plugin import mesh_reader_plugin

    path = str(folder / "ours" / "mb1.obj")
    reader = mesh_reader_plugin(path)
    assert reader is not None
    ((data, _, kind),) = reader(path)
    assert kind == "surface"
    assert len(data[0]) > 1000


def surforama_star(folder: Path) -> None:
    """Surforama's napari reader of picks, with their orientations."""
    from surforama.io._reader_plugin import star_reader_plugin

    path = str(folder / "scored_clusters.star")
    reader = star_reader_plugin(path)
    assert reader is not None
    points = reader(path)[0]
    assert len(points[0]) > 3


def surforama_h5(folder: Path) -> None:
    """Do what MemBrain-pick's `surforama` command does with a container: a napari surface."""
    from membrain_pick.dataloading.data_utils import load_mesh_from_hdf5
    from napari.layers import Surface

    mesh = load_mesh_from_hdf5(str(folder / "ours" / "mb1.h5"))
    layer = Surface((mesh["points"], mesh["faces"], mesh["normal_values"][:, 0]))
    assert len(layer.vertices) == len(mesh["points"])


TRIED: dict[str, Callable[[Path], None]] = {
    "MemBrain-pick reads our container": container,
    "MemBrain-pick's dataset loads it with our STAR": dataset,
    "MemBrain-pick trains an epoch on our folders": training_step,
    "MemBrain-pick predicts our container": prediction,
    "surforama reads our .obj": surforama_obj,
    "surforama reads the STAR of tomoscribe cluster": surforama_star,
    "napari shows our container as MemBrain-pick's viewer does": surforama_h5,
}


def main(folder: Path) -> None:
    """Try all of it and write what happened."""
    told = []
    for what, work in TRIED.items():
        error = ""
        try:
            work(folder)
        except Exception as trouble:  # noqa: BLE001 - whatever it is, it is told
            traceback.print_exc()
            error = f"{type(trouble).__name__}: {trouble}"[:300]
        told.append((what, error))
    (folder / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
