"""What a check before a deployment has found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from deploy.stacks import DeployError

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing that was checked."""

    level: Level
    text: str
    """What was found and, unless it is "ok", what to do."""


def attempt(what: str, check: Callable[..., object], *arguments: object) -> Finding:
    """The finding of a check that raises DeployError."""
    try:
        check(*arguments)
    except DeployError as error:
        return Finding("error", str(error))
    return Finding("ok", what)
