"""Checks of requests against the API's model."""

from typing import Any

import pytest

from local.sagemaker import api_model
from local.sagemaker.errors import SageMakerError


def test_every_pattern_of_requests_compiles() -> None:
    patterns: set[str] = set()
    for kind in ("TrainingJob", "TransformJob", "ProcessingJob", "Model", "Endpoint", "ModelPackage"):
        patterns |= patterns_in(api_model.model().operation_model(f"Create{kind}").input_shape, frozenset())

    assert len(patterns) > 40
    assert [pattern for pattern in patterns if api_model.compiled(pattern) is None] == []


def patterns_in(shape: Any, seen: frozenset[str]) -> set[str]:
    """The patterns of a shape and its members."""
    if shape.name in seen:
        return set()
    match shape.type_name:
        case "structure":
            inner = list(shape.members.values())
        case "list":
            inner = [shape.member]
        case "map":
            inner = [shape.key, shape.value]
        case _:
            return {shape.metadata["pattern"]} if "pattern" in shape.metadata else set()
    return set().union(*(patterns_in(member, seen | {shape.name}) for member in inner))


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        (
            "StopTrainingJob",
            {},
            "Value null at 'trainingJobName' failed to satisfy constraint: Member must not",
        ),
        ("StopTrainingJob", {"TrainingJobName": "a--b"}, None),
        ("StopTrainingJob", {"TrainingJobName": "-a"}, "regular expression pattern"),
        ("ListTrainingJobs", {"MaxResults": 101}, "value less than or equal to 100"),
        ("ListTrainingJobs", {"SortBy": "Size"}, "enum value set: [Name, CreationTime, Status]"),
        ("ListTrainingJobs", {"Colour": "red"}, "Value 'red' at 'colour'"),
        (
            "AddTags",
            {
                "ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/a",
                "Tags": [{"Key": "Größe", "Value": "ä b"}],
            },
            None,
        ),
        (
            "DeleteTags",
            {"ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/a", "TagKeys": []},
            "length greater than or equal",
        ),
    ],
)
def test_requests_are_validated(operation: str, request_: dict[str, Any], message: str | None) -> None:
    if message is None:
        api_model.check_request(operation, request_)
        return
    with pytest.raises(SageMakerError) as error:
        api_model.check_request(operation, request_)
    assert error.value.code == "ValidationException"
    assert message in error.value.message


def test_all_violations_are_reported_together() -> None:
    with pytest.raises(SageMakerError, match=r"^2 validation errors detected: "):
        api_model.check_request("ListTrainingJobs", {"MaxResults": 0, "SortOrder": "Sideways"})


@pytest.mark.parametrize("value", [3, True, ["a"], {"a": "b"}])
def test_wrong_types_are_serialization_errors(value: object) -> None:
    with pytest.raises(SageMakerError) as error:
        api_model.check_request("StopTrainingJob", {"TrainingJobName": value})
    assert error.value.code == "SerializationException"
