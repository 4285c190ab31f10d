"""DuckDB's SQL in Spark's words, with the same answer to the last bit. Knows no session and no file.

sqlglot translates; what it leaves different is put right here, one rule a function. A query that keeps to these needs
no rule of its own:

- sums are of whole numbers, products of casts to HUGEINT: both become DECIMAL(38, 0), whose overflow raises;
- no floating point inside an aggregate, no `any_value`, no order that ties leave open;
- `QUALIFY` not beside `ORDER BY`; aggregates with `ORDER BY` not as window functions;
- of DuckDB's own functions `quantile_disc`, `arg_min`, `arg_max`, `string_agg`, `list`,
  `strftime(make_timestamp(us), …)` and `unnest(from_json(text, structure))` are understood.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlglot import exp, parse_one

_EXACT = exp.DataType.build("DECIMAL(38, 0)")
_SPARK_TYPES = {"VARCHAR": "string", "DOUBLE": "double", "BIGINT": "bigint", "BOOLEAN": "boolean"}


@cache
def spark_sql(text: str) -> str:
    """One SELECT of DuckDB's as Spark's, `$name` parameters as `:name`."""
    tree = parse_one(text, read="duckdb")
    for rule in _RULES:
        tree = tree.transform(rule, copy=False)
    return tree.sql("spark", comments=False)


def filled_lists(text: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Lists of whole numbers written out, for Spark takes them as parameters only while all fit 32 bits, or none."""
    rest = dict(params)
    for name, value in params.items():
        if isinstance(value, Sequence) and value and isinstance(value[0], int):
            listed = ", ".join(f"{int(number)}L" for number in value)
            text = re.sub(rf":{name}\b", f"array({listed})", text)
            del rest[name]
    return text, rest


def spark_view(text: str, columns: Mapping[str, Iterable[str]]) -> str:
    """The SELECT behind one of our views, as Spark's; `columns` are those of each table."""
    created = parse_one(text, read="duckdb")
    tree = created.expression.transform(lambda node: _by_name(node, columns))
    return spark_sql(tree.sql("duckdb", comments=False))


def _by_name(node: exp.Expression, columns: Mapping[str, Iterable[str]]) -> exp.Expression:
    """`SELECT * FROM a_table UNION ALL BY NAME SELECT …`: what the second lacks is NULL."""
    if not isinstance(node, exp.Union) or not node.args.get("by_name"):
        return node
    first, second = (side.find(exp.Table).name for side in (node.this, node.expression))
    given = next(cte.this.named_selects for cte in node.ctes if cte.alias == second)
    aligned = exp.select(*(name if name in given else f"NULL AS {name}" for name in columns[first])).from_(second)
    node.args.pop("by_name")
    node.set("expression", aligned)
    return node


def _types(node: exp.Expression) -> exp.Expression:
    """HUGEINT is DECIMAL(38, 0), JSON is text."""
    if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.INT128:
        return _EXACT.copy()
    if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.JSON:
        return exp.DataType.build("STRING", dialect="spark")
    return node


def _exact_sums(node: exp.Expression) -> exp.Expression:
    """DuckDB sums whole numbers in 128 bits, Spark in 64."""
    if isinstance(node, exp.Sum):
        node.set("this", exp.Cast(this=node.this, to=_EXACT.copy()))
    return node


def _tuples(node: exp.Expression) -> exp.Expression:
    """`(a, b)` compared, counted or ordered by is a struct; in grouping sets it stays."""
    if isinstance(node, exp.Tuple) and not node.find_ancestor(exp.GroupingSets, exp.In):
        return exp.Anonymous(this="struct", expressions=node.expressions)
    return node


def _inlined(node: exp.Expression) -> exp.Expression:
    """`AS NOT MATERIALIZED` is what Spark does anyway, and has no words for."""
    if isinstance(node, exp.CTE):
        node.set("materialized", None)
    return node


def _quantiles(node: exp.Expression) -> exp.Expression:
    """An observed value, as a whole number again."""
    if not isinstance(node, exp.PercentileDisc) or node.expression is None:
        return node
    asked, many = node.args["expression"], isinstance(node.args["expression"], exp.Array)
    found = exp.WithinGroup(
        this=exp.PercentileDisc(this=asked),
        expression=exp.Order(expressions=[exp.Ordered(this=node.this, nulls_first=True)]),
    )
    kind = exp.DataType.build("ARRAY<BIGINT>" if many else "BIGINT", dialect="spark")
    outer = node.parent
    if isinstance(outer, exp.Filter):
        outer.set("this", found)
        return found
    return exp.Cast(this=found, to=kind)


def _filtered_quantiles(node: exp.Expression) -> exp.Expression:
    """The cast goes around the filter."""
    if (
        isinstance(node, exp.Filter)
        and isinstance(node.this, exp.WithinGroup)
        and not isinstance(node.parent, exp.Cast)
    ):
        many = isinstance(node.this.this.this, exp.Array)
        return exp.Cast(this=node, to=exp.DataType.build("ARRAY<BIGINT>" if many else "BIGINT", dialect="spark"))
    return node


def _json_structures(node: exp.Expression) -> exp.Expression:
    """`from_json` names the structure in Spark's type language."""
    if isinstance(node, exp.FromJson):
        structure = node.expression
        structure.replace(exp.Literal.string(_spark_type(json.loads(structure.name))))
    return node


def _ordered_lists(node: exp.Expression) -> exp.Expression:
    """`list(x ORDER BY x)`; Spark's collect_list has no order."""
    if isinstance(node, exp.ArrayAgg) and isinstance(node.this, exp.Order):
        return exp.Anonymous(this="sort_array", expressions=[exp.ArrayAgg(this=node.this.this)])
    return node


def _spark_type(structure: Any) -> str:
    if isinstance(structure, list):
        return f"array<{_spark_type(structure[0])}>"
    if isinstance(structure, dict):
        return f"struct<{', '.join(f'{name}: {_spark_type(kind)}' for name, kind in structure.items())}>"
    return _SPARK_TYPES[structure]


_RULES: tuple[Callable[[exp.Expression], exp.Expression], ...] = (
    _types, _exact_sums, _tuples, _inlined, _quantiles, _filtered_quantiles, _json_structures, _ordered_lists,
)  # fmt: skip
