"""What an update of a stack would change."""

from collections.abc import Callable
from typing import Any

import pytest

from deploy import change_sets, stacks

Answer = Callable[..., list[tuple[str, dict[str, Any]]]]
EXISTS = {
    "DescribeStacks": [{"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]}],
    "GetTemplateSummary": [{"Parameters": []}],
}


def change(action: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"ResourceChange": {"Action": action, "LogicalResourceId": resource, "ResourceType": "T", **more}}


def detail(attribute: str, name: str | None = None) -> dict[str, Any]:
    return {"Target": {"Attribute": attribute} | ({"Name": name} if name else {})}


def show(answer: Answer, *pages: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The changes, and the operations that were called."""
    sent = answer(**EXISTS, DescribeChangeSet=list(pages))
    try:
        found = [str(one) for one in change_sets.changes("s", "{}", {"Stage": "prod"})]
    finally:
        operations = [name for name, _ in sent if not name.startswith(("Describe", "Get"))]
    return found, operations


def test_changes_of_every_page_are_listed_and_none_is_executed(answer: Answer) -> None:
    first = [
        change("Add", "A"),
        change("Remove", "B"),
        change(
            "Modify",
            "C",
            Replacement="False",
            Details=[detail("Properties", "Y"), detail("Properties", "X"), detail("Properties", "X")],
        ),
    ]
    second = [
        change("Modify", "D", Replacement="True", Details=[detail("Tags")]),
        change("Modify", "E", Replacement="Conditional"),
    ]

    found, operations = show(
        answer,
        {"Status": "CREATE_COMPLETE", "Changes": first},
        {"Status": "CREATE_COMPLETE", "Changes": second},
    )

    assert found == ["+ T A", "- T B", "~ T C: X, Y", "~ T D: tags (REPLACED)", "~ T E (perhaps replaced)"]
    assert operations == ["CreateChangeSet", "DeleteChangeSet"]


@pytest.mark.parametrize("reason", change_sets.WITHOUT_CHANGES)
def test_change_set_that_is_empty_has_no_changes(answer: Answer, reason: str) -> None:
    found, operations = show(answer, {"Status": "FAILED", "StatusReason": f"... {reason} ..."})
    assert found == []
    assert operations == ["CreateChangeSet", "DeleteChangeSet"]


def test_change_set_that_fails_is_reported_and_deleted(answer: Answer) -> None:
    with pytest.raises(stacks.DeployError, match="No such macro"):
        show(answer, {"Status": "FAILED", "StatusReason": "No such macro"})


def test_change_set_that_does_not_end_is_deleted(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_sets, "MAX_WAIT", 0)
    sent = answer(**EXISTS, DescribeChangeSet=[{"Status": "CREATE_PENDING"}])
    with pytest.raises(stacks.DeployError, match="in time"):
        change_sets.changes("s", "{}", {"Stage": "prod"})
    assert sent[-1][0] == "DeleteChangeSet"
