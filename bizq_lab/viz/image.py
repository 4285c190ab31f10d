"""Figures as bytes: the same figure, the same bytes. Knows no question.

SVG keeps text as text (searchable, read aloud), carries its description, has no id, style sheet or reference that
could meet another figure's on the same page, and takes its colours from the page where the page defines them.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from bizq_lab.core.display import printable
from bizq_lab.errors import InputError
from bizq_lab.viz import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PNG_DPI = 192
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_DROPPED = {f"{_SVG}metadata", f"{_SVG}style", f"{_SVG}title"}
_PAGE_COLORS = {
    style.INK: "var(--bizq-ink,currentColor)",
    style.MUTED: f"var(--bizq-muted,{style.MUTED})",
    style.LINE: f"var(--bizq-line,{style.LINE})",
    style.PAPER: f"var(--bizq-paper,{style.PAPER})",
    **{color: f"var(--bizq-c{i},{color})" for i, color in enumerate(style.SERIES)},
}
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_COLOR = re.compile("|".join(map(re.escape, _PAGE_COLORS)))


def describe(ax: Axes, text: str) -> None:
    """Set what a figure says in words, for those who cannot see it."""
    ax.set_label(printable(text))


def figure_svg(ax: Axes, *, alt: str = "", scope: str = "") -> str:
    """The whole figure of `ax` as one inline `<svg>` element.

    Args:
        ax: Any Axes of the figure.
        alt: Alternative text; by default what the drawing function said, else title and axis labels.
        scope: Anything that tells apart two equal figures on one page, so that their ids differ.

    Raises:
        InputError: The Axes belong to no figure.
    """
    figure, buffer = _figure(ax), io.BytesIO()
    with style.styled(), _as_it_was(figure):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 - matplotlib wrote these bytes a line ago
    _prune(root)
    _rename_ids(root, hashlib.sha256(buffer.getvalue() + scope.encode()).hexdigest()[:8])
    for element in root.iter():
        _plain_names(element)
    text = printable(alt) or _alt(ax)
    title = ET.Element("title")
    title.text = text
    root.insert(0, title)
    root.attrib.pop("version", None)
    root.attrib.update(
        {"xmlns": _SVG[1:-1], "role": "img", "aria-label": text, "stroke-linejoin": "round", "stroke-linecap": "butt"}
    )
    return ET.tostring(root, encoding="unicode")


def figure_png(ax: Axes, *, dpi: int = PNG_DPI) -> bytes:
    """The whole figure of `ax` as PNG bytes on white paper.

    Raises:
        InputError: The Axes belong to no figure.
    """
    figure, buffer = _figure(ax), io.BytesIO()
    with style.styled(), _as_it_was(figure):
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None}, facecolor=style.PAPER)
    return buffer.getvalue()


def _figure(ax: Axes) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy

    figure = ax.get_figure(root=True)
    if not isinstance(figure, Figure):
        message = f"axes == {ax!r}, must belong to a figure"
        raise InputError(message, hint="draw again: the figure was cleared")
    return figure


@contextmanager
def _as_it_was(figure: Figure) -> Iterator[None]:
    """Put the axes back where they were: a layout starts from where the last one ended, and would drift."""
    places = [(ax, ax.get_position(original=True).frozen(), ax.get_in_layout()) for ax in figure.axes]
    yield
    for ax, place, in_layout in places:
        ax.set_position(place)
        ax.set_in_layout(in_layout)


def _alt(ax: Axes) -> str:
    parts = (ax.get_label(), ax.get_title(loc="left") or ax.get_title(), ax.get_xlabel(), ax.get_ylabel())
    said = [str(part).replace(r"\$", "$") for part in parts if part]
    return said[0] if ax.get_label() else ". ".join(said) or "Figure"


def _prune(element: ET.Element) -> None:
    for child in list(element):
        if child.tag in _DROPPED:
            element.remove(child)
        else:
            _prune(child)


def _rename_ids(root: ET.Element, prefix: str) -> None:
    """Keep only the ids that something refers to, and make them the figure's own."""
    xml = ET.tostring(root, encoding="unicode")
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', xml))
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in used:
            element.set("id", f"f{prefix}-{name}")
        for key, value in element.attrib.items():
            if key == _HREF or value.startswith("url(#"):
                element.set(key, value.replace("#", f"#f{prefix}-", 1))


def _plain_names(element: ET.Element) -> None:
    """Names without namespace, as HTML writes them; short numbers; colours and fonts that the page may set."""
    element.tag = element.tag.removeprefix(_SVG)
    if _HREF in element.attrib:
        element.set("href", element.attrib.pop(_HREF))
    for key, value in element.attrib.items():
        element.set(key, _LONG_NUMBER.sub(lambda match: f"{float(match[0]):.2f}", " ".join(value.split())))
    if "style" in element.attrib:
        text = element.attrib["style"].replace("'DejaVu Sans'", "'DejaVu Sans',Verdana,sans-serif")
        element.set("style", _COLOR.sub(lambda match: _PAGE_COLORS[match[0]], text))
    if element.tag != "text":
        element.text = None
    element.tail = None
