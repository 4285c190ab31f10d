"""`bizq-lab catalog list|diff|refresh`: models and their prices. The work is done by `catalog.prices`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bizq_lab.cli.output import AsJson, Exit, emit, say

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog

Preset = Annotated[str, typer.Option("--catalog", help="current or classic.")]
Override = Annotated[Path | None, typer.Option("--override", help="A TOML file of your own on top.")]
AsOf = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date of prices; default today.")]

app = typer.Typer(
    name="catalog", help="Models, their prices, and what changed.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_(catalog: Preset = "current", override: Override = None, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Every model: tier, prices with date and source, retirement and replacement.

    Example: bizq-lab catalog list --catalog classic
    """
    from bizq_lab.catalog.prices import list_models

    emit(list_models(_load(catalog, override, as_of)), as_json=as_json)


@app.command()
def diff(catalog: Preset = "current", override: Override = None, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Compare our prices with the installed genai-prices, without network. Exits 3 when a price differs.

    Example: bizq-lab catalog diff --json
    """
    from bizq_lab.catalog.prices import compare_prices

    found = compare_prices(_load(catalog, override, as_of))
    emit(found, as_json=as_json)
    if found.differing:
        raise typer.Exit(Exit.ALERT)


@app.command()
def refresh(
    out: Annotated[Path, typer.Option(help="The override file to write.")] = Path("prices.toml"),
    catalog: Preset = "current",
    override: Override = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Write an override file with the prices of the installed genai-prices, and say what differed.

    Example: bizq-lab catalog refresh --out prices.toml
    """
    from bizq_lab.catalog.prices import refresh_prices

    found = refresh_prices(_load(catalog, override, as_of), out)
    say(f"wrote {out}; pass it on as --override, or load_catalog(override=…)")
    emit(found, as_json=as_json)


def _load(preset: str, override: Path | None, as_of: datetime | None) -> Catalog:
    from bizq_lab.catalog import load_catalog

    return load_catalog(preset, override=override, as_of=None if as_of is None else as_of.date())
