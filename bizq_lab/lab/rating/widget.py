"""A sitting in a notebook: one card at a time, buttons from 1 to 5, Tab and arrow keys reach all of them.

Outputs are shown as escaped text and never as markup. Without ipywidgets the sitting shows how to go through a CSV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bizq_lab.core.markup import escape

if TYPE_CHECKING:
    from bizq_lab.lab.rating.session import Item, RatingSession

SCALE = (("1 bad", 1.0), ("2", 2.0), ("3", 3.0), ("4", 4.0), ("5 good", 5.0))
_BOX = (
    "white-space:pre-wrap;border:1px solid rgba(128,128,128,.45);border-radius:6px;padding:8px;"
    "max-height:26em;overflow:auto"
)


def show(session: RatingSession) -> None:
    """Display the sitting with what this notebook has."""
    from IPython.display import display  # noqa: PLC0415 - a notebook has it

    try:
        display(rating_card(session))  # type: ignore[no-untyped-call]
    except ImportError:
        page = {"text/html": session._repr_html_(), "text/plain": session.summary()}
        display(page, raw=True)  # type: ignore[no-untyped-call]


def rating_card(session: RatingSession) -> Any:
    """The widget: it logs each card when `Next` is pressed, and then shows the next one.

    Raises:
        ImportError: ipywidgets is not installed.
    """
    import ipywidgets as widgets  # noqa: PLC0415 - an extra

    place = widgets.VBox()
    state = {"number": 0}

    def draw() -> None:
        number = state["number"]
        head = widgets.HTML(f"<b>{escape(session.summary())}</b>")
        if number >= len(session.cards):
            place.children = (head,)
            return
        card = session.cards[number]
        buttons = [widgets.ToggleButtons(options=SCALE, value=None, description="Rating") for _ in card]
        comments = [widgets.Text(placeholder="comment (optional)") for _ in card]
        save = widgets.Button(description="Next", button_style="primary", tooltip="Log the ratings and go on")
        save.on_click(lambda _: _log(card, buttons, comments))
        columns = [
            widgets.VBox([widgets.HTML(_box(i.answer)), b, c]) for i, b, c in zip(card, buttons, comments, strict=True)
        ]
        position = widgets.HTML(f"Card {number + 1} of {len(session.cards)}")
        place.children = (head, position, widgets.HTML(_box(card[0].question)), widgets.HBox(columns), save)

    def _log(card: tuple[Item, ...], buttons: list[Any], comments: list[Any]) -> None:
        for item, button, comment in zip(card, buttons, comments, strict=True):
            if button.value is not None:
                session.give(item.decision_id, button.value, comment.value)
        state["number"] += 1
        draw()

    draw()
    return place


def _box(text: str) -> str:
    return f'<div style="{_BOX}">{escape(text)}</div>'
