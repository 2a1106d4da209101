"""Tables in databases: `addresses`, as texts, and `tables`, what they hold."""
