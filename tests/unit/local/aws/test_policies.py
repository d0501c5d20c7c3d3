"""Policies that the emulator has parsed before."""

import json

import pytest
from ministack.core import iam_evaluator

from local.aws import policies


def policy(action: str) -> str:
    return json.dumps({"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}})


def test_policy_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[object] = []
    parse = iam_evaluator.parse_policy_document

    def noting(document: str | dict[str, object]) -> object:
        parsed.append(document)
        return parse(document)

    monkeypatch.setattr(iam_evaluator, "parse_policy_document", noting)
    policies.install()
    for action in ("s3:GetObject", "s3:GetObject", "s3:PutObject"):
        (statement,) = iam_evaluator.parse_policy_document(policy(action))
        assert statement.actions == [action]
    assert parsed == [policy("s3:GetObject"), policy("s3:PutObject")]


def test_policy_that_is_no_text_is_parsed_each_time() -> None:
    document = json.loads(policy("s3:GetObject"))
    policies.install()
    assert iam_evaluator.parse_policy_document(document)[0].actions == ["s3:GetObject"]
    document["Statement"]["Action"] = "s3:PutObject"
    assert iam_evaluator.parse_policy_document(document)[0].actions == ["s3:PutObject"]
