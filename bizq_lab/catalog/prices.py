"""What a catalog's models cost, and how that compares with the installed `genai-prices`. Must not touch the network.

`genai-prices` carries its data in its wheel; it goes online only where a program starts its updater, as this one never
does. Base prices are compared: standard service, the lowest tier. It knows no price of a local model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from bizq_lab.catalog.catalog import NANO, Catalog
from bizq_lab.catalog.files import replace_file
from bizq_lab.catalog.schema import ModelEntry, PriceEntry
from bizq_lab.core.estimate import Caveat
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from bizq_lab.core.model import Price
    from bizq_lab.core.result import Cell

PriceName = Literal["input", "output", "cached_input"]
PriceStatus = Literal["same", "differs", "not_stated_here", "not_stated_there"]
THEIR_NAMES: dict[PriceName, str] = {"input": "input_mtok", "output": "output_mtok", "cached_input": "cache_read_mtok"}
OVERRIDE_MARK = "# Prices written by `bizq-lab catalog refresh`"
TIERED = Caveat(code="lowest_tier", message="some prices rise with the size of the prompt; the lowest tier is compared")
NANO_USD_OF_ROUNDING = 1  # per million tokens: prices are kept in whole nano-USD


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One price of one model, in USD per million tokens.

    Attributes:
        model: Catalog key.
        price: Which price.
        ours: In the catalog; None where it states none (a cached token then costs what any input token does).
        theirs: In `genai-prices`; None where it states none.
        tiers: Whether theirs rises with the size of the prompt; the lowest is compared.
        status: How the two compare; only `differs` is a finding.
        since: Date from which ours is in force, ISO.
    """

    model: str
    price: PriceName
    ours: Decimal | None
    theirs: Decimal | None
    tiers: bool
    status: PriceStatus
    since: str


@dataclass(frozen=True, kw_only=True, repr=False)
class PriceComparison(Result):
    """Our price book beside theirs.

    Attributes:
        source: Package and version compared with.
        rows: One a price.
        unknown: Keys that the package does not know.
    """

    title: ClassVar[str] = "Prices beside genai-prices"
    columns: ClassVar[tuple[str, ...]] = (
        "model",
        "price",
        "ours_usd_per_mtok",
        "theirs_usd_per_mtok",
        "status",
        "since",
    )

    source: str
    rows: tuple[PriceRow, ...]
    unknown: tuple[str, ...]

    @property
    def differing(self) -> tuple[PriceRow, ...]:
        """Prices that differ by more than rounding."""
        return tuple(row for row in self.rows if row.status == "differs")

    def summary(self) -> str:
        """How many differ, and which models are not known there."""
        said = f"{len(self.differing)} of {len(self.rows)} prices differ from {self.source}"
        return f"{said}; not known there: {', '.join(self.unknown)}." if self.unknown else f"{said}."

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a price, then one a model that is not known there."""
        known: list[dict[str, Cell]] = [
            {
                "model": row.model,
                "price": row.price,
                "ours_usd_per_mtok": None if row.ours is None else float(row.ours),
                "theirs_usd_per_mtok": None if row.theirs is None else float(row.theirs),
                "status": row.status,
                "since": row.since,
            }
            for row in self.rows
        ]
        return known + [
            {**dict.fromkeys(self.columns), "model": key, "status": "unknown_there"} for key in self.unknown
        ]


@dataclass(frozen=True, kw_only=True, repr=False)
class ModelList(Result):
    """The models of a catalog with the prices in force."""

    title: ClassVar[str] = "Models"
    columns: ClassVar[tuple[str, ...]] = (
        "model",
        "tier",
        "input_usd_per_mtok",
        "output_usd_per_mtok",
        "cached_usd_per_mtok",
        "usd_per_core_hour",
        "since",
        "source",
        "retired_on",
        "replaced_by",
        "opt_in",
    )

    catalog: Catalog

    def summary(self) -> str:
        """How many, of which catalog, and how many are retired."""
        retired = sum(map(self.catalog.is_retired, self.catalog.models))
        said = f"{len(self.catalog.models)} models in catalog {self.catalog.name!r} as of {self.catalog.as_of}"
        return f"{said}, {retired} of them retired." if retired else f"{said}."

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a model."""
        return [self._record(key, entry) for key, entry in sorted(self.catalog.models.items())]

    def _record(self, key: str, entry: ModelEntry) -> dict[str, Cell]:
        price = self.catalog.price(key)
        hour = None if price.core_second_nano_usd is None else price.core_second_nano_usd * 3_600
        return {
            "model": key,
            "tier": entry.tier,
            "input_usd_per_mtok": _usd(price.input_nano_usd_per_mtok),
            "output_usd_per_mtok": _usd(price.output_nano_usd_per_mtok),
            "cached_usd_per_mtok": _usd(price.cached_input_nano_usd_per_mtok),
            "usd_per_core_hour": _usd(hour),
            "since": price.effective_from,
            "source": price.source or "no price in force",
            "retired_on": None if entry.retired_on is None else entry.retired_on.isoformat(),
            "replaced_by": entry.replaced_by,
            "opt_in": entry.opt_in,
        }


