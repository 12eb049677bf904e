"""Inputs that once failed, as small literals, and the causes that still do."""
