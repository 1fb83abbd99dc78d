"""A training from its data to its last word, in the worker's process."""

from __future__ import annotations

import logging
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from tomoscribe.errors import TomoscribeError
from tomoscribe.nets.state_dict import is_state_dict, load_state_dict
from tomoscribe.project.model import Role
from tomoscribe.project.training_data import load_training_data
from tomoscribe.tasks.checkpoint import read_checkpoint
from tomoscribe.tasks.table import get_task
from tomoscribe.training import provenance
from tomoscribe.training.callbacks.checkpoints import RUN_KEY, CheckpointKeeper
from tomoscribe.training.callbacks.context import TrainingContext, lightning_module
from tomoscribe.training.callbacks.control import ControlCallback, tell_labels
from tomoscribe.training.callbacks.final import preview_with_best
from tomoscribe.training.callbacks.previews import PreviewCallback
from tomoscribe.training.callbacks.progress import ProgressCallback
from tomoscribe.training.callbacks.toolbox import copy_best, extra_loggers
from tomoscribe.training.callbacks.validation import ValidationCallback, save
from tomoscribe.training.clock import TrainingClock
from tomoscribe.training.events import Finished, Started
from tomoscribe.training.status import State

if TYPE_CHECKING:
    from tomoscribe.project.model import TrainingData
    from tomoscribe.project.source import DataSource
    from tomoscribe.tasks.base import Task
    from tomoscribe.training.config import RunConfig
    from tomoscribe.training.devices import Device
    from tomoscribe.training.reporter import Reporter
    from tomoscribe.training.run import RunFolder
    from tomoscribe.training.steering import Steering
    from tomoscribe.training.turn import DeviceTurn


def train(
    run: RunFolder,
    reporter: Reporter,
    steering: Steering,
    turn: DeviceTurn,
    threads: int,
    task: Task | None = None,
) -> None:
    """Train a run to its end and say how it ended.

    Parameters
    ----------
    run : RunFolder
        What to train, and where everything goes.
    reporter, steering : Reporter, Steering
        The worker's mouth and ears.
    turn : DeviceTurn
        Where to train; the device is held already.
    threads : int
        CPU threads.
    task : Task, optional
        Instead of the one that the configuration names.
    """
    torch.set_num_threads(threads)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    # The run folder is new, and its metrics are ours.
    warnings.filterwarnings("ignore", message="Experiment logs directory")
    config = run.config()
    task = get_task(config.task) if task is None else task
    context = _prepare(run, config, reporter, steering, task, turn.device)
    previews = PreviewCallback(context)
    trainer = _make_trainer(context, previews, turn)
    reporter.update(state=State.RUNNING, message="")
    if not steering.stop_wanted:
        context.clock.start()
        try:
            trainer.fit(lightning_module(context.module))
        finally:
            previews.close()
    _finish(context, task)


def _prepare(
    run: RunFolder,
    config: RunConfig,
    reporter: Reporter,
    steering: Steering,
    task: Task,
    device: Device,
) -> TrainingContext:
    """Read the data, build the module, take a checkpoint over, tell what is about to happen."""
    reporter.update(
        message="Reading the data.", device=device.name, memory_bytes=device.memory_bytes
    )
    data = load_training_data(config.data, config.task)
    place = torch.device(device.name)
    steering.poll()
    state, weights_only = _first_state(run, config)
    if state is not None and is_state_dict(state):
        module = task.build(data, config.settings, place, None)
        load_state_dict(lightning_module(module), state, str(config.start_from))
    else:
        module = task.build(data, config.settings, place, state)
        if state is not None:
            module.restore(state, weights_only=weights_only)
    goes_on = {} if state is None or weights_only else state[RUN_KEY]
    clock = _make_clock(config, float(goes_on.get("elapsed_s", 0.0)))
    config = config.model_copy(
        update={
            "data": _keep_split(config.data, data),
            "plan": dict(module.plan),
            "versions": provenance.versions(),
            "data_hashes": provenance.data_hashes(data),
        }
    )
    run.write_config(config)
    first = int(goes_on.get("step", 0))
    planned = module.plan.get("steps")
    context = TrainingContext(
        run=run,
        config=config,
        module=module,
        data=data,
        device=place,
        reporter=reporter,
        steering=steering,
        clock=clock,
        keeper=CheckpointKeeper(run, reporter, config.settings.keep_best),
        step=first,
        first_step=first,
        labels_step=first if isinstance(planned, int) and first >= planned else 0,
    )
    _tell_start(context, device)
    return context


