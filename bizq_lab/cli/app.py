"""The commands, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import io
import pkgutil
import sys
from importlib import import_module
from typing import NoReturn

import typer
from pydantic import ValidationError

import bizq_lab.cli
from bizq_lab import __version__
from bizq_lab.cli.output import Exit, exit_code, problems, say
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
    """Attach what every module of this package offers, once: its `COMMANDS`, or its `app` of several words."""
    if app.registered_commands:
        return
    for found in pkgutil.iter_modules(bizq_lab.cli.__path__):
        module = import_module(f"bizq_lab.cli.{found.name}")
        for command in getattr(module, "COMMANDS", ()):
            app.command(command.__name__.rstrip("_").replace("_", "-"))(command)  # `import_`: a word of Python's
        group = getattr(module, "app", app)
        if group is not app:
            app.add_typer(group)


def run() -> NoReturn:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without a character must not cost the answer
    _register()
    try:
        code = app(prog_name="bizq-lab", standalone_mode=False)
    except BizqLabError as error:
        say(f"{type(error).__name__}: {error}")
        sys.exit(exit_code(error))
    except ValidationError as error:
        say(f"InputError: {problems(error)}")
        sys.exit(Exit.USAGE)
    except typer.Abort:
        say("Aborted.")
        sys.exit(Exit.ERROR)
    except OSError as error:
        say(f"{type(error).__name__}: {error.strerror or error}: {error.filename!r}")
        sys.exit(Exit.ERROR)
    except Exception as error:
        usage = _usage(error)
        if usage is None:
            raise
        say(usage)
        sys.exit(Exit.USAGE)
    sys.exit(code or Exit.OK)


def _usage(error: Exception) -> str | None:
    """Click's usage errors, whichever copy of click typer brings along."""
    show = getattr(error, "format_message", None)
    if show is None:
        return None
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return str(show())
    where = "" if context is None else f"\nHint: {context.command_path} --help"
    return f"usage: {show()}{where}"
