"""Names of the roles that each of several models has for itself."""

from __future__ import annotations

MODEL_SIGN = "@"
"""What stands between a role and the model that it belongs to: no role has it in its name."""

SHARED_ROLES = ("y_true", "weight", "query", "time", "event")
"""Roles that models do not have for themselves: where their files hold them, they are the same in each."""


def model_role(role: str, model: str) -> str:
    """Return the name of a role that one of several models has for itself."""
    return f"{role}{MODEL_SIGN}{model}"


def is_of_model(role: str) -> bool:
    """Tell whether a role belongs to one of several models."""
    return MODEL_SIGN in role


def split_model_role(role: str) -> tuple[str, str]:
    """Return a role without its model, and the model; empty if it belongs to none."""
    base, _, model = role.partition(MODEL_SIGN)
    return base, model
