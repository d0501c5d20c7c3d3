"""The picture of the state machine."""

import re
from itertools import pairwise
from typing import Any

from statemachine import graph
from statemachine.definition import DEFINITION
from tests.stage import ROOT

STATES: dict[str, Any] = DEFINITION["States"]


def test_picture_is_current() -> None:
    assert (ROOT / "docs" / "states.md").read_text() == graph.render(), "run `make generate`"


def transitions() -> set[tuple[str, str]]:
    """From which state to which the definition goes."""
    found = set()
    for name, state in STATES.items():
        exits = [state, *state.get("Choices", ()), *state.get("Catch", ())]
        found |= {(name, way["Next"]) for way in exits if "Next" in way}
        found |= {(name, state["Default"])} if "Default" in state else set()
    return found


def drawn() -> set[tuple[str, str]]:
    """From which state to which the pictures go."""
    page = graph.render()
    names = dict(re.findall(r'^ +(\w+)[\[{(]+"(.+?)"', page, re.M))
    found = set()
    for line in re.findall(r"^ +(\w.* --> .*)$", page, re.M):
        groups = [group.split(" & ") for group in line.split(" --> ")]
        for left, right in pairwise(groups):
            found |= {(names[a], names[b]) for a in left for b in right}
    return found


def test_picture_shows_every_transition() -> None:
    assert drawn() == transitions()
