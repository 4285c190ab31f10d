"""Room of execution."""
