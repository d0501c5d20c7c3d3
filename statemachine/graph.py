"""Draws the state machine: `make generate` writes the page docs/states.md."""

import re
from collections.abc import Iterator

from deploy.generated import PROJECT, write_or_check
from statemachine.definition import DEFINITION, MAIN
from statemachine.recovery import RECOVERY
from statemachine.states import State

PAGE = PROJECT / "docs" / "states.md"
_HEAD = """# States of a retraining

`make generate` writes this page. [Retraining](retraining.md) explains what the states do;
 [`statemachine/definition.py`](../statemachine/definition.py) defines them.

## If nothing fails
"""
_RECOVERY = """## If something fails

A request to SageMaker may have succeeded although its response was lost, so the state machine first looks
for the resource. Any other failure rolls back what the retraining has deployed.
"""
_SHAPES = {"Choice": '{{"{}"}}', "Succeed": '(["{}"])', "Fail": '(["{}"])'}
Transition = tuple[str, str]


def render() -> str:
    """The page, in Markdown."""
    recovery = [transition for transition in transitions() if RECOVERY.keys() & {*transition}]
    main = [transition for transition in transitions() if not RECOVERY.keys() & {*transition}]
    return "\n".join([_HEAD, *_picture(main), "", _RECOVERY, *_picture(recovery), ""])


def transitions() -> Iterator[Transition]:
    """Transitions as (source, target), without duplicates."""
    for name, state in {**MAIN, **RECOVERY}.items():
        yield from ((name, target) for target in dict.fromkeys(_targets(state)))


def _targets(state: State) -> Iterator[str]:
    yield from (choice["Next"] for choice in state.get("Choices", ()))
    yield from (state[key] for key in ("Default", "Next") if key in state)
    yield from (catcher["Next"] for catcher in state.get("Catch", ()))


def _picture(shown: list[Transition]) -> Iterator[str]:
    yield "```mermaid"
    yield "flowchart TD"
    for name in dict.fromkeys(name for transition in shown for name in transition):
        shape = _SHAPES.get(DEFINITION["States"][name]["Type"], '["{}"]')
        yield f"    {_id(name)}{shape.format(name)}"
    for source in dict.fromkeys(source for source, _ in shown):
        yield f"    {_id(source)} --> {' & '.join(_id(target) for name, target in shown if name == source)}"
    yield "```"


def _id(name: str) -> str:
    return re.sub(r"\W", "", name.title())


if __name__ == "__main__":
    write_or_check(PAGE, render(), "statemachine.graph")
