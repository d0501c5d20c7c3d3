"""The model registry keeps the versions of models and their approval."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stack.sagemaker_harness import BUCKET, IMAGE, INFERENCE, ROLE, SageMakerHarness, archive, refusal


def specification(url: str) -> dict[str, Any]:
    return {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": url}],
        "SupportedContentTypes": ["image/png"],
        "SupportedResponseMIMETypes": ["application/json"],
    }


@pytest.fixture
def group(harness: SageMakerHarness) -> str:
    name = harness.name("Group")
    harness.sagemaker.create_model_package_group(
        ModelPackageGroupName=name,
        ModelPackageGroupDescription="Chest",
        Tags=[{"Key": "task", "Value": "chest-xray"}],
    )
    return name


def register(harness: SageMakerHarness, group: str, **more: Any) -> str:
    arn: str = harness.sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification=specification(f"s3://{BUCKET}/models/any.tar.gz"),
        **more,
    )["ModelPackageArn"]
    return arn


def test_version_numbers_are_never_reused(harness: SageMakerHarness, group: str) -> None:
    arns = [register(harness, group) for _ in range(2)]
    harness.sagemaker.delete_model_package(ModelPackageName=arns[1])
    arns.append(register(harness, group))

    listed = harness.sagemaker.list_model_packages(ModelPackageGroupName=group, SortOrder="Descending")
    assert [package["ModelPackageVersion"] for package in listed["ModelPackageSummaryList"]] == [3, 1]
    assert arns[2] == f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{group.lower()}/3"
    described = harness.sagemaker.describe_model_package(ModelPackageName=arns[2])
    assert (described["ModelPackageGroupName"], described["ModelPackageVersion"]) == (group, 3)
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    with pytest.raises(ClientError, match="Could not find model package"):
        harness.sagemaker.describe_model_package(ModelPackageName=arns[1])


def test_approval_status_is_kept_with_its_description(harness: SageMakerHarness, group: str) -> None:
    first, second = (
        register(harness, group, CustomerMetadataProperties={"a": "1", "b": "2"}),
        register(harness, group),
    )

    harness.sagemaker.update_model_package(
        ModelPackageArn=first,
        ModelApprovalStatus="Approved",
        ApprovalDescription="better by 2 %",
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
    )

    described = harness.sagemaker.describe_model_package(ModelPackageName=first)
    assert (described["ModelApprovalStatus"], described["ApprovalDescription"]) == (
        "Approved",
        "better by 2 %",
    )
    assert described["CustomerMetadataProperties"] == {"b": "2", "c": "3"}
    for status, arn in (("Approved", first), ("PendingManualApproval", second)):
        listed = harness.sagemaker.list_model_packages(
            ModelPackageGroupName=group, ModelApprovalStatus=status
        )
        assert [package["ModelPackageArn"] for package in listed["ModelPackageSummaryList"]] == [arn]


def test_group_can_be_deleted_only_when_empty(harness: SageMakerHarness, group: str) -> None:
    package = register(harness, group)

    with pytest.raises(ClientError) as error:
        harness.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    assert refusal(error)[0] == "ConflictException"

    harness.sagemaker.delete_model_package(ModelPackageName=package)
    harness.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="Could not find model package group"):
        harness.sagemaker.describe_model_package_group(ModelPackageGroupName=group)


def test_registered_model_can_be_served(harness: SageMakerHarness, group: str) -> None:
    url = harness.put(
        f"models/{group}.tar.gz", archive({"name.txt": "registered", "code/inference.py": INFERENCE})
    )
    arn = harness.sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification(url)
    )["ModelPackageArn"]
    model = harness.name("model")
    harness.sagemaker.create_model(
        ModelName=model, ExecutionRoleArn=ROLE, Containers=[{"ModelPackageName": arn}]
    )

    endpoint = harness.endpoint(harness.config(model))

    assert harness.ask(endpoint, "hello").startswith("registered|")
    harness.remove(endpoint)


def test_tags_are_kept_until_they_are_deleted(harness: SageMakerHarness, group: str) -> None:
    arn = harness.sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]

    harness.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "prod"}])
    assert tags(harness, arn) == {"task": "chest-xray", "stage": "prod"}
    harness.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    harness.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["task"])
    assert tags(harness, arn) == {"stage": "test"}

    harness.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="Could not find the resource"):
        harness.sagemaker.list_tags(ResourceArn=arn)


def tags(harness: SageMakerHarness, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in harness.sagemaker.list_tags(ResourceArn=arn)["Tags"]}


def test_missing_group_is_refused(harness: SageMakerHarness) -> None:
    with pytest.raises(ClientError, match="Could not find model package group"):
        register(harness, "nothing")


def test_lists_are_paginated(harness: SageMakerHarness, group: str) -> None:
    made = {register(harness, group) for _ in range(5)}
    pages = [
        [package["ModelPackageArn"] for package in page["ModelPackageSummaryList"]]
        for page in harness.sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group, MaxResults=2
        )
    ]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert {arn for page in pages for arn in page} == made
    with pytest.raises(ClientError, match="NextToken is not valid"):
        harness.sagemaker.list_model_packages(ModelPackageGroupName=group, NextToken="nonsense")


def test_lists_are_filtered(harness: SageMakerHarness) -> None:
    names = [harness.model(text) for text in ("one", "two", "three")]
    models = [harness.sagemaker.describe_model(ModelName=name) for name in names]

    def listed(**request: Any) -> list[str]:
        found = harness.sagemaker.list_models(MaxResults=100, **request)["Models"]
        return [model["ModelName"] for model in found if model["ModelName"] in names]

    assert listed(SortBy="CreationTime", SortOrder="Ascending") == names
    assert listed() == names[::-1]
    assert listed(SortBy="Name", SortOrder="Ascending") == sorted(names)
    assert listed(NameContains=names[1][-5:].upper()) == [names[1]]
    assert listed(CreationTimeAfter=models[1]["CreationTime"])[0] == names[2]
    assert names[0] not in listed(CreationTimeAfter=models[2]["CreationTime"])
