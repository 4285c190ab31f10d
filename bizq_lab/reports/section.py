"""What a report consists of. Must not know any format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Result


class Headline(NamedTuple):
    """The first screen: one or two plain sentences for each of four questions."""

    working: str
    cost: str
    changed: str
    action: str

    def answers(self) -> list[tuple[str, str]]:
        """Question and answer, in reading order; unanswered questions are left out."""
        asked = ("Is it working?", "What does it cost?", "What changed?", "What should we do?")
        return [(question, answer) for question, answer in zip(asked, self, strict=True) if answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One question and its answers.

    Attributes:
        heading: A word or two, for the list of sections.
        question: The question in the reader's words; it heads the section.
        results: Answers, shown in full.
        figures: Axes drawn by `viz` or by a result's `plot`; shown before the tables.
        details: Name and answer, for those who want to check; folded away on a screen and left out of print.
    """

    heading: str
    question: str
    results: tuple[Result, ...] = ()
    figures: tuple[Axes, ...] = ()
    details: tuple[tuple[str, Result], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole report, before any format. Same content, same bytes: there is no clock in it.

    Attributes:
        title: What the report is about.
        sections: In reading order.
        as_of: The date it speaks for.
        headline: The first screen.
        facts: Short named facts (tasks, models, config), in order.
        note: Where the data comes from, when that must not be overlooked, such as a simulation.
    """

    title: str
    sections: tuple[Section, ...]
    as_of: date
    headline: Headline
    facts: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
