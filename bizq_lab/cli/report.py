"""`bizq-lab report summary|daily|weekly|experiment|rollout`: one file, or a folder of them, made for a scheduler."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, Preset, emit, existing
from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from bizq_lab.lab import Lab
    from bizq_lab.reports import Form, Report

app = typer.Typer(name="report", no_args_is_help=True, rich_markup_mode=None)
DEFAULT_LOG, DEFAULT_OUT = Path("lab.duckdb"), Path("reports")
Out = Annotated[Path, typer.Option("--out", help="A folder, or one file whose ending says the form.")]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="UTC day the report speaks for; by default the day before now."),
]
Forms = Annotated[
    str | None, typer.Option("--form", help="Into a folder: html, markdown, json, mail, with commas between, or all.")
]
Keep = Annotated[int | None, typer.Option("--keep", min=1, help="Days of this kind that stay in the folder.")]
Note = Annotated[str, typer.Option("--note", help="Shown on top, such as where the data comes from.")]


@app.callback()
def _group() -> None:
    """Is it working, what does it cost, what changed, what should we do: one file without script.

    Same log and --as-of, same bytes: what was recorded after that day is not in it. Exit codes: 0 written, 3 written
    and alerts were raised in its period (or the rollout was taken back), 4 nothing to report on.
    """


@app.command()
def daily(
    log: LogPath = DEFAULT_LOG,
    out: Out = DEFAULT_OUT,
    as_of: AsOf = None,
    form: Forms = None,
    keep: Keep = None,
    note: Note = "",
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """A day against the day before.

    Example: bizq-lab report daily --log lab.duckdb --out reports --as-of 2026-11-26 --keep 90
    """
    from bizq_lab.reports import periodic_report

    def build(lab: Lab, day: date) -> tuple[Report, int]:
        return periodic_report(lab, "daily", as_of=day, note=note)

    _write("daily", build, log, out, as_of, form, keep, catalog, as_json)


@app.command()
def weekly(
    log: LogPath = DEFAULT_LOG,
    out: Out = DEFAULT_OUT,
    as_of: AsOf = None,
    form: Forms = None,
    keep: Keep = None,
    note: Note = "",
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """Seven days against the seven before.

    Example: bizq-lab report weekly --log lab.duckdb --out reports --form html,mail
    """
    from bizq_lab.reports import periodic_report

    def build(lab: Lab, day: date) -> tuple[Report, int]:
        return periodic_report(lab, "weekly", as_of=day, note=note)

    _write("weekly", build, log, out, as_of, form, keep, catalog, as_json)


@app.command()
def experiment(
    experiment_id: Annotated[str, typer.Argument(help="Its id; by default the one registered last.")] = "",
    log: LogPath = DEFAULT_LOG,
    out: Out = DEFAULT_OUT,
    as_of: AsOf = None,
    form: Forms = None,
    note: Note = "",
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """One experiment as it stands: what was planned, what was found.

    Example: bizq-lab report experiment --log lab.duckdb --out reports
    """
    from bizq_lab.reports import experiment_report

    def build(lab: Lab, day: date) -> tuple[Report, int]:
        return experiment_report(lab, experiment=experiment_id, as_of=day, note=note), 0

    _write(f"experiment-{experiment_id or 'latest'}", build, log, out, as_of, form, None, catalog, as_json)


@app.command()
def rollout(
    rollout_id: Annotated[str, typer.Argument(help="Its id; by default the one begun last.")] = "",
    log: LogPath = DEFAULT_LOG,
    out: Out = DEFAULT_OUT,
    as_of: AsOf = None,
    form: Forms = None,
    keep: Keep = None,
    note: Note = "",
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """One rollout as it stands: its steps, its guardrails, its arms.

    Example: bizq-lab report rollout --log lab.duckdb --out reports --form html,mail
    """
    from bizq_lab.reports import rollout_report

    def build(lab: Lab, day: date) -> tuple[Report, int]:
        return rollout_report(lab, rollout=rollout_id, as_of=day, note=note)

    _write(f"rollout-{rollout_id or 'latest'}", build, log, out, as_of, form, keep, catalog, as_json)


@app.command()
def summary(
    log: LogPath = DEFAULT_LOG,
    out: Out = DEFAULT_OUT,
    as_of: AsOf = None,
    form: Forms = None,
    keep: Keep = None,
    note: Note = "",
    catalog: Preset = "current",
    as_json: AsJson = False,
) -> None:
    """Everything the log knew by then: arms, comparisons, costs, and where traffic should go.

    Example: bizq-lab report summary --log out/demo/lab.duckdb --out out/demo/today.html --as-of 2026-11-24
    """
    from bizq_lab.reports import summary_report

    def build(lab: Lab, day: date) -> tuple[Report, int]:
        return summary_report(lab, as_of=day, note=note), 0

    _write("summary", build, log, out, as_of, form, keep, catalog, as_json)


def _write(
    kind: str,
    build: Callable[[Lab, date], tuple[Report, int]],
    log: Path,
    out: Path,
    as_of: datetime | None,
    forms: str | None,
    keep: int | None,
    catalog: str,
    as_json: bool,
) -> None:
    from bizq_lab.lab import Lab
    from bizq_lab.reports import file_report, form_of, render, write_report

    single = form_of(out)
    if single and (forms or keep):
        message = f"--out == {str(out)!r} is one file, so --form and --keep have no meaning"
        raise InputError(message, hint="name a folder for several forms")
    chosen = _forms(forms or "html")
    with Lab.open(existing(log), catalog=catalog) as lab:
        day = as_of.date() if as_of else _yesterday(lab)
        report, alerts = build(lab, day)
    if single:
        files = [write_report(out, render(report, single))]
    else:
        files = file_report(out, report, kind=kind, forms=chosen, keep=keep)
    document = {"reports": [str(file) for file in files], "as_of": day.isoformat(), "alerts": alerts}
    emit(document, as_json=as_json, text="\n".join(map(str, files)))
    if alerts:
        raise typer.Exit(Exit.ALERT)


def _forms(text: str) -> list[Form]:
    from bizq_lab.reports import FORMS

    named = list(FORMS) if text == "all" else [name for name in FORMS if name in text.split(",")]
    if text != "all" and len(named) != len(text.split(",")):
        message = f"--form == {text!r}, must be some of {', '.join(FORMS)}, or all"
        raise InputError(message)
    return named


def _yesterday(lab: Lab) -> date:
    """The last whole UTC day: a report that runs at night is about the day that ended."""
    now = lab.clock.now_us() // 1_000_000
    return datetime.fromtimestamp(now - 86_400, UTC).date()
