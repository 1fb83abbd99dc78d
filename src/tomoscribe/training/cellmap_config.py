"""A training configuration of the CellMap toolbox as a run of ours."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.remote import is_address
from tomoscribe.project.datasplit_make import SEARCH_PATH, make_datasplit
from tomoscribe.project.default_task import SEMANTIC
from tomoscribe.project.source import DataSource, LabelFiles
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import cellmap_calls as calls
from tomoscribe.training.cellmap_keys import FROM_FILE, MODELS
from tomoscribe.training.cellmap_turns import turns
from tomoscribe.training.config import RunConfig, ToolboxRun
from tomoscribe.training.launch import list_runs
from tomoscribe.training.setting_keys import flat_values, with_values

if TYPE_CHECKING:
    from tomoscribe.project.datasplit_make import Sizes
    from tomoscribe.training.cellmap_file import ReadConfig
    from tomoscribe.training.cellmap_keys import CellMapConfig
    from tomoscribe.training.run import CheckpointInfo, RunFolder

NO_LIMIT_MINUTES = 60.0 * 24 * 365
"""The steps end a training that was given in epochs."""

_SAME_SCALE = 0.01

_WIDTH = "ngf"
_OPTIONS = {"n_blocks": "blocks", "n_downsampling": "downsamplings", "use_dropout": "dropout"}
"""Options of the toolbox's networks by their names here."""
_OF_NETWORK = {
    "unet": ("levels",),
    "resnet": ("blocks", "downsamplings", "dropout"),
    "vit": ("levels", "layers", "heads", "dropout"),
}
"""Which of our networks knows which options besides its width."""
_KNOWN_OTHERWISE = {
    "ndims", "input_nc", "output_nc", "n_channels", "n_classes", "in_channels", "out_channels",
    "num_classes", "img_size", "vis", "trilinear", "bilinear", "padding_type", "norm_layer",
}  # fmt: skip
"""Options that follow from the data here, or that need no choice."""


@dataclass(frozen=True)
class Prepared:
    """A run to be started, where, and what the user should know before."""

    config: RunConfig
    runs_dir: Path
    notes: tuple[str, ...]


def prepare(
    read: ReadConfig, runs_folder: str, overrides: dict[str, object], task: str = SEMANTIC
) -> Prepared:
    """Return the run that a configuration asks for; its datasplit is made if it is missing.

    Parameters
    ----------
    read : ReadConfig
    runs_folder : str
        Name of the folder of runs beside the configuration.
    overrides : dict
        Settings of ours by key that count over it.
    task : str
        `semantic`, as the toolbox trains, or `instance`.

    Raises
    ------
    TomoscribeError
        If keys do not fit each other, or no crop is found.
    """
    config, base = read.config, base_folder(read)
    runs_dir = base / runs_folder
    if is_address(config.model_save_path):
        raise TomoscribeError(
            f"model_save_path = {config.model_save_path!r} cannot be: checkpoints are copied to a "
            "folder of this system; give one."
        )
    notes = [*read.notes]
    settings = with_values(_settings(config, notes), overrides)
    source = DataSource(
        kind="datasplit",
        voxels=LabelFiles(
            csv=_datasplit(config, base, notes),
            classes=config.classes,
            scale_zyx_nm=_scale(config),
        ),
    )
    run = RunConfig(
        task=task,
        data=source,
        settings=settings,
        toolbox=ToolboxRun(
            model_name=config.model_name,
            steps_per_epoch=config.iterations_per_epoch,
            best_copy=_placed(base, config.model_save_path),
            tensorboard=_placed(base, config.logs_save_path.replace(_MODEL, config.model_name)),
        ),
    )
    return Prepared(run, runs_dir, tuple(notes))


_MODEL = "{model_name}"


def base_folder(read: ReadConfig) -> Path:
    """Return the folder that a configuration's relative paths count from."""
    beside = read.path.absolute().parent
    given = read.config.base_experiment_path
    return beside if given is None else beside / Path(given).expanduser()


def _placed(base: Path, path: str) -> str:
    return path if is_address(path) else str(base / Path(path).expanduser())


