"""TOML presets of the catalog; data only."""
