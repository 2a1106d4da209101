"""Audio clips."""
