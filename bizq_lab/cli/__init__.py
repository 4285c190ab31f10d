"""Room of cli."""
