"""Room of stats."""
