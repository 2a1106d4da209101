"""How far two samples are apart: maths of no kind of data."""
