"""Data that is given to the page, and the trainings that it starts."""
