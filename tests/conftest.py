"""What all tests share: the folder of real data, and waiting that fails loudly."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long something takes says more of the machine than of the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

POLL_S = 0.01


@pytest.fixture(scope="session", autouse=True)
def _own_state_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep locks, caches and remembered answers of tests away from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOMOSCRIBE_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real data and benchmark cases; tests that need it are skipped without it."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("TOMOSCRIBE_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; set TOMOSCRIBE_SHARED to the folder that holds it")
    return folder


def _wait_until(
    condition: Callable[[], object],
    timeout: float = 30.0,
    what: str = "the condition",
    poll: Callable[[], object] | None = None,
) -> None:
    never = threading.Event()
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout:g} s in vain for {what}")
        if poll is not None:
            poll()
        never.wait(POLL_S)


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    """Return `wait_until(condition, timeout, what, poll=None)`, which fails when it is too late.

    `poll` is called between two looks, for example `QApplication.processEvents`.
    """
    return _wait_until
