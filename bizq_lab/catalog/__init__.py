"""Models, prices and task types as data: catalog/*.toml -> Catalog. Must not know who asks."""
