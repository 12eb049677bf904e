"""Recommend losses from what the data is."""
