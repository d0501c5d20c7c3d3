"""S3 of the emulator: what policies can ask of a write."""

import pytest
from ministack.core.iam_actions import _s3_object_context

from local.aws import s3


@pytest.mark.parametrize(
    ("action", "headers", "keys"),
    [
        ("s3:PutObject", {"if-none-match": "*"}, {"s3:if-none-match": "*"}),
        ("s3:PutObject", {"if-match": "0"}, {"s3:if-match": "0"}),
        (
            "s3:PutObject",
            {"x-amz-server-side-encryption-aws-kms-key-id": "key"},
            {"s3:x-amz-server-side-encryption-aws-kms-key-id": "key"},
        ),
        ("s3:PutObject", {}, {}),
        ("s3:GetObject", {"if-none-match": "0"}, {}),
    ],
)
def test_policies_see_the_condition_of_a_write(
    action: str, headers: dict[str, str], keys: dict[str, str]
) -> None:
    context = s3._with_conditions(_s3_object_context)(action, {}, "/bucket/key", headers)

    assert context == keys


def test_other_keys_stay() -> None:
    headers = {"if-none-match": "*", "x-amz-server-side-encryption": "aws:kms"}
    context = s3._with_conditions(_s3_object_context)("s3:PutObject", {}, "/bucket/key", headers)
    assert context == {"s3:if-none-match": "*", "s3:x-amz-server-side-encryption": "aws:kms"}
