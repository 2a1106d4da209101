"""The metrics of rows."""
