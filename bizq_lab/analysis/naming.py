"""Names that a query tells apart by their places in lists, for numbers are grouped faster than text. Knows no query.

The lists are those of the conditions, which a long log gives in a sample. A name that is in none of them comes back as
place 0, and the question is asked again by text: an answer never rests on the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bizq_lab.analysis.extent import Conditions

_Answer = TypeVar("_Answer")

NAMED = ("task_type", "arm", "model")
# Looking a name up walks the list; the gain was measured with lists of up to four.
_FEW = 32


@dataclass(frozen=True, slots=True)
class Names:
    """Lists of names by the key that takes them, in order; none: the keys are text.

    Attributes:
        lists: For each of `NAMED`, or empty.
    """

    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, conditions: Conditions) -> Names:
        """The names of these conditions, if they are few."""
        lists = {key: sorted(str(name) for (name,) in conditions.values(key)) for key in NAMED}
        return cls(lists) if 0 < max(map(len, lists.values())) <= _FEW else cls()

    def params(self) -> dict[str, Any]:
        """As the queries take them."""
        return {"coded": bool(self.lists), **{f"{key}s": self.lists.get(key) for key in NAMED}}

    def name(self, key: str, found: Any) -> Any:
        """What a key of the answer stands for: the name at that place, or itself where it is text."""
        return found if isinstance(found, str) else self.lists[key][int(found) - 1]


def ask_by_names(
    ask: Callable[[Mapping[str, Any]], _Answer],
    names: Names,
    columns: Callable[[_Answer], Iterable[Iterable[Any]]],
) -> tuple[_Answer, Names]:
    """Ask by place, and once more by text where some name is in no list.

    Args:
        ask: Asks with these parameters beside its own.
        names: The lists.
        columns: The columns of an answer that may hold places.

    Returns:
        The answer, and the names by which it is to be read.
    """
    answer = ask(names.params())
    if names.lists and any(0 in column for column in columns(answer)):
        names = Names()
        answer = ask(names.params())
    return answer, names
