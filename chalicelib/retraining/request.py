"""What somebody may ask of a retraining: the input of an execution, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib import limits
from chalicelib.errors import InvalidHyperparameters, InvalidRequest
from chalicelib.fields import check_json, optional_text
from chalicelib.retraining.hyperparameters import check_values, current_names, searched
from chalicelib.tasks import Task, load_tasks

TRIALS = 8
"""Of a search, where nobody says how many."""
MAX_TRIALS = 100
_MEMBERS: Mapping[str, Any] = {
    "task": str,
    "hyperparameters": dict,
    "tune": (bool, int),
    "force": bool,
    "approval": bool,
    "spot": bool,
    "reason": str,
    "requested_by": str,
}


@dataclass(frozen=True)
class RetrainingRequest:
    """A retraining as it is wanted."""

    task: Task
    hyperparameters: Mapping[str, Any]
    """Those that differ from the task's recipe."""
    trials: int
    """Training jobs of a search for better hyper-parameters; 0 to train once."""
    force: bool
    """Train though neither data nor labels have changed."""
    approval: bool
    """Ask a person before an accepted model is deployed."""
    spot: bool
    """Train on spare capacity, which costs less and may be taken back."""
    reason: str
    requested_by: str

    @property
    def is_plain(self) -> bool:
        """Whether it trains as the current model was trained, so that only other data make a difference."""
        return not (self.force or self.trials or self.hyperparameters)


def parse_request(given: Any) -> RetrainingRequest:
    """Check what somebody asked for: in a request, or in the input of an execution.

    Raises:
        InvalidRequest: saying what is wrong with it.
    """
    check_json(given)
    if not isinstance(given, dict):
        raise InvalidRequest('A retraining is asked for as {"task": "..."}.')
    unknown = sorted(given.keys() - _MEMBERS.keys())
    if unknown:
        raise InvalidRequest(f"There is no '{unknown[0]}' to a retraining. Known: {', '.join(_MEMBERS)}.")
    for name, kind in _MEMBERS.items():
        if name in given and not isinstance(given[name], kind):
            raise InvalidRequest(f"'{name}' must be {_KINDS[kind]}.")
    return RetrainingRequest(
        task=_task(given),
        hyperparameters=_hyperparameters(given),
        trials=_trials(given.get("tune", False)),
        force=given.get("force", False),
        approval=given.get("approval", False),
        spot=given.get("spot", False),
        reason=optional_text(given, "reason") or "",
        requested_by=optional_text(given, "requested_by", limits.MAX_REQUESTED_BY) or "",
    )


_KINDS: Mapping[Any, str] = {
    str: "a text",
    dict: "an object",
    bool: "true or false",
    (bool, int): f"true, false, or a number of trials up to {MAX_TRIALS}",
}


def _task(given: Mapping[str, Any]) -> Task:
    tasks = load_tasks()
    if given.get("task") not in tasks:
        raise InvalidRequest(f"'task' must be one of {', '.join(tasks)}.")
    return tasks[given["task"]]


def _hyperparameters(given: Mapping[str, Any]) -> dict[str, Any]:
    values = current_names(given.get("hyperparameters", {}))
    check_values(values)
    if given.get("tune") and (both := sorted(values.keys() & searched().keys())):
        raise InvalidHyperparameters(
            f"{both[0]} cannot be given where it is searched for. Leave out 'tune', or the value."
        )
    return values


def _trials(tune: bool | int) -> int:
    if isinstance(tune, bool):
        return TRIALS if tune else 0
    if not 2 <= tune <= MAX_TRIALS:
        raise InvalidRequest(f"'tune' must be a number of trials from 2 to {MAX_TRIALS}, or true.")
    return tune
