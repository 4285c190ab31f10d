"""`bizq-lab monitor|alerts|recommend`: how the models do now, what changed, and which to use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, Preset, emit, existing

DEFAULT_LOG = Path("lab.duckdb")
Alpha = Annotated[float, typer.Option(help="Probability of any false alarm in a month, however often you check.")]


def monitor(
    log: LogPath = DEFAULT_LOG,
    recent_hours: Annotated[float, typer.Option(help="How far back `now` reaches.")] = 24.0,
    days: Annotated[int | None, typer.Option(help="Each of the last UTC days instead, each against its past.")] = None,
    as_json: AsJson = False,
) -> None:
    """Health of every model, 0 to 100, against its own past: success x speed kept x quality kept.

    Example: bizq-lab monitor --log out/demo/lab.duckdb; bizq-lab monitor --days 14 --log out/demo/lab.duckdb
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log)) as lab:
        watching = lab.monitor()
        answer = watching.health(recent_hours=recent_hours) if days is None else watching.health_by_day(days=days)
    emit(answer, as_json=as_json)


def alerts(
    log: LogPath = DEFAULT_LOG,
    alpha: Alpha = 0.05,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look; log no alert.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look for sudden changes, slow drift and exchanged models. Exits 3 when an alert was raised.

    Raised alerts are logged, so that `bizq-lab notify` sends them. Run it by cron as often as you like: checks within
    one hour see the same data, and the false-alarm rate is that of a whole month.

    Example: bizq-lab alerts --log lab.duckdb; bizq-lab notify --log lab.duckdb
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log)) as lab:
        found = lab.monitor(alpha=alpha).check(dry_run=dry_run)
    whole = {"alerts": found.alerts, "drift": found.drift, "served_models": found.served}
    emit(
        {**found.to_dict(), "raised": found.raised, **{name: answer.to_dict() for name, answer in whole.items()}},
        as_json=as_json,
        text=str(found),
    )
    if found.raised:
        raise typer.Exit(Exit.ALERT)


def recommend(
    task_type: Annotated[str, typer.Option("--task-type", "-t", help="For which task type.")],
    log: LogPath = DEFAULT_LOG,
    days: Annotated[float, typer.Option(help="How far back to read.")] = 30.0,
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """Which model should do a task type: recommendation, confidence, reasoning, alternatives.

    Example: bizq-lab recommend -t customer.process_return --log out/demo/lab.duckdb
    """
    from bizq_lab.lab import Lab

    with Lab.open(existing(log), catalog=catalog) as lab:
        said = lab.monitor().get_model_recommendation(task_type, days=days)
    named = {
        "recommended_model": said.recommended_model,
        "confidence": said.confidence,
        "reasoning": said.reasoning,
        "alternative_models": list(said.alternative_models),
    }
    emit({**named, **said.to_dict()}, as_json=as_json, text=str(said))


COMMANDS = (monitor, alerts, recommend)
