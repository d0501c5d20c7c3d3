"""Application Auto Scaling of endpoints, as a service of ministack, which has none.

It keeps what is registered, and scales nothing. Needed as long as local.sagemaker is.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app
from ministack.core import iam_actions, router

from local.account import ACCOUNT, REGION
from local.aws import patching
from local.sagemaker import api_model
from local.sagemaker.errors import SageMakerError, invalid
from local.sagemaker.resource_collection import ResourceCollection
from local.sagemaker.resources import ENDPOINT, Record
from local.sagemaker.state_store import StateStore

SERVICE = "application-autoscaling"
TARGETS = "AnyScaleFrontendService"
"""The beginning of the header that names an operation."""
KIND = "ScalableTarget"
"""Of the records: an endpoint's variant, with its policies."""
POLICIES = "ScalingPolicies"
ARN = f"arn:aws:{SERVICE}:{REGION}:{ACCOUNT}:scalable-target/local"


def install(store: StateStore) -> None:
    """Add Application Auto Scaling to ministack."""
    patching.existing(router, "SERVICE_PATTERNS")[SERVICE] = {
        "target_prefixes": [f"{TARGETS}."],
        "host_patterns": [rf"{SERVICE}\."],
        "credential_scope": SERVICE,
    }
    patching.existing(app, "SERVICE_HANDLERS")[SERVICE] = _handler(ScalableTargets(store))
    patching.existing(iam_actions, "SERVICE_TO_IAM_NAMESPACE")[SERVICE] = SERVICE
    patching.existing(iam_actions, "_BOTOCORE_SERVICE_MAP")[SERVICE] = [SERVICE]
    patching.wrap(iam_actions, "extract_resource_arn", _with_arn)
    patching.wrap(iam_actions, "request_tag_context", _with_namespace)


class ScalableTargets:
    """The variants of endpoints that are scaled, and how. Thread-safe."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._endpoints = ResourceCollection(store, ENDPOINT)

    def call(self, operation: str, request: Mapping[str, Any]) -> Record:
        """Answer a request; raise SageMakerError if it is refused."""
        api_model.check_request(operation, request, SERVICE)
        match operation:
            case "RegisterScalableTarget":
                self._register(request)
                return {}
            case "DeregisterScalableTarget":
                if not self._store.delete(KIND, request["ResourceId"]):
                    raise _missing(request)
                return {}
            case "PutScalingPolicy":
                return self._put_policy(request)
            case "DescribeScalableTargets":
                shape = api_model.model(SERVICE).operation_model(operation).output_shape
                return dict(api_model.of_shape(shape, {"ScalableTargets": self._asked(request)}))
            case "DescribeScalingPolicies":
                return {POLICIES: [policy for one in self._asked(request) for policy in one[POLICIES]]}
        raise SageMakerError("UnknownOperationException", f"{operation} is not supported by the emulator.")

    def _asked(self, request: Mapping[str, Any]) -> list[Record]:
        wanted = request.get("ResourceIds") or [request.get("ResourceId")]
        return [one for one in self._store.all(KIND) if wanted == [None] or one["ResourceId"] in wanted]

    def _register(self, request: Mapping[str, Any]) -> None:
        name = request["ResourceId"]
        if self._endpoints.find(name.split("/")[1]) is None:
            raise invalid(f"No endpoint for the resource {name}.")
        record = {**request, "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/scaling", "CreationTime": 0}
        if not self._store.add(KIND, name, record | {POLICIES: []}):
            self._store.update(KIND, name, **request)

    def _put_policy(self, request: Mapping[str, Any]) -> Record:
        target = self._store.get(KIND, request["ResourceId"])
        if target is None:
            raise _missing(request)
        arn = f"{ARN}/{request['PolicyName']}"
        others = [one for one in target[POLICIES] if one["PolicyName"] != request["PolicyName"]]
        policy = {**request, "PolicyARN": arn, "CreationTime": 0}
        self._store.update(KIND, request["ResourceId"], **{POLICIES: [*others, policy]})
        return {"PolicyARN": arn, "Alarms": []}


def _missing(request: Mapping[str, Any]) -> SageMakerError:
    return SageMakerError(
        "ObjectNotFoundException", f"No scalable target registered for {request['ResourceId']}"
    )


def _handler(targets: ScalableTargets) -> Callable[..., Any]:
    async def handle_request(
        _method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        operation = headers.get("x-amz-target", "").partition(".")[2]
        status, answer = 200, {}
        try:
            answer = targets.call(operation, json.loads(body or b"{}"))
        except SageMakerError as error:
            status, answer = error.status, {"__type": error.code, "message": error.message}
        return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()

    return handle_request


def _with_arn(extract: Callable[..., str]) -> Callable[..., str]:
    def extract_resource_arn(service: str, *rest: Any) -> str:
        return ARN if service == SERVICE else extract(service, *rest)

    return extract_resource_arn


def _with_namespace(find: Callable[..., Record]) -> Callable[..., Record]:
    """Tell policies which service a request scales."""

    def request_tag_context(service: str, action: str, body: bytes, params: Any) -> Record:
        context = find(service, action, body, params)
        if service == SERVICE:
            named = json.loads(body or b"{}").get("ServiceNamespace")
            return {**context, f"{SERVICE}:service-namespace": named}
        return context

    return request_tag_context
