"""The HTTP API of SageMaker, as a service of ministack.

ministack has no SageMaker. The service needs an entry in each of ministack's tables: how requests are
routed, which handler answers them, and how IAM names actions and resources. Needed as long as
local.sagemaker is.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app
from ministack.core import iam_actions, router

from local.aws import patching
from local.sagemaker import roles
from local.sagemaker.errors import SageMakerError
from local.sagemaker.resources import ENDPOINT, KINDS, PACKAGE
from local.sagemaker.runtime import PATH, ModelError, Response
from local.sagemaker.service import Service

CONTROL, RUNTIME = "sagemaker", "sagemaker-runtime"
JSON = {"Content-Type": "application/x-amz-json-1.1"}


def install(service: Service) -> None:
    """Add SageMaker and SageMaker Runtime to ministack."""
    roles.check_ministack()
    patching.existing(router, "SERVICE_PATTERNS")[CONTROL] = {
        "target_prefixes": ["SageMaker."],
        "host_patterns": [r"api\.sagemaker\."],
        "credential_scope": CONTROL,
    }
    handlers = patching.existing(app, "SERVICE_HANDLERS")
    handlers[CONTROL], handlers[RUNTIME] = _control(service), _runtime(service)
    patching.wrap(app, "detect_service", _recognising_runtime)
    patching.existing(iam_actions, "SERVICE_TO_IAM_NAMESPACE").update({CONTROL: CONTROL, RUNTIME: CONTROL})
    patching.existing(iam_actions, "_BOTOCORE_SERVICE_MAP")[RUNTIME] = [RUNTIME]
    patching.wrap(iam_actions, "extract_resource_arn", _with_arns)


def _control(service: Service) -> Callable[..., Any]:
    async def handle_request(
        _method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]
    ) -> Response:
        operation = headers.get("x-amz-target", "").partition(".")[2]
        try:
            request = _parse(body)
            answer = await asyncio.to_thread(service.call, operation, request)
        except SageMakerError as error:
            return _refusal(error)
        return 200, dict(JSON), json.dumps(answer).encode()

    return handle_request


def _runtime(service: Service) -> Callable[..., Any]:
    async def handle_request(
        _method: str, path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]
    ) -> Response:
        try:
            return await asyncio.to_thread(service.runtime.invoke, path, headers, body)
        except SageMakerError as error:
            status, answered, refusal = _refusal(error)
            return (
                status,
                {**answered, "Content-Type": "application/json", "x-amzn-errortype": error.code},
                refusal,
            )

    return handle_request


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except ValueError:
        raise SageMakerError("SerializationException", "The request is not JSON.") from None


def _refusal(error: SageMakerError) -> Response:
    details = error.details if isinstance(error, ModelError) else {}
    answer = {"__type": error.code, "message": error.message, "Message": error.message, **details}
    return error.status, dict(JSON), json.dumps(answer).encode()


def _recognising_runtime(detect: Callable[..., str]) -> Callable[..., str]:
    """Recognise requests of SageMaker Runtime: same signing name, but a path instead of a target."""

    def detect_service(method: str, path: str, headers: dict[str, str], query_params: dict[str, Any]) -> str:
        service = detect(method, path, headers, query_params)
        return RUNTIME if service == CONTROL and PATH.fullmatch(path) else service

    return detect_service


def _with_arns(extract: Callable[..., str]) -> Callable[..., str]:
    """Return the ARN that a request names as IAM's resource, or `*`."""

    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
    ) -> str:
        if service == RUNTIME:
            match = PATH.fullmatch(path)
            return ENDPOINT.arn(match["endpoint"]) if match else "*"
        if service == CONTROL:
            return _resource(headers.get("x-amz-target", "").partition(".")[2], body)
        return extract(service, method, path, headers, body, *rest)

    return extract_resource_arn


def _resource(operation: str, body: bytes) -> str:
    try:
        request: Mapping[str, Any] = json.loads(body or b"{}")
    except ValueError:
        return "*"
    if "ResourceArn" in request:
        return str(request["ResourceArn"])
    if operation == "CreateModelPackage" and "ModelPackageGroupName" in request:
        # The number of the next version is not part of the request.
        return PACKAGE.arn(f"{request['ModelPackageGroupName']}/*")
    for kind in KINDS:
        if operation.endswith(kind.noun) and not operation.startswith("List"):
            name = str(request.get(kind.name) or request.get(kind.arn_member) or "*")
            return name if name.startswith("arn:") else kind.arn(name)
    return "*"
