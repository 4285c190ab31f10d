"""Room of analysis."""
