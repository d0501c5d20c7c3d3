"""Deleting what Chalice does not delete."""

from collections.abc import Callable
from typing import Any

from deploy import application


def test_delete_removes_rules_and_targets_of_every_page(
    answer: Callable[..., list[tuple[str, dict[str, Any]]]],
) -> None:
    rules = [f"negatoscope-prod-{number}" for number in range(3)]
    sent = answer(
        ListRules=[{"Rules": [{"Name": rule}]} for rule in rules],
        ListTargetsByRule=[{"Targets": [{"Id": "a"}]}, {"Targets": [{"Id": "b"}]}],
    )

    application.delete_rules("prod")

    removed = [request for operation, request in sent if operation == "RemoveTargets"]
    assert [request["Ids"] for request in removed] == [["a", "b"]] * 3
    assert [request["Name"] for operation, request in sent if operation == "DeleteRule"] == rules
