"""Room of experiments."""
