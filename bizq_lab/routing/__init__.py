"""Room of routing."""
