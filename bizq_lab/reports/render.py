"""The one entry to every format of a report. Must not know any question."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bizq_lab.errors import InputError
from bizq_lab.reports.html import to_html
from bizq_lab.reports.mail import to_mail
from bizq_lab.reports.plain import to_json, to_markdown
from bizq_lab.reports.section import Report

Form = Literal["html", "markdown", "json", "mail"]
FORMS: dict[Form, str] = {"html": ".html", "markdown": ".md", "json": ".json", "mail": ".eml"}
"""Every form, and the ending of its files."""


def form_of(path: Path) -> Form | None:
    """The form that a file's ending names; None for a folder."""
    return next((form for form, suffix in FORMS.items() if path.suffix == suffix), None)


_RENDERERS = {"html": to_html, "markdown": to_markdown, "json": to_json}


def render(report: Report, form: Form = "html") -> bytes:
    """A report as bytes: the same report, the same bytes.

    Args:
        report: What to render.
        form: `html` (one file, no script), `markdown`, `json`, or `mail` (a whole message: a text part, HTML without
            SVG, and figures as PNG by content id).

    Raises:
        InputError: There is no such form.
    """
    if form == "mail":
        return to_mail(report).as_bytes()
    if form not in _RENDERERS:
        message = f"form == {form!r}, must be one of {', '.join(FORMS)}"
        raise InputError(message)
    return _RENDERERS[form](report).encode("utf-8", errors="replace")
