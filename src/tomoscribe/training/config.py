"""`config.yaml` of a run: what was asked, and what was made of it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tomoscribe.project.source import DataSource
from tomoscribe.tasks.settings import TrainingSettings


class RunConfig(BaseModel):
    """Everything that a run is made from; together with the data it reproduces the run."""

    model_config = ConfigDict(extra="forbid")

    task: str = "tomogram"
    data: DataSource
    settings: TrainingSettings = TrainingSettings()
    parent: str | None = Field(None, description="run folder that this one goes on from")
    start_from: str | None = Field(None, description="checkpoint file with the first weights")
    sweep: str | None = Field(
        None, description="name that trainings share which were started together to be compared"
    )
    plan: dict[str, object] = Field(
        default_factory=dict, description="what the plan chose, filled by the worker"
    )
    versions: dict[str, str] = Field(default_factory=dict)
    data_hashes: dict[str, str] = Field(default_factory=dict)
