from __future__ import annotations

from collections.abc import Callable

import pytest

from tomoscribe.cli import main as cli


@pytest.fixture
def exit_code() -> Callable[..., int | str | None]:
    """Return a function that runs the command line in this process and tells its exit code."""

    def run(*args: object) -> int | str | None:
        with pytest.raises(SystemExit) as stopped:
            cli.main([str(arg) for arg in args])
        return stopped.value.code

    return run
