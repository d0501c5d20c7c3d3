"""Requests for retrainings: inputs of executions, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib import limits
from chalicelib.errors import InvalidHyperparameters, InvalidRequest
from chalicelib.fields import check_json, optional_str
from chalicelib.hyperparameters import check_streamed, check_values, current_names, searched
from chalicelib.tasks import MAX_INSTANCES, Task, load_tasks

DEFAULT_TRIALS = 8
"""Training jobs of a search if their number is not given."""
_FIELDS: Mapping[str, Any] = {
    "task": str,
    "hyperparameters": dict,
    "tune": (bool, int),
    "force": bool,
    "approval": bool,
    "spot": bool,
    "stream": bool,
    "instance_count": int,
    "preparation_instance_count": int,
    "reason": str,
    "requested_by": str,
}


@dataclass(frozen=True)
class RetrainingRequest:
    """A checked request for a retraining."""

    task: Task
    hyperparameters: Mapping[str, Any]
    """That differ from the task's recipe."""
    trials: int
    """Training jobs of a search for better hyper-parameters; 0 to train once."""
    force: bool
    """Train although neither images nor labels have changed."""
    approval: bool
    """Wait for a person's approval before an accepted model is deployed."""
    spot: bool
    """Train on spot instances, which cost less and may be interrupted."""
    stream: bool
    """Read each image whenever it is needed, and keep none on the disk."""
    instance_count: int
    """Instances that train one network together."""
    preparation_instance_count: int
    """Instances that read the images of the data set together."""
    reason: str
    requested_by: str

    @property
    def is_plain(self) -> bool:
        """Whether it trains with the task's recipe, so that the result differs only if the data do."""
        return not (self.force or self.trials or self.hyperparameters)


def parse_request(given: Any) -> RetrainingRequest:
    """Check the body of a request, or the input of an execution.

    Raises:
        InvalidRequest: if it is not valid.
    """
    check_json(given)
    if not isinstance(given, dict):
        raise InvalidRequest('A request for a retraining is a JSON object such as {"task": "..."}.')
    unknown = sorted(given.keys() - _FIELDS.keys())
    if unknown:
        raise InvalidRequest(f"A retraining has no field '{unknown[0]}'. Fields: {', '.join(_FIELDS)}.")
    for name, kind in _FIELDS.items():
        if name in given and not isinstance(given[name], kind):
            raise InvalidRequest(f"'{name}' must be {_KINDS[kind]}.")
    task = _task(given)
    stream: bool = given.get("stream", task.training.stream)
    return RetrainingRequest(
        task=task,
        hyperparameters=_hyperparameters(given, stream),
        trials=_trials(given.get("tune", False)),
        force=given.get("force", False),
        approval=given.get("approval", False),
        spot=given.get("spot", False),
        stream=stream,
        instance_count=_instances(given, "instance_count", task.training.instance_count),
        preparation_instance_count=_instances(
            given, "preparation_instance_count", task.training.preparation_instance_count
        ),
        reason=optional_str(given, "reason") or "",
        requested_by=optional_str(given, "requested_by", limits.MAX_REQUESTED_BY) or "",
    )


_KINDS: Mapping[Any, str] = {
    str: "a text",
    dict: "an object",
    bool: "true or false",
    int: f"a number of instances from 1 to {MAX_INSTANCES}",
    (bool, int): f"true, false, or a number of trials up to {limits.MAX_TRIALS}",
}


def _task(given: Mapping[str, Any]) -> Task:
    tasks = load_tasks()
    if given.get("task") not in tasks:
        raise InvalidRequest(f"'task' must be one of {', '.join(tasks)}.")
    return tasks[given["task"]]


def _hyperparameters(given: Mapping[str, Any], stream: bool) -> dict[str, Any]:
    values = current_names(given.get("hyperparameters", {}))
    check_values(values)
    if stream:
        check_streamed(values)
    if given.get("tune") and (both := sorted(values.keys() & searched().keys())):
        raise InvalidHyperparameters(
            f"'tune' searches for {both[0]}, so it cannot be given. Leave out 'tune', or the value."
        )
    return values


def _trials(tune: bool | int) -> int:
    if isinstance(tune, bool):
        return DEFAULT_TRIALS if tune else 0
    if not limits.MIN_TRIALS <= tune <= limits.MAX_TRIALS:
        raise InvalidRequest(
            f"'tune' must be a number of trials from {limits.MIN_TRIALS} to {limits.MAX_TRIALS}, or true."
        )
    return tune


def _instances(given: Mapping[str, Any], name: str, default: int) -> int:
    count: int = given.get(name, default)
    if isinstance(count, bool) or not 1 <= count <= MAX_INSTANCES:
        raise InvalidRequest(f"'{name}' must be {_KINDS[int]}.")
    return count
