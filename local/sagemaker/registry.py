"""The model registry: model package groups and their versions."""

import threading
from collections.abc import Mapping
from typing import Any

from local.sagemaker.errors import SageMakerError, invalid
from local.sagemaker.resource_collection import ResourceCollection
from local.sagemaker.resources import PACKAGE, PACKAGE_GROUP, Record
from local.sagemaker.state_store import StateStore

LAST_VERSION = "LastVersion"
"""The member of a group's record with its highest version so far: no version number is reused."""
UPDATED = (
    "ApprovalDescription", "InferenceSpecification", "ModelApprovalStatus", "ModelCard", "ModelLifeCycle",
    "ModelPackageRegistrationType", "SourceUri",
)  # fmt: skip


class Registry:
    """All model package groups and all model packages. Thread-safe."""

    def __init__(self, store: StateStore) -> None:
        self.groups = ResourceCollection(store, PACKAGE_GROUP)
        self.packages = ResourceCollection(store, PACKAGE)
        self._lock = threading.Lock()

    def create_group(self, request: Mapping[str, Any]) -> Record:
        """CreateModelPackageGroup; raise SageMakerError if the name is taken."""
        record = {**request, "CreatedBy": {}, "ModelPackageGroupStatus": "Completed", LAST_VERSION: 0}
        return {"ModelPackageGroupArn": self.groups.add(request["ModelPackageGroupName"], record)}

    def describe_group(self, request: Mapping[str, Any]) -> Record:
        """DescribeModelPackageGroup, by name or ARN; raise SageMakerError if there is none."""
        return self.groups.get(self.groups.resolve_name(request["ModelPackageGroupName"]))

    def delete_group(self, request: Mapping[str, Any]) -> Record:
        """DeleteModelPackageGroup; raise SageMakerError if it does not exist or is not empty."""
        name = self.groups.resolve_name(request["ModelPackageGroupName"])
        with self._lock:
            if any(package.get("ModelPackageGroupName") == name for package in self.packages.all()):
                raise SageMakerError(
                    "ConflictException",
                    f"Model Package Group {name} cannot be deleted because it still contains Model Packages.",
                )
            self.groups.delete(name)
        return {}

    def create_package(self, request: Mapping[str, Any]) -> Record:
        """CreateModelPackage, within a group or without one; raise SageMakerError if it is refused."""
        group, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
        if (group is None) == (name is None):
            raise invalid("Exactly one of ModelPackageGroupName and ModelPackageName is required.")
        record: Record = {
            **request,
            "CreatedBy": {},
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        }
        if group is None:
            assert name is not None
            return {"ModelPackageArn": self.packages.add(name, record)}
        group = self.groups.resolve_name(group)
        with self._lock:
            version = self.groups.get(group)[LAST_VERSION] + 1
            self.groups.change(group, **{LAST_VERSION: version})
        versioned = {
            "ModelApprovalStatus": "PendingManualApproval",
            **record,
            "ModelPackageGroupName": group,
            "ModelPackageVersion": version,
        }
        return {"ModelPackageArn": self.packages.add(f"{group}/{version}", versioned)}

    def describe_package(self, request: Mapping[str, Any]) -> Record:
        """DescribeModelPackage, by name or ARN; raise SageMakerError if there is none."""
        return described(self.get_package(request["ModelPackageName"]))

    def update_package(self, request: Mapping[str, Any]) -> Record:
        """UpdateModelPackage; raise SageMakerError if there is none."""
        package = self.get_package(request["ModelPackageArn"])
        added = request.get("CustomerMetadataProperties", {})
        removed = request.get("CustomerMetadataPropertiesToRemove", ())
        properties = {**package.get("CustomerMetadataProperties", {}), **added}
        kept = {name: value for name, value in properties.items() if name not in removed}
        extra = request.get("AdditionalInferenceSpecificationsToAdd", [])
        specifications = [*package.get("AdditionalInferenceSpecifications", []), *extra]
        changes = {
            **{name: value for name, value in request.items() if name in UPDATED},
            "CustomerMetadataProperties": kept or None,
            "AdditionalInferenceSpecifications": specifications or None,
        }
        self.packages.change(package["ModelPackageName"], **changes)
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def delete_package(self, request: Mapping[str, Any]) -> Record:
        """DeleteModelPackage; raise SageMakerError if there is none."""
        self.packages.delete(self.packages.resolve_name(request["ModelPackageName"]))
        return {}

    def get_package(self, name_or_arn: str) -> Record:
        """A package by its name or ARN; raise SageMakerError if there is none."""
        return self.packages.get(self.packages.resolve_name(name_or_arn))


def described(package: Record) -> Record:
    """A package as the API describes it. A version has no name, so it gets that of its group."""
    return {**package, "ModelPackageName": package.get("ModelPackageGroupName", package["ModelPackageName"])}
