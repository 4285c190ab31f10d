"""One rater's sitting: what is to be rated, blind and shuffled, and where ratings go. Knows no widget."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.core.ids import derived_seed
from bizq_lab.core.markup import escape
from bizq_lab.core.task import UserFeedback
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.lab.recorder import feedback_event

if TYPE_CHECKING:
    from bizq_lab.core.protocols import Clock
    from bizq_lab.lab.records import Payloads
    from bizq_lab.store import Log

LOWEST, HIGHEST = 1.0, 5.0
SOURCE = "rating"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One output, without a word about who wrote it.

    Attributes:
        decision_id: What the rating is of; it tells nothing of the arm.
        task_id: The task's id.
        question: What was asked, as text.
        answer: What was answered; hostile until it is shown escaped.
    """

    decision_id: str
    task_id: str
    question: str
    answer: str


@dataclass(kw_only=True)
class RatingSession:
    """What one rater is shown, card by card; a card holds one output, or all outputs of one task side by side.

    Displays itself in a notebook: with ipywidgets as buttons, without them as text and the way through a CSV.

    Attributes:
        task_type: What is rated.
        rater: Who rates.
        cards: Outputs in the order shown; which arm stands left is drawn anew for each card.
        log: Where ratings go.
        clock: Time of the record.
        payloads: Whether comments are kept: with `full` only.
        rated: Ratings given in this sitting, by decision.
    """

    task_type: str
    rater: str
    cards: Sequence[tuple[Item, ...]]
    log: Log
    clock: Clock
    payloads: Payloads = "full"
    rated: dict[str, float] = field(default_factory=dict)

    def give(self, decision_id: str, rating: float, comment: str = "") -> None:
        """Log a rating of one output; the same rating again adds nothing.

        Raises:
            InputError: The output is not part of this sitting, or the rating is not from 1 to 5.
        """
        item = self._items().get(decision_id)
        if item is None:
            message = f"decision {decision_id!r} is not part of this sitting"
            raise InputError(message, hint="rate what lab.rate(…) or its CSV shows")
        if not LOWEST <= rating <= HIGHEST:
            message = f"rating == {rating!r}, must be from 1 to 5"
            raise InputError(message, hint="fractions such as 4.5 are fine")
        said = UserFeedback(rating=rating, feedback=comment, rater=self.rater)
        now_us = self.clock.now_us()
        self.log.append(
            feedback_event(
                decision_id, item.task_id, said, recorded_at_us=now_us, source=SOURCE, payloads=self.payloads
            )
        )
        self.rated[decision_id] = rating

    def to_csv(self, path: str | Path) -> Path:
        """Write what is to be rated to a file that spreadsheets open; `from_csv` reads it back, filled in."""
        from bizq_lab.lab.rating.table import write_table  # noqa: PLC0415 - only this way needs it

        return write_table(Path(path), self.cards)

    def from_csv(self, path: str | Path) -> int:
        """Log the ratings that a rater filled in; empty ones are left for later.

        Returns:
            How many ratings were read.

        Raises:
            InputError: A row is not of this sitting, or its rating is none; nothing was logged.
        """
        from bizq_lab.lab.rating.table import read_table  # noqa: PLC0415 - as above

        rows = read_table(Path(path), self._items())
        for decision_id, rating, comment in rows:
            self.give(decision_id, rating, comment)
        return len(rows)

    def _items(self) -> dict[str, Item]:
        return {item.decision_id: item for card in self.cards for item in card}

    def summary(self) -> str:
        """How much is left."""
        return f"{len(self.rated)} of {len(self._items())} outputs of {self.task_type} rated by {self.rater}."

    def _repr_html_(self) -> str:
        hint = "Install ipywidgets to rate here, or: session.to_csv('rate.csv'), fill in, session.from_csv('rate.csv')."
        return f"<p>{escape(self.summary())}</p><p>{escape(hint)}</p>"

    def _ipython_display_(self) -> None:
        from bizq_lab.lab.rating.widget import show  # noqa: PLC0415 - only a notebook needs it

        show(self)


def open_session(
    log: Log, *, task_type: str, rater: str, clock: Clock, pairs: bool, arms: Sequence[str] | None, limit: int | None,
    seed: int, payloads: Payloads,
) -> RatingSession:  # fmt: skip
    """Everything of a task type that this rater has not rated yet, shuffled.

    Args:
        log: Where outputs are read and ratings go.
        task_type: What is rated.
        rater: Who rates; their name is logged with each rating.
        clock: Time of the record.
        pairs: All outputs of one task and repeat on one card; tasks that only one arm answered are left out.
        arms: Only these.
        limit: Most cards.
        seed: Of the order; the same rater sees the same order again.
        payloads: Whether comments are kept: with `full` only.

    Raises:
        InputError: No rater was named, or an arm's name holds a comma.
        NotEnoughData: Nothing is left to rate, or no output was kept.
    """
    if not rater.strip():
        message = f"rater == {rater!r}, must name who rates"
        raise InputError(message, hint="lab.rate(task_type, rater='ann'): agreement needs to know")
    if any("," in arm for arm in arms or ()):
        message = f"arms == {list(arms or ())!r}, must hold no comma"
        raise InputError(message)
    rows = log.query("to_rate", task_type=task_type, rater=rater, arms=None if arms is None else ",".join(arms))
    groups: dict[tuple[str, str], list[Item]] = {}
    for row in rows:
        key = (row["task_key"], str(row["repeat"])) if pairs else (row["decision_id"], "")
        groups.setdefault(key, []).append(_item(row["decision_id"], row["task_id"], row["task_input"], row["output"]))
    draw = random.Random(derived_seed(seed, task_type, rater)).sample
    cards = [tuple(draw(items, len(items))) for items in groups.values() if len(items) > 1 or not pairs]
    if not cards:
        message = f"no output of {task_type!r} is left for {rater!r} to rate"
        raise NotEnoughData(message, hint="run tasks with payloads='full', or rate another task type")
    shuffled = draw(cards, len(cards))
    return RatingSession(
        task_type=task_type, rater=rater, cards=shuffled[:limit], log=log, clock=clock, payloads=payloads
    )


def _item(decision_id: str, task_id: str, task_input: str | None, output: str) -> Item:
    return Item(decision_id=decision_id, task_id=task_id, question=_question(task_input), answer=output)


def _question(task_input: str | None) -> str:
    """The task's input, a line a field."""
    try:
        fields = json.loads(task_input or "{}")
    except ValueError:
        return task_input or ""
    if not isinstance(fields, dict):
        return task_input or ""
    return "\n".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value)}" for name, value in fields.items()
    )
