"""Room of viz."""
