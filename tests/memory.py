"""AWS in memory, for models and retraining: fast enough to try every fault."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from tests.sagemaker import check_conversion


def client_error(code: str, message: str, operation: str) -> ClientError:
    """An error of AWS."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class MemoryS3:
    """A bucket."""

    exceptions = SimpleNamespace(ClientError=ClientError)

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_object(self, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            raise client_error("NoSuchKey", Key, "GetObject")
        body = self.objects[Key]
        return {"Body": BytesIO(body), "Metadata": {}, "ETag": _etag(body)}

    def put_object(
        self,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        IfMatch: str = "",  # noqa: N803
        IfNoneMatch: str = "",  # noqa: N803
        **_: Any,
    ) -> None:
        if IfNoneMatch and Key in self.objects:
            raise client_error("PreconditionFailed", Key, "PutObject")
        if IfMatch and Key not in self.objects:
            raise client_error("NoSuchKey", Key, "PutObject")
        if IfMatch and IfMatch != _etag(self.objects[Key]):
            raise client_error("PreconditionFailed", Key, "PutObject")
        self.objects[Key] = Body

    def copy(self, CopySource: dict[str, str], Bucket: str, Key: str, **_: Any) -> None:  # noqa: N803
        self.put_object(Bucket, Key, self.get_object(Bucket, CopySource["Key"])["Body"].read())

    def list_objects_v2(self, Bucket: str, Prefix: str, MaxKeys: int = 1000) -> dict[str, Any]:  # noqa: N803
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        return {"Contents": [{"Key": key} for key in keys[:MaxKeys]]}

    def get_paginator(self, operation: str) -> "MemoryS3":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str, Delimiter: str = "") -> Iterator[dict[str, Any]]:  # noqa: N803
        keys = [key for key in self.objects if key.startswith(Prefix)]
        if not Delimiter:
            yield {"Contents": [{"Key": key} for key in keys]}
            return
        folders = {key.removeprefix(Prefix).split("/")[0] for key in keys if "/" in key.removeprefix(Prefix)}
        yield {"CommonPrefixes": [{"Prefix": f"{Prefix}{folder}/"} for folder in sorted(folders)]}


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


class ConditionalCheckFailedException(Exception):
    """The condition of a write does not hold."""


