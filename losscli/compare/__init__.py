"""Outlier sensitivity of losses, and comparison of models."""
