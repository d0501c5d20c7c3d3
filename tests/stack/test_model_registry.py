"""The model registry keeps the versions of models, and what people decided about them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stack.lab import BUCKET, IMAGE, INFERENCE, ROLE, Lab, archive, refusal


def specification(url: str) -> dict[str, Any]:
    return {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": url}],
        "SupportedContentTypes": ["image/png"],
        "SupportedResponseMIMETypes": ["application/json"],
    }


@pytest.fixture
def group(lab: Lab) -> str:
    name = lab.name("Group")
    lab.sagemaker.create_model_package_group(
        ModelPackageGroupName=name,
        ModelPackageGroupDescription="Chest",
        Tags=[{"Key": "task", "Value": "chest-xray"}],
    )
    return name


def register(lab: Lab, group: str, **more: Any) -> str:
    arn: str = lab.sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification=specification(f"s3://{BUCKET}/models/any.tar.gz"),
        **more,
    )["ModelPackageArn"]
    return arn


def test_versions_count_up_and_are_never_given_twice(lab: Lab, group: str) -> None:
    arns = [register(lab, group) for _ in range(2)]
    lab.sagemaker.delete_model_package(ModelPackageName=arns[1])
    arns.append(register(lab, group))

    listed = lab.sagemaker.list_model_packages(ModelPackageGroupName=group, SortOrder="Descending")
    assert [package["ModelPackageVersion"] for package in listed["ModelPackageSummaryList"]] == [3, 1]
    assert arns[2] == f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{group.lower()}/3"
    described = lab.sagemaker.describe_model_package(ModelPackageName=arns[2])
    assert (described["ModelPackageGroupName"], described["ModelPackageVersion"]) == (group, 3)
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    with pytest.raises(ClientError, match="Could not find model package"):
        lab.sagemaker.describe_model_package(ModelPackageName=arns[1])


def test_a_decision_is_kept_with_its_reason(lab: Lab, group: str) -> None:
    first, second = (
        register(lab, group, CustomerMetadataProperties={"a": "1", "b": "2"}),
        register(lab, group),
    )

    lab.sagemaker.update_model_package(
        ModelPackageArn=first,
        ModelApprovalStatus="Approved",
        ApprovalDescription="better by 2 %",
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
    )

    described = lab.sagemaker.describe_model_package(ModelPackageName=first)
    assert (described["ModelApprovalStatus"], described["ApprovalDescription"]) == (
        "Approved",
        "better by 2 %",
    )
    assert described["CustomerMetadataProperties"] == {"b": "2", "c": "3"}
    for status, arn in (("Approved", first), ("PendingManualApproval", second)):
        listed = lab.sagemaker.list_model_packages(ModelPackageGroupName=group, ModelApprovalStatus=status)
        assert [package["ModelPackageArn"] for package in listed["ModelPackageSummaryList"]] == [arn]


def test_a_group_is_deleted_when_it_is_empty(lab: Lab, group: str) -> None:
    package = register(lab, group)

    with pytest.raises(ClientError) as error:
        lab.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    assert refusal(error)[0] == "ConflictException"

    lab.sagemaker.delete_model_package(ModelPackageName=package)
    lab.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="Could not find model package group"):
        lab.sagemaker.describe_model_package_group(ModelPackageGroupName=group)


def test_a_registered_model_can_be_served(lab: Lab, group: str) -> None:
    url = lab.put(
        f"models/{group}.tar.gz", archive({"name.txt": "registered", "code/inference.py": INFERENCE})
    )
    arn = lab.sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification(url)
    )["ModelPackageArn"]
    model = lab.name("model")
    lab.sagemaker.create_model(ModelName=model, ExecutionRoleArn=ROLE, Containers=[{"ModelPackageName": arn}])

    endpoint = lab.endpoint(lab.config(model))

    assert lab.ask(endpoint, "hello").startswith("registered|")
    lab.remove(endpoint)


def test_tags_are_kept_until_they_are_deleted(lab: Lab, group: str) -> None:
    arn = lab.sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]

    lab.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "prod"}])
    assert tags(lab, arn) == {"task": "chest-xray", "stage": "prod"}
    lab.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    lab.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["task"])
    assert tags(lab, arn) == {"stage": "test"}

    lab.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="Could not find the resource"):
        lab.sagemaker.list_tags(ResourceArn=arn)


def tags(lab: Lab, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in lab.sagemaker.list_tags(ResourceArn=arn)["Tags"]}


def test_what_is_not_there_is_not_registered_in(lab: Lab) -> None:
    with pytest.raises(ClientError, match="Could not find model package group"):
        register(lab, "nothing")


def test_lists_come_in_pages(lab: Lab, group: str) -> None:
    made = {register(lab, group) for _ in range(5)}
    pages = [
        [package["ModelPackageArn"] for package in page["ModelPackageSummaryList"]]
        for page in lab.sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group, MaxResults=2
        )
    ]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert {arn for page in pages for arn in page} == made
    with pytest.raises(ClientError, match="NextToken is not valid"):
        lab.sagemaker.list_model_packages(ModelPackageGroupName=group, NextToken="nonsense")


def test_lists_hold_what_was_asked_for(lab: Lab) -> None:
    names = [lab.model(text) for text in ("one", "two", "three")]
    models = [lab.sagemaker.describe_model(ModelName=name) for name in names]

    def listed(**request: Any) -> list[str]:
        found = lab.sagemaker.list_models(MaxResults=100, **request)["Models"]
        return [model["ModelName"] for model in found if model["ModelName"] in names]

    assert listed(SortBy="CreationTime", SortOrder="Ascending") == names
    assert listed() == names[::-1]
    assert listed(SortBy="Name", SortOrder="Ascending") == sorted(names)
    assert listed(NameContains=names[1][-5:].upper()) == [names[1]]
    assert listed(CreationTimeAfter=models[1]["CreationTime"])[0] == names[2]
    assert names[0] not in listed(CreationTimeAfter=models[2]["CreationTime"])
