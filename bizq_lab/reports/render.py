"""The one entry to every format of a report. Must not know any question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from bizq_lab.errors import InputError
from bizq_lab.reports.html import to_html
from bizq_lab.reports.plain import to_json, to_markdown
from bizq_lab.reports.section import Headline, Report, Section

Form = Literal["html", "markdown", "json"]
_FORMS = {"html": to_html, "markdown": to_markdown, "json": to_json}


def render(
    title: str,
    sections: Sequence[Section],
    *,
    as_of: date,
    headline: Headline,
    facts: Mapping[str, str] | None = None,
    note: str = "",
    form: Form = "html",
) -> str:
    """A report as text: the same arguments, the same bytes.

    Args:
        title: What the report is about.
        sections: Questions and their answers, in reading order.
        as_of: The date it speaks for; there is no other date in it.
        headline: The first screen.
        facts: Short named facts (tasks, models, config), in order.
        note: Where the data comes from, when that must not be overlooked, such as a simulation.
        form: `html` (one file, no script), `markdown` or `json`.

    Raises:
        InputError: There is no such form.
    """
    if form not in _FORMS:
        message = f"form == {form!r}, must be one of {', '.join(_FORMS)}"
        raise InputError(message)
    report = Report(
        title=title, sections=tuple(sections), as_of=as_of, headline=headline, facts=dict(facts or {}), note=note
    )
    return _FORMS[form](report)
