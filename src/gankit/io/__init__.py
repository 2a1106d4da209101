"""Formats and containers: bytes and objects to records in the user's own form, and back. Knows no kind of data."""