def _settings(config: CellMapConfig, notes: list[str]) -> TrainingSettings:
    net, dimension = _network(config)
    limit = config.validation_batch_limit
    optimization, rate = calls.optimization(config, notes)
    voxels: dict[str, Any] = {
        "net": net,
        "dimension": dimension,
        "window_zyx": _window(config, notes),
        "overlap": not config.use_mutual_exclusion,
        "class_weights": config.weight_loss,
        "centred": 0.5 if config.weighted_sampler else 0.0,
        **turns(config, dimension, notes),
        "clip_gradients": config.max_grad_norm,
        "validation_s": config.validation_time_limit,
        "validation_boxes": None if limit is None else limit * config.batch_size,
        **optimization,
        **calls.loss(config, notes),
        **calls.variation(config, notes),
    }
    values: dict[str, Any] = {
        "bin": 1,  # the scale is chosen by the configuration
        "batch": config.batch_size,
        "accumulate": config.gradient_accumulation_steps,
        "learning_rate": rate,
        "max_steps": config.max_steps,
        "max_minutes": NO_LIMIT_MINUTES,
        "validate_every_steps": config.iterations_per_epoch,
        "seed": config.random_seed,
        "device": config.device or "auto",
    }
    options = _net_options(config, net)
    if _WIDTH in options:
        values["width"] = options.pop(_WIDTH)
    voxels["net_options"] = options
    values |= {f"voxels.{key}": value for key, value in voxels.items()}
    return with_values(TrainingSettings(), values)


def _net_options(config: CellMapConfig, net: str) -> dict[str, Any]:
    """Return the options of a network by their names here.

    Raises
    ------
    TomoscribeError
        If the network does not know one.
    """
    found = {}
    allowed = (_WIDTH, *_OF_NETWORK.get(net, ()))
    for key, value in config.model_kwargs.items():
        name = _OPTIONS.get(key, key)
        if key in _KNOWN_OTHERWISE:
            continue
        if net != FROM_FILE and name not in allowed:
            theirs = {ours: key for key, ours in _OPTIONS.items()}
            known = ", ".join(theirs.get(ours, ours) for ours in allowed)
            raise TomoscribeError(
                f"model_kwargs has '{key}', which the model '{config.model or config.model_name}' "
                f"does not know: there are {known}."
            )
        found[name] = value
    return found


def _network(config: CellMapConfig) -> tuple[str, str]:
    """Return our network and its dimension.

    Raises
    ------
    TomoscribeError
        If there is no such network, or the window is of another dimension.
    """
    name = config.model or config.model_name
    flat = config.input_array_info.shape[0] == 1
    if name == FROM_FILE:
        return FROM_FILE, "2d" if flat else "3d"
    if name not in MODELS:
        near = difflib.get_close_matches(name, MODELS, 1)
        meant = f"'{near[0]}' is meant?" if near else f"there are: {', '.join(MODELS)}."
        raise TomoscribeError(f"There is no model_name '{name}': {meant}")
    net, dimension = MODELS[name]
    if flat == (dimension == "3d"):
        shape = " x ".join(map(str, config.input_array_info.shape))
        raise TomoscribeError(
            f"The model '{name}' does not fit the input of {shape} voxels (z, y, x): give a "
            f"{'2d' if flat else '3d'} model_name, or another shape in input_array_info."
        )
    return net, dimension


def _scale(config: CellMapConfig) -> Sizes:
    """Return the voxel edges in nm of what is learned and predicted: the target's."""
    target = config.target_array_info
    return config.input_array_info.scale if target is None else target.scale


def _window(config: CellMapConfig, notes: list[str]) -> tuple[int, int, int]:
    """Return the voxels of a window: as much of the image as the input, in the target's voxels."""
    given, target = config.input_array_info, config.target_array_info
    scale = _scale(config)
    ratios = [a / b for a, b in zip(given.scale, scale, strict=True)]
    if max(abs(ratio - 1) for ratio in ratios) <= _SAME_SCALE:
        if target is not None and target.shape != given.shape:
            notes.append("The whole window of the input is learned, not only the target's shape.")
        return given.shape
    z, y, x = (
        n if n == 1 else max(2, round(n * ratio))
        for n, ratio in zip(given.shape, ratios, strict=True)
    )
    notes.append(
        f"Images are opened at the target's scale, {' x '.join(f'{s:g}' for s in scale)} nm, and a "
        f"window of {z} x {y} x {x} such voxels shows as much as the input's (z, y, x)."
    )
    return z, y, x


