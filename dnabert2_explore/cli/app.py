"""The typer application, its commands, and how their errors reach the terminal."""

from __future__ import annotations

import errno
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .. import __version__
from ..errors import Cancelled, ExploreError, panics_told
from ..extras import translated
from .common import terminating_as_interrupted
from .compute.attribute import attribute
from .compute.embed import embed
from .compute.export import export
from .compute.motifs import motifs
from .compute.predict import predict
from .compute.reproduce import reproduce
from .compute.tokenize import tokenize
from .compute.variants import variants
from .info import info
from .look.docs import docs
from .look.lab import lab
from .look.lessons import lessons
from .look.mcp import mcp
from .look.page import page
from .look.workbench import workbench
from .models.bench import bench
from .models.export_model import export_model
from .models.finetune import finetune
from .models.gue import gue
from .models.train import pretrain, train_tokenizer
from .recorded import Recorded

__all__ = ["app", "main"]


class _OneSentenceErrors(TyperGroup):
    """A group whose commands report errors made on purpose as one sentence, not a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            with terminating_as_interrupted(), panics_told(), translated():
                return super().invoke(ctx)
        except Cancelled as error:
            print(f"dnabert2-explore: {error}", file=sys.stderr)
            raise typer.Exit(130) from None
        except KeyboardInterrupt:
            print("dnabert2-explore: stopped", file=sys.stderr)
            raise typer.Exit(130) from None
        except ExploreError as error:
            print(f"dnabert2-explore: {error}", file=sys.stderr)
            raise typer.Exit(1) from error
        except MemoryError as error:
            print(
                "dnabert2-explore: the memory that this process may take is used up: give fewer or "
                "shorter sequences at once, or windows of them",
                file=sys.stderr,
            )
            raise typer.Exit(1) from error
        except OSError as error:
            # A reader that went away (`| head`) is typer's to handle; a full disk is the user's.
            if error.errno == errno.EPIPE or error.strerror is None:
                raise
            where = f"{error.filename}: " if error.filename else ""
            print(f"dnabert2-explore: {where}{error.strerror}", file=sys.stderr)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_OneSentenceErrors,
    name="dnabert2-explore",
    help="See DNA the way DNABERT-2 sees it.",
    epilog="Start with:  dnabert2-explore lab",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"dnabert2-explore {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """See DNA the way DNABERT-2 sees it: tokens, attention, attributions, embeddings."""


app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": False},
    rich_help_panel="Look",
)(lab)
app.command(
    "app",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": False},
    rich_help_panel="Look",
)(workbench)
app.command(rich_help_panel="Look")(lessons)
app.command(rich_help_panel="Look")(docs)
app.command(cls=Recorded, rich_help_panel="Compute")(tokenize)
app.command(cls=Recorded, rich_help_panel="Compute")(embed)
app.command(cls=Recorded, rich_help_panel="Compute")(predict)
app.command(rich_help_panel="Compute")(export)
app.command(cls=Recorded, rich_help_panel="Compute")(attribute)
app.command(cls=Recorded, rich_help_panel="Compute")(motifs)
app.command(cls=Recorded, rich_help_panel="Compute")(variants)
app.command("export-model", rich_help_panel="Compute")(export_model)
app.command(cls=Recorded, rich_help_panel="Compute")(page)
app.command(rich_help_panel="Compute")(reproduce)
app.command(rich_help_panel="Look")(mcp)
app.command(rich_help_panel="Compute")(bench)
app.command("train-tokenizer", rich_help_panel="Train")(train_tokenizer)
app.command(rich_help_panel="Train")(pretrain)
app.command(rich_help_panel="Train")(finetune)
app.add_typer(gue, name="gue", rich_help_panel="Train")
app.command(rich_help_panel="Look")(info)


def main() -> None:
    """Run the command line; the console script's entry point."""
    app()
