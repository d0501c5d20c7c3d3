"""Showing what a deployment would change. tests/stack/test_installation.py does it with the emulator."""

import json
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from deploy import change_sets, diff, stacks, stages
from tests.unit.deploy.commands import REFUSALS

TEMPLATE = json.dumps({"Resources": {"A": {"Type": "T"}, "B": {"Type": "T"}, "C": {"Type": "U"}}})


@REFUSALS
def test_command_refuses(refusal: Any, stage: str, environment: dict[str, str], reason: str) -> None:
    assert reason in refusal("diff", stage, **environment)


def test_new_stage_is_listed_and_nothing_is_created(
    answer: Callable[..., Any],
    wanted: Namespace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A change set would create its stack in REVIEW_IN_PROGRESS."""
    answer()
    monkeypatch.setattr(stages, "check_account", lambda _stage: None)
    asked = []

    def send(_client: BaseClient, operation: str, _request: Any) -> Any:
        asked.append(operation)
        raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, operation)

    monkeypatch.setattr(BaseClient, "_make_api_call", send)

    diff.show(wanted)

    shown = capsys.readouterr().out
    assert "everything would be created" in shown
    assert "deploy/foundation.yaml: at most" in shown
    assert "2 AWS::DynamoDB::Table" in shown
    assert set(asked) == {"DescribeStacks"}


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (None, "s: new, with at most 2 T, 1 U"),
        ("ROLLBACK_COMPLETE", "s: ROLLBACK_COMPLETE, so it would be deleted and created anew"),
        ("UPDATE_ROLLBACK_FAILED", "s: UPDATE_ROLLBACK_FAILED; what would change"),
        ("UPDATE_IN_PROGRESS", "s: UPDATE_IN_PROGRESS; what would change"),
        ("UPDATE_COMPLETE", "s: unchanged"),
    ],
)
def test_change_sets_are_made_only_of_stacks_that_can_be_updated(
    monkeypatch: pytest.MonkeyPatch, status: str | None, line: str
) -> None:
    made = []

    def changes(name: str, *_: Any) -> list[change_sets.Change]:
        made.append(name)
        return []

    monkeypatch.setattr(stacks, "stack_status", lambda _name: status)
    monkeypatch.setattr(change_sets, "changes", changes)

    (found,) = diff._stack("s", TEMPLATE, {})

    assert found.startswith(line)
    assert made == (["s"] if status == "UPDATE_COMPLETE" else [])
