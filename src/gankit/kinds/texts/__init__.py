"""Short texts: names, molecules, sentences."""
