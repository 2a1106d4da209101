"""What the report on tables shows."""
