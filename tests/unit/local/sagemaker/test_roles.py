"""Trust policies of roles."""

from typing import Any

import pytest

from local.sagemaker.roles import trusts


@pytest.mark.parametrize(
    ("statement", "trusted"),
    [
        ({"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}, True),
        ({"Effect": "Allow", "Principal": {"Service": ["a.amazonaws.com", "sagemaker.amazonaws.com"]}}, True),
        ({"Effect": "Deny", "Principal": {"Service": "sagemaker.amazonaws.com"}}, False),
        ({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}, False),
        ({"Effect": "Allow", "Principal": {"AWS": "*"}}, False),
        ({"Effect": "Allow", "Principal": "*"}, False),
    ],
)
def test_trust_policies_for_sagemaker(statement: dict[str, Any], trusted: bool) -> None:
    assert trusts({"Statement": {**statement, "Action": "sts:AssumeRole"}}) is trusted
