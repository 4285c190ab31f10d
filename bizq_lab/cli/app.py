"""The commands, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from pydantic import ValidationError

from bizq_lab import __version__
from bizq_lab.cli.output import Exit, exit_code, say
from bizq_lab.errors import BizqLabError

app = typer.Typer(
    name="bizq-lab",
    help="Route business tasks to the model that gives the best value, learn from the log, ship the weights.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit(Exit.OK)


def _register() -> None:
    """Attach each command; a module a group, so that none needs scrolling."""
    from bizq_lab.cli import config, demo, doctor, questions, record, tasks

    for module in (demo, tasks, questions, config, doctor, record):
        for command in module.COMMANDS:
            app.command()(command)


def run() -> NoReturn:
    """Run the command line and exit."""
    _register()
    try:
        code = app(standalone_mode=False)
    except BizqLabError as error:
        say(f"{type(error).__name__}: {error}")
        sys.exit(exit_code(error))
    except ValidationError as error:
        say(f"InputError: {_first(error)}")
        sys.exit(Exit.USAGE)
    except typer.Abort:
        say("Aborted.")
        sys.exit(Exit.ERROR)
    except Exception as error:
        usage = _usage(error)
        if usage is None:
            raise
        say(usage)
        sys.exit(Exit.USAGE)
    sys.exit(code or Exit.OK)


def _first(error: ValidationError) -> str:
    problems = (
        f"{'.'.join(map(str, item['loc']))}: {item['msg']}, got {item['input']!r:.80}" for item in error.errors()
    )
    return "; ".join(problems)


def _usage(error: Exception) -> str | None:
    """Click's usage errors, whichever copy of click typer brings along."""
    show = getattr(error, "format_message", None)
    if show is None:
        return None
    context = getattr(error, "ctx", None)
    where = "" if context is None else f"\nHint: {context.command_path} --help"
    return f"usage: {show()}{where}"
