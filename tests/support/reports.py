"""Reports for tests, as text. Asserts nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from bizq_lab.reports import Form, Headline, Report, Section, render


def rendered(
    title: str,
    sections: Sequence[Section],
    *,
    as_of: date,
    headline: Headline,
    facts: Mapping[str, str] | None = None,
    note: str = "",
    form: Form = "html",
) -> str:
    """A report of these parts as text."""
    report = Report(
        title=title, sections=tuple(sections), as_of=as_of, headline=headline, facts=dict(facts or {}), note=note
    )
    return render(report, form).decode()
