"""Figures as bytes: described, self-contained, and never mathematics."""

import re
from xml.etree import ElementTree as ET

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bizq_lab import viz
from bizq_lab.errors import InputError
from bizq_lab.viz import style
from tests.support.colours import contrast
from tests.support.hostile import MATHTEXT
from tests.support.report_answers import estimate


def parsed(svg: str) -> ET.Element:
    """The SVG as a tree; refuses what is not well-formed."""
    return ET.fromstring(svg)  # noqa: S314 - our own figure, and well-formedness is the subject


def hostile_figure(payload: str) -> Axes:
    """A payload as row name, heading, title and axis label at once."""
    rows = [{"task": payload, "arm": payload, "estimate": estimate(0.1, 0.2, payload[:20])}]
    return viz.forest(rows, group="task", title=payload, xlabel=payload)


@pytest.mark.parametrize("payload", MATHTEXT)
def test_dollars_are_shown_as_dollars(payload: str) -> None:
    texts = [
        element.text or ""
        for element in parsed(viz.figure_svg(hostile_figure(payload))).iter()
        if element.tag.endswith("text")
    ]
    assert style.label(payload, style.MAX_NAME_COLUMNS).replace(r"\$", "$") in texts


def test_a_pile_of_marks_keeps_one_and_accents_survive() -> None:
    assert style.label("Z\u0351\u036b\u0343a") == "Z\u0351a"
    assert style.label("cafe\u0301 na\u00efve") == "caf\u00e9 na\u00efve"


@pytest.mark.parametrize("payload", MATHTEXT)
def test_no_payload_stops_a_picture(payload: str) -> None:
    assert viz.figure_png(hostile_figure(payload), dpi=40).startswith(b"\x89PNG")


def test_the_description_is_title_and_label_and_may_be_given() -> None:
    ax = viz.forest([{"arm": "a", "estimate": estimate(0.1, 0.2)}], title="Success")
    assert 'role="img" aria-label="Success. a: 0.100 [\N{MINUS SIGN}0.100, 0.300]."' in viz.figure_svg(ax)
    assert "<title>Success. a: 0.100" in viz.figure_svg(ax)
    assert "<title>In words</title>" in viz.figure_svg(ax, alt="In words")


def test_axes_that_others_drew_are_described_by_their_labels() -> None:
    ax = Figure().add_subplot(xlabel="tasks", ylabel=r"cost (\$)", title="Cost")
    assert 'aria-label="Cost. tasks. cost ($)"' in viz.figure_svg(ax)
    assert 'aria-label="Figure"' in viz.figure_svg(Figure().add_subplot())


def test_ids_are_the_figures_own_and_every_reference_is_met() -> None:
    one = viz.figure_svg(viz.forest([{"arm": "a", "estimate": estimate(0.1, 0.2)}]))
    two = viz.figure_svg(viz.forest([{"arm": "a", "estimate": estimate(0.1, 0.2)}]), scope="second on the page")
    for svg in (one, two):
        ids, used = re.findall(r' id="([^"]+)"', svg), re.findall(r'(?:href="#|url\(#)([^")]+)', svg)
        assert used
        assert set(ids) == set(used)
        assert len(ids) == len(set(ids))
    assert not set(re.findall(r' id="([^"]+)"', one)) & set(re.findall(r' id="([^"]+)"', two))


def test_an_inline_figure_styles_nothing_outside_itself_and_takes_the_pages_ink() -> None:
    svg = viz.figure_svg(viz.forest([{"arm": "a", "estimate": estimate(0.1, 0.2)}]))
    assert "<style" not in svg
    assert "var(--bizq-ink,currentColor)" in svg
    assert style.INK not in svg
    assert "<metadata" not in svg


def test_axes_without_a_figure_are_refused() -> None:
    ax = viz.forest([{"arm": "a", "estimate": estimate(0.1, 0.2)}])
    ax.remove()
    with pytest.raises(InputError, match="must belong to a figure"):
        viz.figure_svg(ax)


@pytest.mark.parametrize("color", [style.INK, style.MUTED, *style.SERIES])
def test_every_colour_that_carries_meaning_has_aa_contrast_on_paper(color: str) -> None:
    assert contrast(color, style.PAPER) >= 4.5
