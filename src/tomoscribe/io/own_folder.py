"""Where locks, caches and remembered answers of this user lie on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

VARIABLE = "TOMOSCRIBE_STATE_DIR"
"""Environment variable that names another folder than the user's cache folder."""


def own_folder() -> Path:
    """Return the folder; it may not exist yet."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("tomoscribe"))
