"""`bizq-lab experiment plan|run|start|watch|stop|result|list`: comparisons of arms. The work is `experiments`' own."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, Preset, emit, existing, say
from bizq_lab.cli.reading import read_tasks
from bizq_lab.errors import InputError, NotEnoughData

if TYPE_CHECKING:
    from bizq_lab.analysis import Watch
    from bizq_lab.config import RoutingConfig
    from bizq_lab.experiments.tester import Source
    from bizq_lab.lab import Lab

DEFAULT_LOG = Path("lab.duckdb")
Providers = Literal["live", "simulated"]
OfType = Annotated[str, typer.Option("--task-type", "-t", help="What to compare on.")]
Arms = Annotated[str, typer.Option(help="Arm ids or model keys, comma-separated; the first is the control.")]
Name = Annotated[str, typer.Argument(help="The experiment's id.")]
Config = Annotated[Path | None, typer.Option("--config", help="The published routing.json.")]
Online = Annotated[bool, typer.Option("--online", help="Split live traffic instead of giving all arms the same tasks.")]
Unit = Annotated[Literal["workspace", "task"], typer.Option(help="What sticks to an arm of a split.")]
Weights = Annotated[str, typer.Option(help='Shares of a split as JSON, such as {"a": 90, "b": 10}.')]
Size = Annotated[int | None, typer.Option("--sample-size", "-n", help="Tasks per arm.")]
Repeats = Annotated[int, typer.Option(min=1, help="Executions of each task by each arm.")]
Primary = Annotated[str, typer.Option(help="The metric that decides: success, quality, cost, latency, rating.")]
Margin = Annotated[float | None, typer.Option(help="Non-inferiority margin, in the metric's unit.")]
Effect = Annotated[float | None, typer.Option("--minimum-effect", help="Smallest difference that matters.")]
MaxCost = Annotated[float | None, typer.Option("--max-cost", help="Most USD that the experiment may spend.")]
FromTasks = Annotated[
    str | None,
    typer.Option("--tasks", help="Where the tasks come from: bundled, logged, or a JSONL file, `-` for stdin."),
]
Anytime = Annotated[bool, typer.Option("--anytime", help="May be looked at whenever one likes; splits always may.")]
Provider = Annotated[Providers, typer.Option(help="`simulated` answers from a world with known truth.")]

app = typer.Typer(
    name="experiment", help="Plan, run, watch and read comparisons.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def plan(
    task_type: OfType,
    arms: Arms,
    log: LogPath = DEFAULT_LOG,
    config: Config = None,
    online: Online = False,
    unit: Unit = "workspace",
    weights: Weights = "",
    sample_size: Size = None,
    repeats: Repeats = 1,
    primary: Primary = "success",
    margin: Margin = None,
    minimum_effect: Effect = None,
    tasks: FromTasks = None,
    anytime: Anytime = False,
    max_cost: MaxCost = None,
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """Size, minutes, cost in USD and power of an experiment; nothing is sent or logged. Exits 3 if underpowered.

    Example: bizq-lab experiment plan -t customer.process_return --arms local/smollm2-135m,openai/gpt-6-luna
    """
    with _lab(log, config, catalog, "simulated") as lab:
        made = lab.experiment().plan(
            task_type,
            _names(arms),
            tasks=_source(tasks),
            design="randomised" if online else "paired",
            unit=unit,
            weights=_shares(weights),
            reading="anytime" if anytime or online else "fixed",
            sample_size=sample_size,
            repeats=repeats,
            primary_metric=primary,
            margin=margin,
            minimum_effect=minimum_effect,
            max_cost_usd=max_cost,
        )
    emit(made, as_json=as_json)
    if made.underpowered:
        raise typer.Exit(Exit.ALERT)


@app.command()
def run(
    task_type: OfType,
    arms: Arms,
    log: LogPath = DEFAULT_LOG,
    config: Config = None,
    sample_size: Size = None,
    repeats: Repeats = 1,
    primary: Primary = "success",
    margin: Margin = None,
    tasks: FromTasks = None,
    anytime: Anytime = False,
    max_cost: MaxCost = None,
    provider: Provider = "live",
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """Give every arm the same tasks in random order, and compare.

    Example: bizq-lab experiment run -t customer.process_return --arms local/smollm2-135m,openai/gpt-6-luna --max-cost 1
    """
    with _lab(log, config, catalog, provider) as lab:
        found = lab.experiment().run_model_comparison(
            task_type,
            _names(arms),
            _source(tasks),
            sample_size=sample_size,
            repeats=repeats,
            primary_metric=primary,
            margin=margin,
            reading="anytime" if anytime else "fixed",
            max_cost_usd=max_cost,
        )
    emit(found, as_json=as_json)


@app.command()
def start(
    task_type: OfType,
    arms: Arms,
    config: Annotated[Path, typer.Option("--config", help="The routing.json to write; made if need be.")],
    log: LogPath = DEFAULT_LOG,
    unit: Unit = "workspace",
    weights: Weights = "",
    sample_size: Size = None,
    primary: Primary = "success",
    margin: Margin = None,
    minimum_effect: Effect = None,
    max_cost: MaxCost = None,
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """Split live traffic: the plan is registered, then the routing config carries the split until it is stopped.

    Example: bizq-lab experiment start -t customer.process_return --arms default,openai/gpt-6-luna --config routing.json
    """
    with _lab(log, config if config.exists() else None, catalog, "simulated") as lab:
        tester = lab.experiment()
        made = tester.plan(
            task_type,
            _names(arms),
            design="randomised",
            unit=unit,
            weights=_shares(weights),
            sample_size=sample_size,
            primary_metric=primary,
            margin=margin,
            minimum_effect=minimum_effect,
            max_cost_usd=max_cost,
        )
        tester.start(made, lab.config or _first(lab), config)
    say(f"{made.experiment} runs: {config} carries it")
    emit(made, as_json=as_json)


@app.command()
def watch(
    experiment: Name,
    log: LogPath = DEFAULT_LOG,
    config: Annotated[
        Path | None, typer.Option("--config", help="Take the split out of it once a look says so.")
    ] = None,
    every: Annotated[float, typer.Option(min=0, help="Look again after so many seconds; 0 looks once.")] = 0.0,
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """Look: an interval that holds at all looks. Exits 3 when a guardrail or a broken split stopped the experiment.

    Example: bizq-lab experiment watch exp_1f6a --config routing.json --every 3600
    """
    with _lab(existing(log), config, catalog, "simulated") as lab:
        seen = _look(lab, experiment, wait=every > 0)
        while every and (seen is None or not seen.stop):
            time.sleep(every)
            seen = _look(lab, experiment, wait=True)
        running = lab.config is not None and any(spec.id == experiment for spec in lab.config.experiments)
        if running and seen is not None and seen.stop and config is not None and lab.config is not None:
            lab.experiment().stop(experiment, lab.config, config, reason=seen.stop)
            say(f"{experiment} stopped: {config} no longer carries it")
    if seen is not None:
        emit(seen, as_json=as_json)
        if seen.stop in ("guardrail", "invalid"):
            raise typer.Exit(Exit.ALERT)


@app.command()
def stop(
    experiment: Name,
    config: Annotated[Path, typer.Option("--config", help="The routing.json that carries it.")],
    log: LogPath = DEFAULT_LOG,
    reason: Annotated[str, typer.Option(help="Why, as logged.")] = "asked",
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """Take a split out of the routing config; what was logged stays.

    Example: bizq-lab experiment stop exp_1f6a --config routing.json
    """
    with _lab(existing(log), config, catalog, "simulated") as lab:
        if lab.config is None:
            raise InputError("no config", hint="name the routing.json that carries the experiment")
        after = lab.experiment().stop(experiment, lab.config, config, reason=reason)
    emit({"experiment": experiment, "config": str(config), "hash": after.hash}, as_json=as_json, text=str(config))


@app.command()
def result(experiment: Name, log: LogPath = DEFAULT_LOG, as_json: AsJson = False) -> None:
    """The verdict, from the log alone, by the plan that was registered before the first task.

    Example: bizq-lab experiment result exp_1f6a --json
    """
    with _lab(existing(log), None, "current", "simulated") as lab:
        emit(lab.experiment().analyze(experiment), as_json=as_json)


@app.command("list")
def list_(log: LogPath = DEFAULT_LOG, as_json: AsJson = False) -> None:
    """Every experiment of the log: what it compares, and what has become of it.

    Example: bizq-lab experiment list
    """
    with _lab(existing(log), None, "current", "simulated") as lab:
        emit(lab.experiments(), as_json=as_json)


def _lab(log: Path, config: Path | None, catalog: str, providers: Providers) -> Lab:
    from bizq_lab.lab import Lab

    return Lab.open(log, config=config, catalog=catalog, providers=providers)


def _look(lab: Lab, experiment: str, *, wait: bool) -> Watch | None:
    """A look; None where there is nothing to see yet and the caller will come back."""
    try:
        return lab.experiment().watch(experiment)
    except NotEnoughData as error:
        lab.experiment().registered(experiment)
        if not wait:
            raise
        say(error.message)
        return None


def _first(lab: Lab) -> RoutingConfig:
    """A first config, in which the rules route everything."""
    from datetime import UTC, datetime

    from bizq_lab.config import RoutingConfig

    return RoutingConfig.start(lab.catalog, as_of=datetime.fromtimestamp(lab.clock.now_us() / 1e6, UTC).date())


def _source(tasks: str | None) -> Source | None:
    """Where tasks come from, as an experiment takes it."""
    match tasks:
        case None | "bundled" | "logged":
            return tasks
    return list(read_tasks(Path(tasks), None, "{}"))


def _names(arms: str) -> list[str]:
    return [name.strip() for name in arms.split(",") if name.strip()]


def _shares(text: str) -> dict[str, int] | None:
    if not text:
        return None
    try:
        shares = json.loads(text)
    except ValueError as error:
        message = f"--weights == {text[:80]!r}, is not JSON: {error}"
        raise InputError(message, hint='such as {"a": 90, "b": 10}') from None
    if not isinstance(shares, dict) or not all(type(share) is int for share in shares.values()):
        message = f"--weights == {text[:80]!r}, must map each arm to a whole percentage"
        raise InputError(message, hint='such as {"a": 90, "b": 10}')
    return shares
