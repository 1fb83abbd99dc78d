"""The command `tomoscribe`: its verbs, its exit codes, and how errors are told.

Exit codes: 0 done, 1 an error that the user can mend (one sentence on stderr),
2 wrong usage, 130 interrupted. A defect of ours keeps its traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand

import tomoscribe
from tomoscribe.cli import (
    cluster,
    compare,
    datasplit,
    decode,
    evaluate,
    export,
    info,
    mesh,
    orient,
    predict,
    relocate,
    runs,
    simulate,
    statistics,
    stats,
    train,
)
from tomoscribe.cli import open as open_
from tomoscribe.errors import TomoscribeError

VERBS: tuple[Callable[..., None], ...] = (
    open_.open,
    info.info,
    simulate.simulate,
    mesh.mesh,
    datasplit.datasplit,
    train.train,
    runs.runs,
    runs.stop,
    runs.resume,
    predict.predict,
    decode.decode,
    compare.compare,
    cluster.cluster,
    orient.orient,
    evaluate.evaluate,
    statistics.statistics,
    stats.stats,
    export.export,
    relocate.relocate,
)
"""In the order in which a user meets them; `--help` keeps it."""

INTERRUPTED = 130

app = typer.Typer(
    name="tomoscribe",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _Command(TyperCommand):
    """A verb whose wrong values are told without the words of the library that checks them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


for _verb in VERBS:
    app.command(cls=_Command)(_verb)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tomoscribe {tomoscribe.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Click a few particles, train, watch the model learn in napari, export the picks."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Parameters
    ----------
    args : sequence of str, optional
        Arguments after the command's name; those of the process if omitted.

    Raises
    ------
    SystemExit
        Always, with the exit code.
    """
    try:
        app(args=args, prog_name="tomoscribe")
    except TomoscribeError as error:
        # Text of ours may hold brackets and paths: neither markup nor wrapping may touch it.
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        console.print("error: ", style="bold red", end="")
        console.print(str(error), markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(0)
