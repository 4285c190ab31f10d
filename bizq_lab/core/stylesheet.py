"""The style sheet that tables bring along, and how a reader sorts them without script. Knows no table.

Sorting is a progressive enhancement. A table's second row of headings holds two radio buttons a column and is `hidden`;
its rows carry their rank in column 3 as `--c3`. Where the browser has `:has()` and `subgrid` this style sheet shows the
buttons, and a checked one turns the table into a grid whose rows are placed by those ranks. Everywhere else, and until
somebody sorts, the table is a plain table.
"""

from __future__ import annotations

from collections.abc import Iterable

CLASSES = "bizq-result mathjax_ignore tex2jax_ignore"
"""Of every section: notebooks must not read the text between two dollar amounts as mathematics."""

_TABLES = (
    ".bizq-result{font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.45;"
    "color:var(--jp-content-font-color1,var(--vscode-foreground,inherit));max-width:100%}"
    ".bizq-result h3{font-size:1.15em;font-weight:600;margin:.2em 0 .3em}"
    ".bizq-result p{margin:.3em 0 .6em;max-width:75ch}"
    ".bizq-scroll{overflow-x:auto;max-width:100%}"
    ".bizq-result table{border-collapse:collapse;font-size:inherit;margin:0;font-variant-numeric:tabular-nums}"
    # As specific as this, because JupyterLab aligns all cells to the right by a rule of two classes and an element.
    ".bizq-result .bizq-scroll table th,.bizq-result .bizq-scroll table td{text-align:left;"
    "padding:.35em .9em .35em 0;vertical-align:baseline;"
    "border:0;border-bottom:1px solid rgba(128,128,128,.28);background:none;color:inherit;white-space:nowrap}"
    ".bizq-result .bizq-scroll table th{font-weight:600;border-bottom:1px solid rgba(128,128,128,.7)}"
    ".bizq-result .bizq-scroll table td.bizq-name{white-space:normal;min-width:9em}"
    ".bizq-result .bizq-scroll table td.bizq-text{white-space:normal;"
    "min-width:14em;max-width:34em;overflow-wrap:anywhere}"
    ".bizq-result .bizq-scroll table .bizq-number{text-align:right}"
    ".bizq-result .bizq-scroll table td.bizq-number{white-space:normal}"
    ".bizq-result small{display:inline-block;white-space:nowrap;font-size:.88em;font-weight:400;opacity:.78}"
    ".bizq-bar{vertical-align:middle;margin-left:.6em}"
    ".bizq-badge{display:inline-block;white-space:nowrap;padding:.02em .6em;border-radius:1em;"
    "font-weight:600;font-size:.92em;background:rgba(128,128,128,.18);border:1px solid rgba(128,128,128,.55)}"
    ".bizq-good{background:rgba(0,158,115,.18);border-color:rgb(0,158,115)}"
    ".bizq-bad{background:rgba(213,94,0,.18);border-color:rgb(213,94,0)}"
    ".bizq-caveats{margin:.6em 0 0;padding-left:1.2em;max-width:75ch}"
    ".bizq-caveats li{margin:.15em 0}"
    ".bizq-result p.bizq-notes{font-size:.88em;opacity:.78;margin:.6em 0 0}"
)

_SORTING = (
    "@supports selector(:has(&)) and (grid-template-columns:subgrid){.bizq-result .bizq-scroll table{"
    "@media screen{& .bizq-sort{display:table-row}& thead:has(.bizq-sort) th{border:0;padding-bottom:0}}"
    "@media print{& .bizq-sort{display:none!important}}"  # paper keeps the order, and needs no buttons
    "& .bizq-sort td{padding-block:0;border-color:rgba(128,128,128,.7);white-space:nowrap}"
    "& input{appearance:none;width:24px;height:18px;margin:0;color:inherit;text-align:inherit;"
    "opacity:.6;cursor:pointer}"
    "@media(pointer:coarse){& input{width:34px;height:30px;line-height:30px}}"
    "& input:is(:checked,:hover){opacity:1}"
    "& input::before{content:'▴'}& input+input::before{content:'▾'}"
    "& span>input::before{content:'×'}"  # noqa: RUF001 - a cross, not the letter
    "&:not(:has(td>:checked)) .bizq-sort span:not(:has(:focus-visible)){display:none}"
    # Of 99 columns those without cells are empty; each table's own count would rule all the others of a notebook.
    "&:has(td>:checked){display:grid;width:fit-content;grid-template-columns:repeat(99,auto);"
    # Notebooks stripe every other row and pad rows: both are wrong once rows are placed in a grid.
    "& :is(thead,tbody,tr){display:grid;grid-column:1/-1;grid-template-columns:subgrid;"
    "padding:0;border:0;background:none}"
    "& tbody{reading-flow:grid-order}& tbody tr{order:var(--k,99999)}}"
    "&:has(input+input:checked) tbody tr{order:calc(-1*var(--k,-99999))}"
)
_SORTED_BY = "&:has(td:nth-child({0})>:checked) tr{{--k:var(--c{0})}}"


def style_for(columns: Iterable[int]) -> str:
    """The style sheet of tables that sort by these columns, counted from 1; by none, without a word of sorting.

    A cell without a rank leaves `--k` without a value, so that its row falls back to the end in both directions.
    """
    rules = "".join(map(_SORTED_BY.format, columns))
    return _TABLES + (f"{_SORTING}{rules}}}}}" if rules else "")
