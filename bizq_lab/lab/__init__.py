"""Room of lab."""
