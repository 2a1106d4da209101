"""Pairs for records that are vectors, or are taken as the vector of all their numbers."""
