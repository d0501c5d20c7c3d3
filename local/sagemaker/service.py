"""Amazon SageMaker: all supported operations."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from local.sagemaker import api_model, listing
from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.endpoints import Endpoints
from local.sagemaker.errors import SageMakerError, invalid
from local.sagemaker.models import EndpointConfigs, Models
from local.sagemaker.processing_jobs import ProcessingJobs
from local.sagemaker.registry import Registry, described
from local.sagemaker.resource_collection import ResourceCollection
from local.sagemaker.resources import KINDS, PACKAGE, Kind, Record
from local.sagemaker.runtime import Runtime
from local.sagemaker.state_store import StateStore
from local.sagemaker.tags import Tags
from local.sagemaker.training_jobs import TrainingJobs
from local.sagemaker.transform_jobs import TransformJobs
from local.sagemaker.tuning_jobs import TuningJobs
from local.sagemaker.tuning_summary import final_value

Operation = Callable[[Mapping[str, Any]], Record]

NEEDING_TRAINING_ENVIRONMENT = frozenset({
    "CreateEndpoint", "CreateHyperParameterTuningJob", "CreateProcessingJob", "CreateTrainingJob",
    "CreateTransformJob", "UpdateEndpoint",
})  # fmt: skip
"""Operations that start a process in the training environment."""


class Service:
    """SageMaker: all its resources and operations. Thread-safe."""

    def __init__(self, host: ComputeHost) -> None:
        shutil.rmtree(host.scratch, ignore_errors=True)  # left behind if the emulator was killed
        self.store = store = StateStore(host.records)
        self._python = host.python
        self._tags = Tags(store)
        self.trainings = TrainingJobs(store, host)
        self.tunings = TuningJobs(store, self.trainings)
        self.processings = ProcessingJobs(store, host)
        self.registry = Registry(store)
        self.models = Models(store, host, self.registry)
        self.configs = EndpointConfigs(store, self.models)
        self.transforms = TransformJobs(store, host, self.models)
        self.endpoints = Endpoints(store, host, self.configs)
        self.runtime = Runtime(self.endpoints)
        self.operations = self._operations()

    def call(self, operation: str, request: Mapping[str, Any]) -> Record:
        """Answer a request; raise SageMakerError if it is refused."""
        if operation not in self.operations:
            raise SageMakerError(
                "UnknownOperationException", f"{operation} is not supported by the local SageMaker."
            )
        api_model.check_request(operation, request)
        if operation in NEEDING_TRAINING_ENVIRONMENT and not self._python.exists():
            raise invalid(
                f"The training environment is missing: there is no {self._python}. "
                "Create it with `make environments`."
            )
        answer = api_model.response_of(operation, self.operations[operation](request))
        if operation.startswith("Create") and request.get("Tags"):
            (arn,) = answer.values()
            self._tags.put(arn, request["Tags"])
        return answer

    def resume(self) -> None:
        """Restart the endpoints that were in service when the emulator ended. Call once it answers."""
        self.endpoints.resume()

    def close(self) -> None:
        """Stop every process."""
        self.tunings.close()
        for jobs in (self.trainings, self.processings, self.transforms, self.endpoints):
            jobs.close()

    def _operations(self) -> dict[str, Operation]:
        special: dict[str, Operation] = {
            "AddTags": self._tags.add,
            "CreateEndpoint": self.endpoints.create,
            "CreateEndpointConfig": self.configs.create,
            "CreateHyperParameterTuningJob": self.tunings.create,
            "CreateModel": self.models.create,
            "CreateModelPackage": self.registry.create_package,
            "CreateModelPackageGroup": self.registry.create_group,
            "CreateProcessingJob": self.processings.create,
            "CreateTrainingJob": self.trainings.create,
            "CreateTransformJob": self.transforms.create,
            "DeleteEndpoint": self.endpoints.delete,
            "DeleteEndpointConfig": self.configs.delete,
            "DeleteModel": self.models.delete,
            "DeleteModelPackage": self.registry.delete_package,
            "DeleteModelPackageGroup": self.registry.delete_group,
            "DeleteTags": self._tags.delete,
            "DescribeEndpoint": self.endpoints.describe,
            "DescribeHyperParameterTuningJob": self.tunings.describe,
            "DescribeModelPackage": self.registry.describe_package,
            "DescribeModelPackageGroup": self.registry.describe_group,
            "ListHyperParameterTuningJobs": self._list_tunings,
            "ListModelPackages": self._list_packages,
            "ListTags": self._tags.show,
            "ListTrainingJobsForHyperParameterTuningJob": self._list_trainings_of_tuning,
            "StopHyperParameterTuningJob": self.tunings.stop,
            "StopProcessingJob": self.processings.stop,
            "StopTrainingJob": self.trainings.stop,
            "StopTransformJob": self.transforms.stop,
            "UpdateEndpoint": self.endpoints.update,
            "UpdateEndpointWeightsAndCapacities": self.endpoints.scale,
            "UpdateModelPackage": self.registry.update_package,
        }
        plain = {
            f"Describe{kind.noun}": partial(_describe, ResourceCollection(self.store, kind)) for kind in KINDS
        }
        plain |= {
            kind.list_operation: partial(_list_all, ResourceCollection(self.store, kind)) for kind in KINDS
        }
        return {**plain, **special}

    def _list_tunings(self, request: Mapping[str, Any]) -> Record:
        collection = self.tunings.collection
        return _list(collection.kind, request, [self.tunings.described(job) for job in collection.all()])

    def _list_packages(self, request: Mapping[str, Any]) -> Record:
        """ListModelPackages, of one group or without a group."""
        packages: Iterable[Record] = self.registry.packages.all()
        group = request.get("ModelPackageGroupName")
        group = self.registry.groups.resolve_name(group) if group else None
        kind = request.get("ModelPackageType", "Versioned" if group else "Unversioned")
        chosen = [
            described(package)
            for package in packages
            if (group is None or package.get("ModelPackageGroupName") == group)
            and (kind == "Both" or (kind == "Versioned") == ("ModelPackageVersion" in package))
            and request.get("ModelApprovalStatus") in (None, package.get("ModelApprovalStatus"))
        ]
        return _list(PACKAGE, request, chosen)

    def _list_trainings_of_tuning(self, request: Mapping[str, Any]) -> Record:
        job = self.tunings.collection.get(request["HyperParameterTuningJobName"])
        trainings = [
            training
            for training in self.tunings.trainings_of(job)
            if request.get("StatusEquals") in (None, training["TrainingJobStatus"])
        ]
        key = listing.sort_key({"SortBy": "Name", **request}, "TrainingJobName", "TrainingJobStatus")
        if request.get("SortBy") == "FinalObjectiveMetricValue":
            trainings = [training for training in trainings if training["ObjectiveStatus"] == "Succeeded"]
            key = final_value
        return listing.page(
            "ListTrainingJobsForHyperParameterTuningJob", request, trainings, key, descending=False
        )


def _describe(collection: ResourceCollection, request: Mapping[str, Any]) -> Record:
    return collection.get(request[collection.kind.name])


def _list_all(collection: ResourceCollection, request: Mapping[str, Any]) -> Record:
    return _list(collection.kind, request, collection.all())


def _list(kind: Kind, request: Mapping[str, Any], records: Iterable[Record]) -> Record:
    """Answer the List operation of a kind from `records`."""
    found = [record for record in records if listing.matches(request, record, kind.name, kind.status)]
    key = listing.sort_key(request, kind.name, kind.status)
    return listing.page(kind.list_operation, request, found, key, kind.descending)