def _datasplit(config: CellMapConfig, base: Path, notes: list[str]) -> Path:
    """Return the datasplit; one that is not there is made."""
    csv = base / Path(config.datasplit_path).expanduser()
    if csv.exists():
        return csv
    fine = config.filter_by_scale
    scale = None if fine is False else config.input_array_info.scale
    if not isinstance(fine, bool):
        scale = (fine,) * 3 if isinstance(fine, float) else fine
    made = make_datasplit(
        config.classes,
        scale_zyx_nm=scale,
        force_all_classes=config.force_all_classes,
        validation_prob=config.validation_prob,
        csv_path=csv,
        s3=config.use_s3,
        seed=config.random_seed,
        search_path=None if config.use_s3 else str(base / SEARCH_PATH),
    )
    used = [row.usage for row in made.rows]
    notes.append(
        f"{csv} was made; crops that train: {used.count('train')}, that validate: "
        f"{used.count('validate')}."
    )
    notes += made.notes
    return csv


def begun_with_run(prepared: Prepared, read: ReadConfig) -> Prepared:
    """Return a run that goes on from the checkpoint which `load_model` means, if there is one.

    Raises
    ------
    TomoscribeError
        If all epochs are done already, or the newest run of the model still goes on.
    """
    run, config = prepared.config, read.config
    wanted, best = config.model_to_load or config.model_name, config.load_model == "best"
    found = find_checkpoint(prepared.runs_dir, wanted, best=best, task=run.task)
    if found is None:
        return prepared
    parent, checkpoint = found
    if wanted != config.model_name:
        note = f"Begins with the weights of {parent.name} ({checkpoint.name})."
        begun = run.model_copy(update={"start_from": str(checkpoint.path.absolute())})
        return replace(prepared, config=begun, notes=(*prepared.notes, note))
    limit = run.settings.max_steps
    if limit is not None and checkpoint.step >= limit:
        epochs = limit / config.iterations_per_epoch
        raise TomoscribeError(
            f"{parent.name} has made all of its {epochs:g} epochs: raise epochs to go on, or to "
            f"begin anew give another model_name, with {_architecture(config)}."
        )
    epoch = checkpoint.step / config.iterations_per_epoch
    notes = [f"Goes on from {parent.name}, epoch {epoch:g} of {config.epochs}."]
    if changed := _changes(parent.config(), run):
        notes.append(f"From here on with what {parent.name} had otherwise: {', '.join(changed)}.")
    update = {"parent": parent.name, "parent_checkpoint": checkpoint.name}
    begun = run.model_copy(update=update)
    return replace(prepared, config=begun, notes=(*prepared.notes, *notes))


def _architecture(config: CellMapConfig) -> str:
    """Return how a file says which network it is, whatever model_name says."""
    name = config.model or config.model_name
    return "the file's own model" if name == FROM_FILE else f"'{name}' as its model"


def _changes(before: RunConfig, now: RunConfig) -> list[str]:
    """Return what of a training is asked for otherwise than before, its length left aside."""
    mine, theirs = flat_values(now.settings), flat_values(before.settings)
    told = [
        f"{key} = {mine[key]}"
        for key in mine
        if mine[key] != theirs[key] and key not in ("max_steps", "max_minutes")
    ]
    new, old = now.data.voxels.absolute(), before.data.voxels.absolute()
    told += [f"classes = {', '.join(new.classes)}"] if new.classes != old.classes else []
    told += ["another scale"] if new.scale_zyx_nm != old.scale_zyx_nm else []
    told += [f"the datasplit {new.csv}"] if new.csv != old.csv else []
    return told


def find_checkpoint(
    runs_dir: Path, model_name: str, *, best: bool, task: str = SEMANTIC
) -> tuple[RunFolder, CheckpointInfo] | None:
    """Return the newest checkpoint of a model's runs, or the one with the best score; None: none.

    Raises
    ------
    TomoscribeError
        If the newest run still goes on.
    """
    infos = [info for info in list_runs(runs_dir) if info.task]
    mine = []
    for info in infos:
        toolbox = info.run.config().toolbox
        if toolbox is not None and toolbox.model_name == model_name and info.task == task:
            mine.append(info)
    if mine and mine[-1].state.alive:
        raise TomoscribeError(f"The run {mine[-1].run.name} of this model still goes on; stop it.")
    found = [(info.run, checkpoint) for info in mine for checkpoint in info.run.checkpoints()]
    if not found:
        return None
    scored = [pair for pair in found if pair[1].score is not None]
    if best and scored:
        return max(scored, key=lambda pair: (pair[1].score or 0.0, pair[1].step))
    return found[-1]
