"""Pairs for sequences: series, texts, and raw samples of audio."""
