"""The metrics of series."""
