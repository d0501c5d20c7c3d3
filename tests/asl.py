"""Runs state machines without waiting, in the subset of the Amazon States Language that this project uses."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Perform = Callable[[str, Mapping[str, Any]], Any]
"""Returns the result of a task, given the name of the state and its parameters."""

MAX_STATES = 500


class TaskFailed(Exception):
    """The failure of a task, as Step Functions sees it."""

    def __init__(self, error: str, cause: str = "why"):
        super().__init__(f"{error}: {cause}")
        self.output = {"Error": error, "Cause": cause}


class Execution:
    """An execution, run to its end.

    A path that does not exist is an AssertionError: Step Functions would fail the execution.
    """

    def __init__(
        self,
        definition: Mapping[str, Any],
        given: Any,
        perform: Perform,
        arn: str = "arn",
        wait: Callable[[], None] = lambda: None,
    ):
        self.states: Mapping[str, Any] = definition["States"]
        self.passed: list[str] = []
        self.attempts: dict[str, int] = {}
        self.data = given
        self.error: dict[str, str] | None = None
        """The error; None if the execution succeeded."""
        execution = {"Id": arn, "Name": arn.rpartition(":")[2], "Input": given}
        self._context = {"Execution": execution, "Task": {"Token": "token"}}
        self._perform, self._pause = perform, wait
        name: str | None = definition["StartAt"]
        while name:
            self.passed.append(name)
            assert len(self.passed) < MAX_STATES, f"endless loop: {self.passed[-10:]}"
            following = getattr(self, f"_{self.states[name]['Type'].lower()}")(name, self.states[name])
            name = None if self.states[name].get("End") else following

    @property
    def end(self) -> str:
        """The last state."""
        return self.passed[-1]

    def _task(self, name: str, state: Mapping[str, Any]) -> str:
        parameters = self._fill(name, state.get("Parameters", self.data), self.data)
        tried = [0] * len(state.get("Retry", ()))
        while True:
            self.attempts[name] = self.attempts.get(name, 0) + 1
            try:
                result = self._perform(name, parameters)
            except TaskFailed as error:
                failed = error
            else:
                break
            retrier = _matching(state.get("Retry", []), failed)
            if retrier is not None and tried[retrier] < state["Retry"][retrier]["MaxAttempts"]:
                tried[retrier] += 1
                continue
            catcher = _matching(state.get("Catch", []), failed)
            assert catcher is not None, f"no catcher for {failed} of {name}"
            self._put(state["Catch"][catcher]["ResultPath"], failed.output)
            return str(state["Catch"][catcher]["Next"])
        if "ResultSelector" in state:
            result = self._fill(name, state["ResultSelector"], result)
        self._put(state["ResultPath"], result)
        return str(state["Next"])

    _map = _task
    """A Map gives what performing it as one task gives."""

    def _pass(self, name: str, state: Mapping[str, Any]) -> str:
        if "InputPath" in state:
            self.data = self._read(name, state["InputPath"], self.data)
            return str(state.get("Next"))
        result = state.get("Result", self._fill(name, state.get("Parameters", {}), self.data))
        self._put(state["ResultPath"], result)
        return str(state["Next"])

    def _choice(self, name: str, state: Mapping[str, Any]) -> str:
        following = (choice["Next"] for choice in state["Choices"] if self._holds(name, choice))
        return str(next(following, state.get("Default")))

    def _wait(self, _name: str, state: Mapping[str, Any]) -> str:
        self._pause()
        return str(state["Next"])

    def _succeed(self, _name: str, _state: Mapping[str, Any]) -> None:
        return None

    def _fail(self, name: str, state: Mapping[str, Any]) -> None:
        self.error = {
            key: str(
                self._read(name, state[f"{key}Path"], self.data) if f"{key}Path" in state else state[key]
            )
            for key in ("Error", "Cause")
            if key in state or f"{key}Path" in state
        }

    def _holds(self, name: str, rule: Mapping[str, Any]) -> bool:
        for join, how in (("And", all), ("Or", any)):
            if join in rule:
                return how(self._holds(name, part) for part in rule[join])
        if "IsPresent" in rule:
            try:
                self._read(name, rule["Variable"], self.data)
            except AssertionError:
                return not rule["IsPresent"]
            return bool(rule["IsPresent"])
        value = self._read(name, rule["Variable"], self.data)
        (operator,) = rule.keys() - {"Variable", "Next"}
        expected = rule[operator]
        if operator.endswith("Path"):
            operator, expected = operator.removesuffix("Path"), self._read(name, expected, self.data)
        assert operator in ("BooleanEquals", "StringEquals", "NumericGreaterThan"), operator
        return bool(value > expected if operator == "NumericGreaterThan" else value == expected)

    def _fill(self, name: str, template: Any, data: Any) -> Any:
        """A template with the values of its paths and functions, `"key.$": ...`."""
        if isinstance(template, list):
            return [self._fill(name, item, data) for item in template]
        if not isinstance(template, dict):
            return template
        return {
            key.removesuffix(".$"): self._evaluate(name, value, data)
            if key.endswith(".$")
            else self._fill(name, value, data)
            for key, value in template.items()
        }

    def _evaluate(self, name: str, expression: str, data: Any) -> Any:
        function = re.fullmatch(r"States\.(Format|Array)\((.*)\)", expression)
        if function is None:
            return self._read(name, expression, data)
        arguments = [
            argument[1:-1] if argument.startswith("'") else self._read(name, argument, data)
            for argument in re.findall(r"'[^']*'|\$[\w.$]+", function[2])
        ]
        return arguments if function[1] == "Array" else arguments[0].format(*arguments[1:])

    def _read(self, name: str, path: str, data: Any) -> Any:
        value = self._context if path.startswith("$$") else data
        for key in path.lstrip("$").split(".")[1:]:
            assert isinstance(value, dict), f"{name} reads {path}"
            assert key in value, f"{name} reads {path}, but there is only {json.dumps(data)}"
            value = value[key]
        return value

    def _put(self, path: str | None, result: Any) -> None:
        if path == "$":
            self.data = result
        elif path is not None:
            self.data = {**self.data, path.removeprefix("$."): result}


def _matching(rules: list[Mapping[str, Any]], failed: TaskFailed) -> int | None:
    """The first retrier or catcher for a failure."""
    for index, rule in enumerate(rules):
        if {failed.output["Error"], "States.ALL"} & set(rule["ErrorEquals"]):
            return index
    return None
