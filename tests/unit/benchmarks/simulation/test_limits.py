"""The file of parameters."""

import re
from dataclasses import fields
from pathlib import Path

from benchmarks.simulation import limits
from benchmarks.simulation.limits import Limits


def test_limits_are_read_from_the_file() -> None:
    found = Limits.read()
    assert found.retry_seconds == (60.0, 120.0)
    assert found.event_max_age == 6 * 3600
    assert {one.name for one in fields(Limits)} == limits.content()["limits"].keys()


def test_every_number_has_a_source() -> None:
    """Each is below a comment, alone or in a group."""
    text = Path(limits.__file__).with_name("parameters.toml").read_text()
    groups = re.split(r"\n(?=#|\[)", text.partition("[limits]")[2])
    for group in groups:
        assert "=" not in group or group.startswith("#"), group
