"""The definition of the state machine and the steps of its Lambda agree on every key that they pass."""

from collections.abc import Iterator, Mapping
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from chalicelib.retraining.payloads import Creating, Failure, State
from chalicelib.retraining.planning.plan import NoPlan
from statemachine.definition import DEFINITION
from tests.steps import steps

STATES: Mapping[str, Any] = DEFINITION["States"]
KEYS: Mapping[str, Any] = get_type_hints(State)
STEPS = steps()
LATER = {"plan": {"instance_type", "volume_key"}}
"""Arguments that the state machine of an earlier release, which a deployment replaces last, does not pass."""


def payloads() -> dict[str, dict[str, Any]]:
    """What each state passes to the Lambda, by the state's name."""
    found = {}
    for name, state in STATES.items():
        parameters = state.get("Parameters", {})
        parameters = parameters.get("Payload", parameters)
        if "step" in parameters:
            found[name] = parameters
    return found


PAYLOADS = payloads()


def arguments(step: str) -> dict[str, Any]:
    """The types of a step's arguments by name; those of optional ones without None."""
    hints = get_type_hints(STEPS[step])
    return {name: without_none(hints[name]) for name in signature(STEPS[step]).parameters}


def required(step: str) -> set[str]:
    parameters = signature(STEPS[step]).parameters.values()
    return {parameter.name for parameter in parameters if parameter.default is Parameter.empty}


def without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        (kind,) = set(get_args(kind)) - {NoneType}
    return kind


def leads_to(kind: Any, path: list[str]) -> bool:
    """Whether keys lead from a TypedDict to a value of it."""
    if not path:
        return True
    if get_origin(kind) in (Union, UnionType):
        return any(leads_to(part, path) for part in get_args(kind))
    if not is_typeddict(kind):
        return kind in (Any, dict[str, Any])
    hints = get_type_hints(kind)
    return path[0] in hints and leads_to(hints[path[0]], path[1:])


def paths(value: Any) -> Iterator[str]:
    """Paths into the state, `$.key...`, in a state of the definition, but for those into results of tasks."""
    match value:
        case dict():
            for key, part in value.items():
                if key != "ResultSelector":
                    yield from paths(part)
        case list():
            for part in value:
                yield from paths(part)
        case str():
            for word in value.replace("(", " ").replace(")", " ").replace(",", " ").split():
                if word.startswith("$."):
                    yield word


def test_definition_calls_every_step() -> None:
    assert {payload["step"] for payload in PAYLOADS.values()} == STEPS.keys()


@pytest.mark.parametrize("name", PAYLOADS)
def test_payload_has_the_arguments_of_its_step(name: str) -> None:
    payload = {key.removesuffix(".$"): value for key, value in PAYLOADS[name].items()}
    step = payload.pop("step")
    wanted = arguments(step)

    if payload.pop("state", None) == "$":  # the step takes a part of the state
        assert not payload
        assert wanted.keys() <= KEYS.keys()
    else:
        assert payload.keys() == wanted.keys()
        assert required(step) == wanted.keys() - LATER.get(step, set())
    for key, kind in wanted.items():
        if payload.get(key, "$.").startswith("$."):
            assert payload.get(key, f"$.{key}") == f"$.{key}", "keys keep their names"
            assert KEYS[key] == kind, key


@pytest.mark.parametrize("name", [name for name in PAYLOADS if name not in ("Plan", "Wait for approval")])
def test_result_of_a_step_has_the_type_of_its_key(name: str) -> None:
    result = get_type_hints(STEPS[PAYLOADS[name]["step"]])["return"]

    assert KEYS[STATES[name]["ResultPath"].removeprefix("$.")] == result


def test_plan_is_the_first_result() -> None:
    assert STATES["Plan"]["ResultSelector"] == {"plan.$": "$"}
    assert get_type_hints(STEPS["plan"])["return"] == KEYS["plan"] | NoPlan


@pytest.mark.parametrize("name", STATES)
def test_paths_lead_to_keys_of_the_state(name: str) -> None:
    keys = {**KEYS, "plan": KEYS["plan"] | NoPlan}
    # Only there, the error is all that there is.
    keys |= {"Cause": str} if name == "PlanningFailed" else {}

    for path in paths(STATES[name]):
        key, *rest = path.removeprefix("$.").split(".")
        assert key in keys, path
        assert leads_to(keys[key], rest), path


def test_every_key_of_the_state_is_written() -> None:
    written = {
        part["ResultPath"]
        for state in STATES.values()
        for part in (state, *state.get("Catch", ()))
        if part.get("ResultPath")
    }
    assert {path.removeprefix("$.") for path in written} - {"$"} | {"plan"} == KEYS.keys()


@pytest.mark.parametrize(
    "name", [name for name, state in STATES.items() if "ResultSelector" in state and name != "Plan"]
)
def test_selected_results_have_the_keys_of_their_type(name: str) -> None:
    kind = KEYS[STATES[name]["ResultPath"].removeprefix("$.")]
    selected = {key.removesuffix(".$") for key in STATES[name]["ResultSelector"]}

    # The model of the best training job is looked up by the next state.
    assert selected == get_type_hints(kind).keys() - ({"model"} if name == "Tune hyperparameters" else set())


@pytest.mark.parametrize(("key", "kind"), [("creating", Creating), ("failed", Failure)])
def test_constants_have_the_values_of_their_type(key: str, kind: Any) -> None:
    assert get_origin(kind) is Literal
    set_to = [state["Result"] for state in STATES.values() if state.get("ResultPath") == f"$.{key}"]

    assert set(set_to) == set(get_args(kind))