def list_models(catalog: Catalog) -> ModelList:
    """The models of a catalog: tier, prices with date and source, retirement and replacement."""
    return ModelList(catalog=catalog, provenance=Provenance(catalog_version=catalog.version))


def compare_prices(catalog: Catalog) -> PriceComparison:
    """Compare every price in force with the installed `genai-prices`, as of the catalog's date (S4)."""
    rows: list[PriceRow] = []
    unknown: list[str] = []
    for key, entry in sorted(catalog.models.items()):
        theirs = _their_prices(entry, catalog)
        if theirs is None:
            unknown.append(key)
            continue
        ours = catalog.price(key)
        rows += [
            _row(key, name, ours, theirs=price, tiers=tiers)
            for name, (price, tiers) in theirs.items()
            if price is not None or getattr(ours, _field(name)) is not None
        ]
    return PriceComparison(
        source=_source(),
        rows=tuple(rows),
        unknown=tuple(unknown),
        caveats=(TIERED,) if any(row.tiers for row in rows) else (),
        provenance=Provenance(catalog_version=catalog.version),
    )


def refresh_prices(catalog: Catalog, path: Path) -> PriceComparison:
    """Write an override file with the package's prices from the catalog's date on; earlier prices are kept.

    `load_catalog(override=path)` reads it. The file is replaced whole, or not touched.

    Args:
        catalog: Whose models are asked for; its `as_of` dates the prices.
        path: A new file, or one that this function wrote.

    Returns:
        What was found, as compared with the catalog before.

    Raises:
        InputError: The file holds something else, or cannot be written.
    """
    try:
        if path.exists() and not path.read_text("utf-8").startswith(OVERRIDE_MARK):
            message = f"{path} exists, and is not a file of prices that this wrote"
            raise InputError(message, hint="name another file; settings of your own would be lost")
        replace_file(path, _override_text(catalog).encode())
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot write prices to {str(path)!r}: {error}"
        raise InputError(message, hint="the previous file, if any, is untouched") from None
    return compare_prices(catalog)


def _override_text(catalog: Catalog) -> str:
    lines = [f"{OVERRIDE_MARK} on {catalog.as_of}: those of {_source()}, standard service, lowest tier.", ""]
    for _, entry in sorted(catalog.models.items()):
        theirs = _their_prices(entry, catalog)
        if theirs is not None:
            found = {name: float(price) for name, (price, _) in theirs.items() if price is not None}
            new = PriceEntry(effective_from=catalog.as_of, source=f"{_source()}, read {catalog.as_of}", **found)
            kept = [price for price in entry.prices if price.effective_from != catalog.as_of]
            lines += ["[[models]]", f"provider = {_quoted(entry.provider)}", f"model = {_quoted(entry.model)}"]
            lines += ["prices = [", *[f"  {_price_table(price)}," for price in (*kept, new)], "]", ""]
    return "\n".join(lines)


def _price_table(entry: PriceEntry) -> str:
    numbers = entry.model_dump(exclude_none=True, exclude={"effective_from", "source"})
    fields = [f"effective_from = {entry.effective_from}", f"source = {_quoted(entry.source)}"]
    return f"{{ {', '.join([*fields, *[f'{name} = {value!r}' for name, value in numbers.items()]])} }}"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's, but for one control character that JSON leaves bare."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _their_prices(entry: ModelEntry, catalog: Catalog) -> dict[PriceName, tuple[Decimal | None, bool]] | None:
    """Base price and whether it has tiers, by name; None where the package does not know the model."""
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - a third of a second that only this needs

    try:
        _, model = get_snapshot().find_provider_model(entry.api_model, None, entry.provider, None)
    except LookupError:
        return None
    prices = model.get_prices(datetime.combine(catalog.as_of, time.min, UTC))
    return dict(_base_prices(prices))


def _base_prices(prices: object) -> Iterator[tuple[PriceName, tuple[Decimal | None, bool]]]:
    for name, theirs in THEIR_NAMES.items():
        value = getattr(prices, theirs)
        tiers = hasattr(value, "tiers")
        yield name, (value.base if tiers else value, tiers)


def _row(key: str, name: PriceName, price: Price, *, theirs: Decimal | None, tiers: bool) -> PriceRow:
    nano: int | None = getattr(price, _field(name))
    status: PriceStatus
    if nano is None:
        status = "not_stated_here"
    elif theirs is None:
        status = "not_stated_there"
    else:
        status = "same" if abs(nano - theirs * NANO) < NANO_USD_OF_ROUNDING else "differs"
    ours = None if nano is None else Decimal(nano) / NANO
    return PriceRow(
        model=key, price=name, ours=ours, theirs=theirs, tiers=tiers, status=status, since=price.effective_from
    )


def _field(name: PriceName) -> str:
    return f"{name}_nano_usd_per_mtok"


def _source() -> str:
    return f"genai-prices {version('genai-prices')}"


def _usd(nano: int | None) -> float | None:
    return None if nano is None else nano / NANO
