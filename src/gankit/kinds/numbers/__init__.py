"""Numbers and vectors of numbers."""
