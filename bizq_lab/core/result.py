"""What every answer of bizq_lab is: rows, a sentence, caveats and where it came from. Knows no question.

`records` is the root; every rendering derives from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from bizq_lab.core.display import Sheet, describe, markdown_table, text_table
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.markup import html_table
from bizq_lab.core.trend import Trend

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Cell = Estimate | Trend | str | float | int | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where an answer came from, so that it can be asked again.

    Attributes:
        view: View or query of the log.
        window: Human-readable time window, or `all`.
        n_decisions: Decisions read.
        config_hash: Config in force, if one.
        catalog_version: Prices in force.
        seed: Seed of anything drawn.
    """

    view: str = ""
    window: str = "all"
    n_decisions: int = 0
    config_hash: str = ""
    catalog_version: str = ""
    seed: int | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Result:
    """Base of every answer. A subclass sets `title` and `columns`, and implements `rows` and `summary`."""

    title: ClassVar[str] = ""
    columns: ClassVar[tuple[str, ...]] = ()

    caveats: tuple[Caveat, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)

    def summary(self) -> str:
        """One plain sentence."""
        raise NotImplementedError

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a row with exactly `columns` as keys; an `Estimate` stays whole."""
        raise NotImplementedError

    def plot(self, ax: Axes | None = None) -> Axes:
        """The answer as a figure."""
        raise NotImplementedError

    def to_dicts(self) -> list[dict[str, Any]]:
        """Flat rows: an `Estimate` in column `x` becomes `x`, `x_lower` and `x_upper`, a `Trend` a list."""
        return [_flat(record) for record in self.records()]

    def to_dict(self) -> dict[str, Any]:
        """The whole answer as strict JSON data: a bound at infinity is None."""
        return {
            "title": self.title,
            "summary": self.summary(),
            "units": {column.name: column.unit for column in describe(self.columns, self.records()) if column.unit},
            "rows": [{name: _finite(value) for name, value in row.items()} for row in self.to_dicts()],
            "caveats": [{"code": c.code, "message": c.message} for c in self.caveats],
            "methods": self.methods(),
            "provenance": {
                name: value
                for name in Provenance.__slots__
                if (value := getattr(self.provenance, name)) not in ("", None)
            },
        }

    def to_frame(self) -> pd.DataFrame:
        """The flat rows as a DataFrame."""
        import pandas as pd  # noqa: PLC0415 - heavy, and only notebooks need it

        return pd.DataFrame(self.to_dicts())

    def to_markdown(self) -> str:
        """Title, sentence, table, caveats and provenance as Markdown, escaped."""
        return markdown_table(self.sheet())

    def to_html(self, *, style: bool = True) -> str:
        """The same as one escaped `<section>`; `style=False` for a page that already carries the style sheet."""
        return html_table(self.sheet(), style=style)

    def methods(self) -> list[str]:
        """How the intervals were computed: a line for each coverage, naming each method once."""
        named: dict[float, dict[str, None]] = {}
        for cell in (cell for record in self.records() for cell in record.values() if isinstance(cell, Estimate)):
            named.setdefault(cell.level, {}).update({cell.method: None} if cell.method else {})
        lines = {level: ", ".join(methods) for level, methods in named.items()}
        return [
            f"{100 * level:g} % intervals" + (f": {methods}" if methods else "") for level, methods in lines.items()
        ]

    def notes(self) -> str:
        """Methods and provenance in one line."""
        p = self.provenance
        source = [
            f"{p.n_decisions:,} decisions" if p.n_decisions else "",
            f"view {p.view}" if p.view else "",
            f"window {p.window}" if p.view else "",
            f"config {p.config_hash[:12]}" if p.config_hash else "",
            f"prices {p.catalog_version[:12]}" if p.catalog_version else "",
            f"seed {p.seed}" if p.seed is not None else "",
        ]
        return " · ".join([*self.methods(), *filter(None, source)])

    def sheet(self) -> Sheet:
        """What every rendering shows; columns without a value in any row only widen it, so they stay in the data."""
        rows = self.records()
        return Sheet(
            title=self.title,
            summary=self.summary(),
            columns=[name for name in self.columns if not rows or any(row.get(name) not in (None, "") for row in rows)],
            rows=rows,
            caveats=list(map(str, self.caveats)),
            notes=self.notes(),
        )

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        """Title, table and sentence as plain text."""
        return text_table(self.sheet())

    __repr__ = __str__


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _flat(record: dict[str, Cell]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, cell in record.items():
        if isinstance(cell, Estimate):
            row[name] = cell.value
            row[f"{name}_lower"] = cell.lower
            row[f"{name}_upper"] = cell.upper
        else:
            row[name] = list(cell.values) if isinstance(cell, Trend) else cell
    return row
