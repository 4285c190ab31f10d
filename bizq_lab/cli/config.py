"""`bizq-lab tune|export|verify`: from the log to weights, and from weights to a file that production trusts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, emit, existing, say
from bizq_lab.errors import NotEnoughData

ConfigArgument = Annotated[Path, typer.Argument(help="A published routing.json.")]


def tune(
    log: LogPath = Path("lab.duckdb"),
    budget: Annotated[float | None, typer.Option(min=0, help="Most USD a day at the logged volumes.")] = None,
    quality_floor: Annotated[float, typer.Option(min=0, max=1, help="Least success rate to keep.")] = 0.0,
    config: Annotated[Path | None, typer.Option(help="The config in force; its arms are tuned.")] = None,
    publish: Annotated[Path | None, typer.Option(help="Write the proposal to this routing.json.")] = None,
    override: Annotated[str, typer.Option(help="Publish against the evidence, for this logged reason.")] = "",
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date the config carries.")] = None,
    as_json: AsJson = False,
) -> None:
    """Propose routing weights that the log supports, and publish them when asked.

    Example: bizq-lab tune --log out/demo/lab.duckdb --config out/demo/routing.json --quality-floor 0.5
    """
    from bizq_lab.config import load_config
    from bizq_lab.lab import Lab

    when = (as_of or datetime.now(UTC)).date()
    present = None if config is None else load_config(_there(config))
    catalog = "current" if present is None else present.catalog
    with Lab.open(existing(log), catalog=catalog, config=present) as lab:
        proposal = lab.tune(budget_usd=budget, quality_floor=quality_floor, as_of=when)
        if publish is not None:
            lab.publish(proposal, publish, override=override)
            say(f"published {publish}")
    emit(proposal, as_json=as_json)


def export(
    config: ConfigArgument,
    form: Annotated[Literal["json", "yaml"], typer.Option("--format", help="Target form.")] = "json",
    out: Annotated[Path | None, typer.Option(help="File to write; default is stdout.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a verified config in another form; it is checked before a byte is written.

    Example: bizq-lab export out/demo/routing.json --format yaml
    """
    from bizq_lab.config import file_bytes, load_config, yaml_view

    checked = load_config(_there(config))
    text = file_bytes(checked).decode() if form == "json" else yaml_view(checked)
    if out is not None:
        out.write_text(text, encoding="utf-8")
        say(f"wrote {out}")
    if as_json:
        written = {"text": text} if out is None else {"file": str(out)}
        emit({"config": str(config), "sha256": checked.hash, "format": form, **written}, as_json=True)
    elif out is None:
        typer.echo(text, nl=False)


def verify(config: ConfigArgument, as_json: AsJson = False) -> None:
    """Check a config: schema, checksum, weights, arms and expiry. Exits 3 when it has expired.

    Example: bizq-lab verify out/demo/routing.json
    """
    from bizq_lab.catalog import load_catalog
    from bizq_lab.config import load_config

    checked = load_config(_there(config))
    catalog = load_catalog(checked.catalog)
    for arm in checked.arms.values():
        catalog.resolve(arm.model)
    facts = {
        "config": str(config),
        "sha256": checked.hash,
        "purpose": checked.purpose,
        "as_of": checked.as_of.isoformat(),
        "expires_on": checked.expires_on and checked.expires_on.isoformat(),
        "expired": checked.expired(datetime.now(UTC).date()),
        "task_types": len(checked.tasks),
        "arms": len(checked.arms),
    }
    emit(facts, as_json=as_json, text="\n".join(f"{name:<10}  {value}" for name, value in facts.items()))
    if facts["expired"]:
        say(f"{config} expired on {checked.expires_on}: it goes on routing, but nothing is published or ramped from it")
        raise typer.Exit(Exit.ALERT)


def _there(path: Path) -> Path:
    if not path.exists():
        message = f"no config at {str(path)!r}"
        raise NotEnoughData(message, hint="publish one: bizq-lab tune --publish routing.json")
    return path


COMMANDS = (tune, export, verify)
