"""`bizq-lab rollout start|check|promote|hold|rollback|history|list`: ramp an arm up, and take it back. Thin."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, emit, existing, read_key
from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from bizq_lab.tuning import Guardrail, RolloutReport, Rollouts

ConfigArgument = Annotated[Path, typer.Argument(help="The routing.json that production reads.")]
AsOf = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Today; default the clock's day.")]
Because = Annotated[str, typer.Option("--reason", help="Why; logged with the step.")]
Key = Annotated[Path | None, typer.Option(help="Ed25519 private key in PEM: the configs written are signed.")]
DEFAULT_LOG = Path("lab.duckdb")

app = typer.Typer(
    name="rollout",
    help="Ramp an arm up under guardrails; take it back when it disappoints.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def start(
    config: ConfigArgument,
    task_type: Annotated[str, typer.Option("--task-type", "-t", help="Where the arm ramps up.")],
    arm: Annotated[str, typer.Option("--arm", "-a", help="Arm id of the config.")],
    ramp: Annotated[str, typer.Option(help="Increasing shares in percent.")] = "10,25,50,100",
    guardrail: Annotated[
        list[str] | None,
        typer.Option("--guardrail", "-g", help="METRIC:MARGIN or METRIC:MARGIN:TOLERATED; repeat. Default: the usual."),
    ] = None,
    alpha: Annotated[float, typer.Option(help="Most probability of taking back what does no harm.")] = 0.05,
    min_hours: Annotated[float, typer.Option(help="Least age of a stage before it is left.")] = 24.0,
    expires_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this day on nothing is ramped any more.")
    ] = None,
    override: Annotated[str, typer.Option(help="Start against the evidence, for this logged reason.")] = "",
    log: LogPath = DEFAULT_LOG,
    key: Key = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Give an arm the first share of its ramp.

    Example: bizq-lab rollout start routing.json -t content.create_social_post -a luna --ramp 10,25,50,100
    """
    from bizq_lab.tuning import GUARDRAILS

    with _desk(config, log, key) as desk:
        report = desk.start(
            task_type=task_type,
            arm=arm,
            ramp=_shares(ramp),
            alpha=alpha,
            min_hours=min_hours,
            expires_on=expires_on and expires_on.date(),
            override=override,
            as_of=as_of and as_of.date(),
            guardrails=[_guardrail(text) for text in guardrail] if guardrail else GUARDRAILS,
        )
    _say(report, as_json=as_json)


@app.command()
def check(
    config: ConfigArgument, log: LogPath = DEFAULT_LOG, key: Key = None, as_of: AsOf = None, as_json: AsJson = False
) -> None:
    """Advance, hold or roll back, by what came in so far. For a scheduler: exits 3 when it rolled back.

    It also exits 3 while the split is broken, the config has expired, or somebody published another one.

    Example: bizq-lab rollout check routing.json --log lab.duckdb
    """
    with _desk(config, log, key) as desk:
        report = desk.check(as_of=as_of and as_of.date())
    _say(report, as_json=as_json)
    if report.alert:
        raise typer.Exit(Exit.ALERT)


@app.command()
def promote(
    config: ConfigArgument,
    reason: Because,
    log: LogPath = DEFAULT_LOG,
    key: Key = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Take the next step of the ramp by hand.

    Example: bizq-lab rollout promote routing.json --reason "reviewed 200 answers"
    """
    with _desk(config, log, key) as desk:
        report = desk.promote(reason=reason, as_of=as_of and as_of.date())
    _say(report, as_json=as_json)


@app.command()
def hold(config: ConfigArgument, reason: Because, log: LogPath = DEFAULT_LOG, as_json: AsJson = False) -> None:
    """Stay at this share until promoted or rolled back; checks go on watching.

    Example: bizq-lab rollout hold routing.json --reason "holiday week"
    """
    with _desk(config, log) as desk:
        report = desk.hold(reason=reason)
    _say(report, as_json=as_json)


@app.command()
def rollback(
    config: ConfigArgument,
    reason: Because,
    log: LogPath = DEFAULT_LOG,
    key: Key = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Restore what ran before, now; no evidence is asked for.

    Example: bizq-lab rollout rollback routing.json --reason "complaints"
    """
    with _desk(config, log, key) as desk:
        report = desk.rollback(reason=reason, as_of=as_of and as_of.date())
    _say(report, as_json=as_json)


@app.command()
def history(config: ConfigArgument, log: LogPath = DEFAULT_LOG, as_json: AsJson = False) -> None:
    """Every step of the rollout, with the looks that held.

    Example: bizq-lab rollout history routing.json --json
    """
    with _desk(config, log) as desk:
        emit(desk.history(), as_json=as_json)


@app.command(name="list")
def list_rollouts(log: LogPath = DEFAULT_LOG, as_json: AsJson = False) -> None:
    """Every rollout of the log, and where it stands.

    Example: bizq-lab rollout list --log lab.duckdb
    """
    from bizq_lab.store import Log
    from bizq_lab.tuning import rollouts

    with Log.open(existing(log)) as opened:
        emit(rollouts(opened), as_json=as_json)


@contextmanager
def _desk(config: Path, log: Path, key: Path | None = None) -> Iterator[Rollouts]:
    """The rollout of a file; its catalog is the config's, or the current one where the config cannot be read."""
    from bizq_lab.config import load_config
    from bizq_lab.errors import InvalidRoutingConfig
    from bizq_lab.lab import Lab

    try:
        catalog = load_config(config).catalog
    except InvalidRoutingConfig:
        catalog = "current"
    with Lab.open(log, catalog=catalog, providers={}) as lab:
        yield lab.rollout(config, author=_who(), private_key=None if key is None else read_key(key))


def _say(report: RolloutReport, *, as_json: bool) -> None:
    emit(report, as_json=as_json)


def _shares(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        message = f"ramp == {text!r}, must be whole percentages"
        raise InputError(message, hint="such as --ramp 10,25,50,100") from None


def _guardrail(text: str) -> Guardrail:
    from bizq_lab.tuning import Guardrail

    metric, *numbers = text.split(":")
    names = ("margin", "tolerated")
    if not 1 <= len(numbers) <= len(names):
        message = f"guardrail == {text!r}, must be METRIC:MARGIN or METRIC:MARGIN:TOLERATED"
        raise InputError(message, hint="such as --guardrail quality:0.03 --guardrail latency:0.2")
    return Guardrail.model_validate({"metric": metric, **dict(zip(names, numbers, strict=False))})


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
