"""Room of tuning."""