def _keep_split(source: DataSource, data: TrainingData) -> DataSource:
    """Return the data source with what validates now: other picks must not make another choice."""
    held = tuple(s.name for s in data.with_role(Role.VALIDATE))
    return source.model_copy(update={"validate_on": held})


def _tell_start(context: TrainingContext, device: Device) -> None:
    plan, data = dict(context.module.plan), context.data
    context.reporter.emit(
        Started(
            time=context.now(),
            step=context.step,
            device=device.name,
            memory_bytes=device.memory_bytes,
            precision=str(plan.get("precision", "float32")),
            plan=plan,
            train=[s.name for s in data.samples if s.role == "train"],
            validate=[s.name for s in data.samples if s.role == "validate"],
            reasons=context.module.reasons,
        )
    )
    context.reporter.note(step=context.step, budget_s=context.clock.budget_s)
    tell_labels(context, context.module.set_data(data))
    for warning in data.warnings:
        context.reporter.warn(warning)


def _make_clock(config: RunConfig, elapsed_s: float) -> TrainingClock:
    """Return the clock; a resumed run has what its parent left, or all anew if nothing is left."""
    budget = config.settings.max_minutes * 60
    return TrainingClock(budget, elapsed_s if elapsed_s < budget else 0.0)


def _first_state(run: RunFolder, config: RunConfig) -> tuple[dict[str, Any] | None, bool]:
    """Return the checkpoint to begin with, if any, and whether only its weights count."""
    start_from, ancestor = config.start_from, run.parent()
    while ancestor is not None:  # a run that was killed before its first checkpoint has none
        checkpoints = ancestor.checkpoints()
        named = [c for c in checkpoints if c.name == config.parent_checkpoint]
        if checkpoints:
            return read_checkpoint((named or checkpoints)[-1].path), False
        start_from = start_from or ancestor.config().start_from
        ancestor = ancestor.parent()
    return (None, False) if start_from is None else (read_checkpoint(Path(start_from)), True)


def _make_trainer(context: TrainingContext, previews: PreviewCallback, turn: DeviceTurn) -> Trainer:
    device = context.device
    kind = {"cuda": "gpu", "mps": "mps"}.get(device.type, "cpu")
    return Trainer(
        accelerator=kind,
        devices=[device.index or 0] if kind == "gpu" else 1,
        max_epochs=-1,
        accumulate_grad_batches=context.settings.accumulate,
        logger=[
            CSVLogger(context.run.metrics_dir, name="", version="", flush_logs_every_n_steps=1),
            TensorBoardLogger(context.run.metrics_dir, name="tensorboard", version=""),
            *extra_loggers(context),
        ],
        # In this order: what a step was, its weights for previews, what the user wants, and
        # what takes time. At the end previews are over before the last validation.
        callbacks=[
            ProgressCallback(context),
            previews,
            ControlCallback(context, turn),
            ValidationCallback(context),
        ],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
        use_distributed_sampler=False,
        default_root_dir=context.run.path,
    )


def _finish(context: TrainingContext, task: Task) -> None:
    """Tell what the best checkpoint says, or write the last one where the user wants an end."""
    stopped = context.steering.stop_wanted or context.reason == "stop"
    if stopped:
        save(context, None)
    else:
        context.reporter.update(message="Predicting with the best checkpoint.")
        preview_with_best(context, task)
    copy_best(context)
    best = next((c.name for c in context.keeper.kept() if c.best), None)
    reason = "stop" if stopped else context.reason
    context.reporter.say_last(
        Finished(time=time.time(), step=context.step, reason=reason, best=best),
        state=State.STOPPED if stopped else State.FINISHED,
        step=context.step,
        elapsed_s=context.clock.elapsed_s,
        message="Stopped; the checkpoint is written." if stopped else "",
    )
    if context.step == 0 and not stopped:
        raise TomoscribeError("The training made no step.")
