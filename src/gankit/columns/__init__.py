"""What a cell means: schema, inference, numbers, dates, identifiers, conditions, and the codec of columns."""
