"""The report on series."""
