"""One file without script, the same bytes every time, and only text whatever the answers say."""

import json
import re
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from bizq_lab.errors import InputError
from bizq_lab.reports import Headline, Section
from bizq_lab.reports.render import Form
from tests.support.hostile import MATHTEXT, PAYLOADS, TEMPLATES, foreign_markup, unprintable, visible_text
from tests.support.report_answers import AS_OF, arm_table, report_with
from tests.support.reports import rendered

HEADLINE = Headline(working="It works.", cost="It costs $1.", changed="Nothing.", action="Wait.")


def small(note: str = "", form: Form = "html") -> str:
    """A report without figures, with `note` in every place that takes text."""
    said = note or "Fine."
    sections = [
        Section(heading=said, question=said, results=(arm_table(note),), details=((said, arm_table(note)),)),
        Section(heading="Second", question="And then?"),
    ]
    headline = Headline(said, said, said, said)
    return rendered(said, sections, as_of=AS_OF, headline=headline, facts={said: said}, note=said, form=form)


class Outline(HTMLParser):
    """Headings in order, ids, references, and pictures without a name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.unnamed: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Read one element."""
        named = {name: value or "" for name, value in attrs}
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        self.ids += [named["id"]] if "id" in named else []
        self.references += [value[1:] for value in named.values() if value.startswith("#")]
        self.references += [named["aria-labelledby"]] if "aria-labelledby" in named else []
        if tag == "svg" and not (named.get("aria-label") or named.get("aria-hidden")):
            self.unnamed.append(str(attrs))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_becomes_markup_in_a_report(payload: str) -> None:
    html = small(payload)
    assert foreign_markup(html) == []
    assert not unprintable(html)


@pytest.mark.parametrize("payload", ["<script>alert(1)</script>", '"><svg onload=alert(1)>', *MATHTEXT[:3]])
def test_no_payload_becomes_markup_in_a_report_with_figures(payload: str) -> None:
    html = report_with(payload)
    assert foreign_markup(html) == []
    assert "<figure>" in html


@pytest.mark.parametrize("payload", TEMPLATES)
def test_template_syntax_in_an_answer_is_shown_as_it_is(payload: str) -> None:
    assert payload in visible_text(small(payload))
    assert "49" not in visible_text(small("{{7*7}}"))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markdown_and_json_variants_carry_no_control_characters(payload: str) -> None:
    assert not unprintable(small(payload, "markdown"))
    text = small(payload, "json")
    assert text.isascii()
    assert json.loads(text)["title"] == payload


@pytest.mark.parametrize("form", ["html", "markdown", "json"])
def test_the_same_answers_give_the_same_bytes(form: Form) -> None:
    assert report_with(form=form) == report_with(form=form)


def test_the_policy_forbids_script_and_requests_and_stands_before_everything_it_governs() -> None:
    html = small()
    policy = "default-src &#39;none&#39;; img-src data:; style-src &#39;unsafe-inline&#39;; base-uri &#39;none&#39;"
    assert html.index(policy) < html.index("<style>") < html.index("<body>")
    assert "<script" not in html
    assert "http:" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "https:" not in html


def test_headings_are_in_order_and_start_with_one_h1() -> None:
    levels = Outline(report_with()).levels
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_reference_inside_the_file_is_met_and_ids_are_unique() -> None:
    outline = Outline(report_with())
    assert outline.references
    assert set(outline.references) <= set(outline.ids)
    assert len(outline.ids) == len(set(outline.ids))


def test_every_figure_has_an_alternative_text() -> None:
    assert Outline(report_with()).unnamed == []


def test_the_first_screen_answers_four_questions_before_any_table() -> None:
    html = rendered("T", [Section(heading="A", question="B?", results=(arm_table(),))], as_of=AS_OF, headline=HEADLINE)
    at = [
        html.index(text)
        for text in (
            "Is it working?",
            "It works.",
            "What does it cost?",
            "What changed?",
            "What should we do?",
            "Wait.",
            "<table>",
        )
    ]
    assert at == sorted(at)


def test_an_unanswered_question_is_not_asked() -> None:
    assert "What changed?" not in rendered("T", [], as_of=AS_OF, headline=HEADLINE._replace(changed=""))


def test_the_only_date_is_the_one_given() -> None:
    html = rendered("T", [], as_of=date(2001, 2, 3), headline=HEADLINE)
    assert set(re.findall(r"\b(?:19|20)\d\d-\d\d-\d\d\b", html)) == {"2001-02-03"}


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(InputError, match="form == 'pdf'"):
        rendered("T", [], as_of=AS_OF, headline=HEADLINE, form="pdf")  # type: ignore[arg-type] # the error is the subject


def test_the_json_variant_holds_every_answer_with_its_interval() -> None:
    document = json.loads(report_with(form="json"))
    rows = document["sections"][0]["results"][0]["rows"]
    assert rows[0]["success_lower"] == pytest.approx(0.4)
    assert [section["heading"] for section in document["sections"]] == [
        "Performance",
        "Comparison",
        "Efficiency",
        "Weights",
    ]


def test_the_markdown_variant_has_the_sections_and_tables() -> None:
    text = report_with(form="markdown")
    assert text.startswith("# The loop, closed once\n\nAs of 2026-11-24.\n")
    assert text.count("\n## ") == 4
    assert "- **Is it working?** 2 arms." in text
