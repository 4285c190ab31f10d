"""`bizq-lab import`: another gateway's log into ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, Preset, emit, say


def import_(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL, JSON or Parquet; text may be gzipped (.gz).")],
    format_: Annotated[
        Literal["litellm", "otel", "generic"], typer.Option("--format", help="litellm, otel or generic.")
    ],
    mapping: Annotated[Path | None, typer.Option(help="For generic: which column is what, TOML or JSON.")] = None,
    task_type: Annotated[str, typer.Option("--task-type", "-t", help="Of rows that do not say theirs.")] = "",
    log: LogPath = Path("lab.duckdb"),
    catalog: Preset = "current",
    payloads: Annotated[
        Literal["full", "hash", "none"], typer.Option(help="Whether prompts and outputs are kept.")
    ] = "none",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check and count; nothing is written.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import another gateway's log: LiteLLM spend logs, OpenTelemetry GenAI spans, or any table by a mapping.

    Prints how many rows were imported, were there already, or were refused and why. Importing again adds nothing twice
    and finishes what was interrupted. Exits 0 with the report; 4 when no row of the file is in the log.

    Imported rows have no propensity, so off-policy evaluation leaves them out. Keys and their hashes are never read.

    A mapping names the columns, in TOML or JSON:

    \b
      source = "acme"
      [columns]
      id = "call_id"
      model = "model_name"
      started_at = "ts"
      response_time_ms = "latency"
      cost_usd = "price"

    Further columns: ended_at, response_time_s, time_to_first_chunk_s, time_to_first_chunk_ms, provider, workspace_id,
    task_type, task_key, arm, status, error_type, error_message, http_status, input_tokens, output_tokens,
    cache_read_input_tokens, finish_reason, response_id, temperature, quality, input, output.

    Beside [columns]: task_type, and failed = ["..."], the words of status that mean failure.

    Example: bizq-lab import spend.csv --format litellm --task-type support.reply --dry-run

    Example: bizq-lab import calls.parquet --format generic --mapping acme.toml --task-type support.reply
    """  # noqa: D301 - \b keeps the help's lines apart
    from bizq_lab.lab import Lab

    with Lab.open(log, catalog=catalog, payloads=payloads) as lab:
        report = lab.import_log(file, format=format_, task_type=task_type, mapping=mapping, dry_run=dry_run)
    emit(report, as_json=as_json)
    if not report.imported and not report.already_there:
        say("no row of the file is in the log")
        raise typer.Exit(Exit.DATA_MISSING)


COMMANDS = (import_,)
