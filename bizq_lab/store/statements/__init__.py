"""The store's own SQL, one file a statement. Knows no connection."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(name: str, **fields: str) -> str:
    """The text of `statements/<name>.sql`, with `__field__` filled in where SQL takes no parameter."""
    text = files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
    for field, value in fields.items():
        text = text.replace(f"__{field}__", value)
    return text
