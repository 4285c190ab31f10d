"""Models, prices and task types as data: catalog/*.toml -> Catalog. Must not know who asks."""

from bizq_lab.catalog.catalog import Catalog, Prompt
from bizq_lab.catalog.load import PRESETS, load_catalog

__all__ = ["PRESETS", "Catalog", "Prompt", "load_catalog"]
