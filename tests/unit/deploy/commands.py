"""Refusals that commands for a stage have in common."""

import pytest

REFUSALS = pytest.mark.parametrize(
    ("stage", "environment", "reason"),
    [
        ("Prod", {}, "cannot be the name of a stage"),
        ("local", {}, "AWS_ENDPOINT_URL"),
        ("local", {"AWS_ENDPOINT_URL": "http://localhost:9"}, "You must specify a region"),
        (
            "local",
            {"AWS_ENDPOINT_URL": "http://localhost:9", "AWS_DEFAULT_REGION": "us-east-1"},
            "Unable to locate credentials",
        ),
    ],
)
