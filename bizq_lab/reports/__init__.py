"""Room of reports."""
