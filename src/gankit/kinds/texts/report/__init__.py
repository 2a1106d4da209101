"""The report on texts."""
