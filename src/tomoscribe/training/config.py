"""`config.yaml` of a run: what was asked, and what was made of it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tomoscribe.project.source import DataSource
from tomoscribe.tasks.settings import TrainingSettings


class ToolboxRun(BaseModel):
    """What a configuration of the CellMap toolbox asks of a run besides its settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model_name: str = Field(description="its checkpoints are found by this name")
    steps_per_epoch: int = Field(gt=0, description="batches of an epoch")
    best_copy: str | None = Field(
        None,
        description="where the best checkpoint is copied to at the end; {model_name} and {epoch} "
        "are filled in",
    )
    tensorboard: str | None = Field(
        None, description="folder for TensorBoard, besides the run's own"
    )


class RunConfig(BaseModel):
    """Everything that a run is made from; together with the data it reproduces the run."""

    model_config = ConfigDict(extra="forbid")

    task: str = "tomogram"
    data: DataSource
    settings: TrainingSettings = TrainingSettings()
    parent: str | None = Field(None, description="run folder that this one goes on from")
    parent_checkpoint: str | None = Field(
        None, description="which checkpoint of that run; default the last"
    )
    start_from: str | None = Field(None, description="checkpoint file with the first weights")
    sweep: str | None = Field(
        None, description="name that trainings share which were started together to be compared"
    )
    toolbox: ToolboxRun | None = Field(
        None, description="what a configuration of the CellMap toolbox asked for"
    )
    plan: dict[str, object] = Field(
        default_factory=dict, description="what the plan chose, filled by the worker"
    )
    versions: dict[str, str] = Field(default_factory=dict)
    data_hashes: dict[str, str] = Field(default_factory=dict)