class MemoryTable:
    """The table of retrainings, with the conditions of its repository."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}

    def put_item(self, Item: dict[str, Any], ConditionExpression: str = "", **names: Any) -> None:  # noqa: N803
        self._check(Item["name"], ConditionExpression, names)
        self.items[Item["name"]] = Item

    def get_item(self, Key: dict[str, str], ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803
        assert ConsistentRead
        item = self.items.get(Key["name"])
        return {"Item": dict(item)} if item else {}

    def update_item(
        self,
        Key: dict[str, str],  # noqa: N803
        UpdateExpression: str,  # noqa: N803
        ConditionExpression: str = "",  # noqa: N803
        **names: Any,
    ) -> None:
        self._check(Key["name"], ConditionExpression, names)
        item = self.items.setdefault(Key["name"], {"name": Key["name"]})
        for assignment in UpdateExpression.removeprefix("SET ").split(", "):
            name, value = assignment.split(" = ")
            item[names["ExpressionAttributeNames"][name]] = names["ExpressionAttributeValues"][value]

    def delete_item(self, Key: dict[str, str], ConditionExpression: str, **names: Any) -> None:  # noqa: N803
        self._check(Key["name"], ConditionExpression, names)
        del self.items[Key["name"]]

    def _check(self, name: str, condition: str, names: dict[str, Any]) -> None:
        item = self.items.get(name)
        own = names.get("ExpressionAttributeValues", {}).get(":own")
        holds = {
            "": True,
            "attribute_not_exists(#name) OR execution = :own": not item or item.get("execution") == own,
            "execution = :own": bool(item) and item is not None and item.get("execution") == own,
            "attribute_exists(listing)": item is not None and "listing" in item,
            "#status = :running": item is not None and item.get("status") == "running",
        }
        if not holds[condition]:
            raise ConditionalCheckFailedException


class MemorySageMaker:
    """Jobs that finish immediately, and endpoints that change until `pass_time`."""

    def __init__(self, s3: MemoryS3) -> None:
        self.s3 = s3
        self.jobs: dict[str, dict[str, Any]] = {}
        self.models: set[str] = set()
        self.configs: dict[str, list[dict[str, Any]]] = {}
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.groups: set[str] = set()
        self.packages: dict[str, dict[str, Any]] = {}
        self.slow = False
        """Whether jobs run until `pass_time`."""

    def pass_time(self) -> None:
        """Finish everything that is in progress."""
        for name, job in self.jobs.items():
            status = f"{name.partition('/')[0]}Status"
            job[status] = "Completed" if job[status] == "InProgress" else job[status]
        for name, endpoint in list(self.endpoints.items()):
            if endpoint["EndpointStatus"] == "Deleting":
                del self.endpoints[name]
            elif "pending" in endpoint:
                endpoint |= {"EndpointStatus": "InService", "EndpointConfigName": endpoint.pop("pending")}

    def job(self, kind: str, name: str, **described: Any) -> dict[str, Any]:
        """A job that has just been created and has finished."""
        if f"{kind}/{name}" in self.jobs:
            raise client_error("ResourceInUse", f"{name} already exists", f"Create{kind}")
        status = "InProgress" if self.slow else "Completed"
        self.jobs[f"{kind}/{name}"] = {f"{kind}Name": name, f"{kind}Status": status, **described}
        return self.jobs[f"{kind}/{name}"]

    def _described(self, kind: str, name: str) -> dict[str, Any]:
        if f"{kind}/{name}" not in self.jobs:
            raise _missing("Requested resource not found.", f"Describe{kind}")
        return self.jobs[f"{kind}/{name}"]

    def describe_processing_job(self, ProcessingJobName: str) -> dict[str, Any]:  # noqa: N803
        return self._described("ProcessingJob", ProcessingJobName)

    def describe_hyper_parameter_tuning_job(self, HyperParameterTuningJobName: str) -> dict[str, Any]:  # noqa: N803
        return self._described("HyperParameterTuningJob", HyperParameterTuningJobName)

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:  # noqa: N803
        return self._described("TrainingJob", TrainingJobName)

    def describe_transform_job(self, TransformJobName: str) -> dict[str, Any]:  # noqa: N803
        return self._described("TransformJob", TransformJobName)

    def _stop(self, kind: str, name: str) -> None:
        job = self._described(kind, name)
        if job[f"{kind}Status"] != "InProgress":
            raise client_error("ValidationException", "The request was rejected.", f"Stop{kind}")
        job[f"{kind}Status"] = "Stopped"

    def stop_processing_job(self, ProcessingJobName: str) -> None:  # noqa: N803
        self._stop("ProcessingJob", ProcessingJobName)

    def stop_hyper_parameter_tuning_job(self, HyperParameterTuningJobName: str) -> None:  # noqa: N803
        self._stop("HyperParameterTuningJob", HyperParameterTuningJobName)

    def stop_training_job(self, TrainingJobName: str) -> None:  # noqa: N803
        self._stop("TrainingJob", TrainingJobName)

    def stop_transform_job(self, TransformJobName: str) -> None:  # noqa: N803
        self._stop("TransformJob", TransformJobName)

    def create_model(self, ModelName: str, **_: Any) -> dict[str, str]:  # noqa: N803
        _once(ModelName, self.models)
        self.models.add(ModelName)
        return {"ModelArn": ModelName}

    def describe_model(self, ModelName: str) -> dict[str, str]:  # noqa: N803
        _there(ModelName, self.models)
        return {"ModelName": ModelName}

    def delete_model(self, ModelName: str) -> None:  # noqa: N803
        _there(ModelName, self.models)
        self.models.remove(ModelName)

    def create_endpoint_config(self, EndpointConfigName: str, ProductionVariants: Any) -> dict[str, str]:  # noqa: N803
        _once(EndpointConfigName, self.configs)
        self.configs[EndpointConfigName] = ProductionVariants
        return {"EndpointConfigArn": EndpointConfigName}

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N803
        _there(EndpointConfigName, self.configs)
        return {"ProductionVariants": self.configs[EndpointConfigName]}

    def delete_endpoint_config(self, EndpointConfigName: str) -> None:  # noqa: N803
        _there(EndpointConfigName, self.configs)
        del self.configs[EndpointConfigName]

    def create_endpoint(self, EndpointName: str, EndpointConfigName: str) -> None:  # noqa: N803
        _once(EndpointName, self.endpoints)
        _there(EndpointConfigName, self.configs)
        self.endpoints[EndpointName] = {"EndpointStatus": "Creating", "pending": EndpointConfigName}

    def update_endpoint(self, EndpointName: str, EndpointConfigName: str, **_: Any) -> None:  # noqa: N803
        _there(EndpointName, self.endpoints)
        _there(EndpointConfigName, self.configs)
        endpoint = self.endpoints[EndpointName]
        if endpoint["EndpointStatus"] != "InService":
            raise client_error("ValidationException", "Cannot update in-progress endpoint", "UpdateEndpoint")
        before = self._instance_type(endpoint["EndpointConfigName"])
        check_conversion(before, self._instance_type(EndpointConfigName))
        endpoint |= {"EndpointStatus": "Updating", "pending": EndpointConfigName}

    def _instance_type(self, config: str) -> str | None:
        """That of a configuration; None if it is serverless."""
        (variant,) = self.configs.get(config, [{}])
        return variant.get("InstanceType")

    def delete_endpoint(self, EndpointName: str) -> None:  # noqa: N803
        _there(EndpointName, self.endpoints)
        endpoint = self.endpoints[EndpointName]
        if endpoint["EndpointStatus"] in ("Creating", "Updating", "Deleting"):
            raise client_error("ValidationException", "Cannot delete in-progress endpoint", "DeleteEndpoint")
        endpoint["EndpointStatus"] = "Deleting"

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N803
        _there(EndpointName, self.endpoints)
        endpoint = dict(self.endpoints[EndpointName])
        if pending := endpoint.pop("pending", None):
            endpoint["PendingDeploymentSummary"] = {"EndpointConfigName": pending}
        return {"EndpointConfigName": None, **endpoint}

    def create_model_package_group(self, ModelPackageGroupName: str) -> None:  # noqa: N803
        if ModelPackageGroupName in self.groups:
            raise client_error(
                "ValidationException", "Model Package Group already exists", "CreateModelPackageGroup"
            )
        self.groups.add(ModelPackageGroupName)

    def create_model_package(self, ClientToken: str, **request: Any) -> dict[str, str]:  # noqa: N803
        self.packages.setdefault(ClientToken, request)
        return {"ModelPackageArn": ClientToken}

    def update_model_package(self, ModelPackageArn: str, **request: str) -> None:  # noqa: N803
        self.packages[ModelPackageArn] |= request


class MemoryStepFunctions:
    """The statuses of executions."""

    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        if executionArn not in self.statuses:
            raise client_error("ExecutionDoesNotExist", "?", "DescribeExecution")
        ended = datetime(2026, 1, 1, 13, tzinfo=UTC)
        end = {} if self.statuses[executionArn] == "RUNNING" else {"stopDate": ended}
        start = {"startDate": datetime(2026, 1, 1, 12, tzinfo=UTC), "input": json.dumps({})}
        return {"status": self.statuses[executionArn], **start, **end}

    def stop_execution(self, executionArn: str, error: str, cause: str) -> None:  # noqa: N803
        assert error
        assert cause
        self.statuses[executionArn] = "ABORTED"

    def get_paginator(self, operation: str) -> "MemoryStepFunctions":
        assert operation == "get_execution_history"
        return self

    def paginate(self, executionArn: str, includeExecutionData: bool) -> list[dict[str, Any]]:  # noqa: N803
        assert executionArn in self.statuses
        assert not includeExecutionData
        return [{"events": []}]


def _missing(message: str, operation: str = "Describe") -> ClientError:
    return client_error("ValidationException", message, operation)


def _there(name: str, known: Any) -> None:
    if name not in known:
        raise _missing(f'Could not find "{name}".')


def _once(name: str, known: Any) -> None:
    if name in known:
        raise client_error("ValidationException", f'Cannot create already existing "{name}".', "Create")
