"""A report as Markdown and as JSON. Must not know any question."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bizq_lab.core.display import markdown_text

if TYPE_CHECKING:
    from bizq_lab.reports.section import Report, Section

SCHEMA_VERSION = 1


def to_markdown(report: Report) -> str:
    """The report as GitHub-flavoured Markdown, escaped; figures are left out, their numbers are in the tables."""
    lines = [f"# {markdown_text(report.title)}", "", f"As of {report.as_of.isoformat()}.", ""]
    if report.note:
        lines += [f"> {markdown_text(report.note)}", ""]
    lines += [f"- **{question}** {markdown_text(answer)}" for question, answer in report.headline.answers()]
    if report.facts:
        lines += ["", *(f"- {markdown_text(name)}: {markdown_text(value)}" for name, value in report.facts.items())]
    for section in report.sections:
        lines += ["", f"## {markdown_text(section.heading)}", "", f"*{markdown_text(section.question)}*", ""]
        lines += [result.to_markdown() for result in section.results]
        lines += [result.to_markdown() for _, result in section.details]
    return "\n".join(lines).rstrip("\n") + "\n"


def to_json(report: Report) -> str:
    """The report as strict ASCII JSON with sorted keys: numbers in full, bounds at infinity null."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "title": report.title,
        "as_of": report.as_of.isoformat(),
        "note": report.note,
        "headline": report.headline._asdict(),
        "facts": dict(report.facts),
        "sections": [_section(section) for section in report.sections],
    }
    return json.dumps(document, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=True) + "\n"


def _section(section: Section) -> dict[str, object]:
    return {
        "heading": section.heading,
        "question": section.question,
        "results": [result.to_dict() for result in section.results],
        "details": [{"name": name, **result.to_dict()} for name, result in section.details],
    }
