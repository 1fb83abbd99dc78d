from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
import typer

import tomoscribe
from tomoscribe.cli import main as cli
from tomoscribe.errors import TomoscribeError

Run = Callable[..., int | str | None]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Return a function that makes the command raise what it is given."""

    def use(error: BaseException) -> None:
        app = typer.Typer(pretty_exceptions_enable=False)

        @app.command()
        def fail() -> None:
            raise error

        monkeypatch.setattr(cli, "app", app)

    return use


def test_version_is_the_package_s(exit_code: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--version") == 0
    assert capsys.readouterr().out.strip() == f"tomoscribe {tomoscribe.__version__}"


@pytest.mark.parametrize("verb", [verb.__name__ for verb in cli.VERBS])
def test_every_verb_is_listed_and_explains_itself(
    exit_code: Run, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("--help") == 0
    assert f" {verb} " in capsys.readouterr().out
    assert exit_code(verb, "--help") == 0
    assert "Usage: tomoscribe" in capsys.readouterr().out


def test_error_of_the_user_is_one_sentence_on_stderr_and_exit_code_1(
    exit_code: Run, failing, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = "The file '/data/[odd] name.mrc' is no tomogram; " + "choose another, " * 10
    failing(TomoscribeError(sentence))
    assert exit_code() == 1
    captured = capsys.readouterr()
    assert captured.err == f"error: {sentence}\n"
    assert captured.out == ""


@pytest.mark.parametrize("args", [["no-such-verb"], ["predict"], ["open", "--no-such-option"]])
def test_wrong_usage_is_exit_code_2(
    exit_code: Run, args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(*args) == 2
    assert "Usage: tomoscribe" in capsys.readouterr().err


def test_a_value_that_is_no_choice_is_told_in_plain_words(
    exit_code: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("decode", "maps.zarr", "-o", "a.tif", "--kind", "flood") == 2
    told = capsys.readouterr().err
    assert "'--kind': 'flood' is not one of" in told
    assert "Value error" not in told


def test_interruption_is_exit_code_130(exit_code: Run, failing) -> None:
    failing(KeyboardInterrupt())
    assert exit_code() == 130


def test_defect_of_ours_keeps_its_traceback(failing) -> None:
    failing(ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError, match="ours"):
        cli.main([])


def test_command_is_installed() -> None:
    code = "from tomoscribe.cli.main import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code, "--version"], capture_output=True, text=True
    )
    assert result.returncode == 0
    assert result.stdout.strip() == f"tomoscribe {tomoscribe.__version__}"
