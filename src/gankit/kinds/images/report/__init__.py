"""The report on images."""
