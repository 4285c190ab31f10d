"""Room of store."""
