"""Models, prices and task types as data: presets/*.toml -> Catalog. Must not know who asks."""

from __future__ import annotations

from bizq_lab.catalog.catalog import Catalog, Prompt
from bizq_lab.catalog.load import load_catalog

__all__ = ["Catalog", "Prompt", "load_catalog"]
