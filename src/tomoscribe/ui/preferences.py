"""What the user prefers in all projects, as set in napari's Preferences under tomoscribe.

The class below has the defaults; the manifest repeats them for napari's page, and a test compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tomoscribe.tasks.settings import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.utils.events import EventedModel

PLUGIN = "tomoscribe"
GROUP = "general"
"""Key of the group in the manifest."""

_TRAINING = TrainingSettings()


class Preferences(BaseModel):
    """What holds for all projects; a training keeps what it was started with."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    device: str = Field(
        _TRAINING.device,
        title="Device",
        description="Where trainings and background predictions run: auto, cpu, cuda, cuda:1 or "
        "mps. auto takes the best that there is.",
    )
    threads: int = Field(
        0,
        ge=0,
        title="CPU threads",
        description="CPU threads of a training or a background prediction; 0 takes all but one, "
        "which is left to the viewer.",
    )
    preview_share: float = Field(
        _TRAINING.preview_share,
        ge=0,
        le=0.5,
        title="Preview budget",
        description="Largest share of the training time that previews may take, 0 to 0.5.",
    )
    max_minutes: float = Field(
        _TRAINING.max_minutes,
        gt=0,
        title="Training time (min)",
        description="Minutes that a training is given when you do not say otherwise.",
    )
    autosave_folder: str = Field(
        "",
        title="Folder for new projects",
        description="Where a project is made when you open a tomogram outside of one; empty: "
        "beside the tomogram.",
    )
    score_cache_mb: int = Field(
        1000,
        ge=64,
        title="Score cache (MB)",
        description="Memory for scores of checkpoints that were looked at, so that switching back "
        "is instant.",
    )

    @property
    def autosave(self) -> Path | None:
        """Folder of new projects; None: beside the tomogram."""
        return Path(self.autosave_folder).expanduser() if self.autosave_folder.strip() else None

    @property
    def worker_threads(self) -> int | None:
        """CPU threads of a worker; None: all but one."""
        return self.threads or None

    def training_settings(self) -> TrainingSettings:
        """Return the settings that a new training starts from."""
        return TrainingSettings(
            device=self.device,
            threads=self.worker_threads,
            preview_share=self.preview_share,
            max_minutes=self.max_minutes,
        )


def preferences() -> Preferences:
    """Return what the user prefers now; the defaults where this napari has no page for it."""
    stored = _stored()
    if stored is None:
        return Preferences()
    values = {name: getattr(stored, name) for name in Preferences.model_fields}
    try:
        return Preferences.model_validate(values)
    except ValidationError:  # a file that was edited by hand, or of an older version
        return Preferences()


def on_change(call: Callable[[], None]) -> Callable[[], None]:
    """Call whenever the user changes a preference; return what ends it.

    The call is held weakly if it is a method, as napari's events do.
    """
    stored = _stored()
    if stored is None:
        return lambda: None
    stored.events.connect(call)
    return lambda: stored.events.disconnect(call)


def _stored() -> EventedModel | None:
    """Return napari's copy of the preferences, None where there is none."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:  # older than the settings of plugins
        return None
    try:
        return getattr(get_plugin_settings(PLUGIN), GROUP, None)
    except KeyError:  # an installed manifest without them
        return None
