"""Pairs for images."""
