"""Importers, one module a source: start from the routing that a gateway already runs.

Each says what it could not take. No importer touches a file, and none keeps a key.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal, get_args

from bizq_lab.config.importers.imported import Imported, Untaken
from bizq_lab.config.importers.litellm import import_litellm
from bizq_lab.config.importers.tensorzero import import_tensorzero
from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog

Source = Literal["litellm", "tensorzero"]
SOURCES: tuple[Source, ...] = get_args(Source)

__all__ = ["SOURCES", "Imported", "Source", "Untaken", "import_config"]


def import_config(text: str, source: Source, catalog: Catalog, *, as_of: date) -> Imported:
    """Arms, weights and models of a gateway's config.

    Args:
        text: The gateway's config file.
        source: `litellm` or `tensorzero`.
        catalog: Resolves model names; models it does not know are added.
        as_of: Date that the config and the added prices carry.

    Raises:
        InputError: The text is no such config, or its weights make no sense.
        InvalidRoutingConfig: A name is too long.
    """
    readers = {"litellm": import_litellm, "tensorzero": import_tensorzero}
    if source not in readers:
        message = f"source == {source!r}, is not one of the sources"
        raise InputError(message, hint=f"known: {', '.join(SOURCES)}")
    return readers[source](text, catalog, as_of=as_of)
