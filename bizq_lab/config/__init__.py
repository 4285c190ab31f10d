"""Room of config."""
