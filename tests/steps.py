"""The steps of the state machine, without a stage in which they could run: for their signatures."""

from collections.abc import Mapping
from typing import Any

from chalicelib.retraining.creation_checker import CreationChecker
from chalicelib.retraining.finalization import Finalization
from chalicelib.retraining.planning.planner import Planner
from chalicelib.retraining.steps import Step, Steps


def _bare(kind: type[Any]) -> Any:
    return object.__new__(kind)


def steps() -> Mapping[str, Step]:
    """The steps by name. None of them can run."""
    nothing: Any = None
    return Steps(
        bucket=nothing,
        repository=nothing,
        planner=_bare(Planner),
        candidates=nothing,
        rollout=nothing,
        creation_checker=_bare(CreationChecker),
        finalization=_bare(Finalization),
        backend=nothing,
        publish=nothing,
    ).by_name()
