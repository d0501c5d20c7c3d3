"""SageMaker Runtime: InvokeEndpoint."""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from local.account import ACCOUNT, REGION
from local.sagemaker.endpoints import Endpoints
from local.sagemaker.errors import SageMakerError
from local.sagemaker.fleet import Cold, Fleet, Stopped, Throttled
from local.sagemaker.model_containers import ContainerResponse

PATH = re.compile(r"/endpoints/(?P<endpoint>[^/]+)/invocations")
MEGABYTE = 1024 * 1024
MAX_BYTES = 6 * MEGABYTE
MAX_BYTES_SERVERLESS = 4 * MEGABYTE
INVOCATION_TIMEOUT = 60.0  # seconds
FORWARDED_HEADERS = (
    "accept",
    "content-type",
    "x-amzn-sagemaker-custom-attributes",
    "x-amzn-sagemaker-inference-id",
)
VARIANT = "x-Amzn-Invoked-Production-Variant"

Response = tuple[int, dict[str, str], bytes]


class ModelError(SageMakerError):
    """The model refused the request or failed. The `original` values come from its container."""

    def __init__(self, endpoint: str, original_status: int, original_message: str) -> None:
        side = "client error" if 400 <= original_status < 500 else "server error"
        super().__init__(
            "ModelError",
            f'Received {side} ({original_status}) from primary with message "{original_message}". See '
            f"/aws/sagemaker/Endpoints/{endpoint} in account {ACCOUNT} for more information.",
            424,
        )
        self.details = {
            "OriginalStatusCode": original_status,
            "OriginalMessage": original_message,
            "LogStreamArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/Endpoints/{endpoint}",
        }


class Runtime:
    """Forwards invocations to the containers of endpoints. Thread-safe."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def invoke(self, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """InvokeEndpoint; the names of `headers` are in lower case. Raise SageMakerError if it fails."""
        match = PATH.fullmatch(path)
        if match is None:
            raise SageMakerError("UnknownOperationException", f"There is no operation at {path}.", 404)
        name = unquote(match["endpoint"])
        passed_on = {header: headers[header] for header in FORWARDED_HEADERS if header in headers}
        while True:
            fleet = self._serving_fleet(name)
            try:
                return _invoke(name, fleet, headers.get("x-amzn-sagemaker-target-variant"), passed_on, body)
            except Stopped:
                continue  # it has just been replaced

    def _serving_fleet(self, name: str) -> Fleet:
        fleet = self._endpoints.fleet(name)
        if fleet:
            return fleet
        endpoint = self._endpoints.collection.find(name)
        if endpoint and endpoint["EndpointStatus"] == "SystemUpdating":
            raise SageMakerError(
                "ModelNotReadyException", f"The containers of {name} are being started again.", 429
            )
        raise SageMakerError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")


def _invoke(name: str, fleet: Fleet, target: str | None, headers: Mapping[str, str], body: bytes) -> Response:
    try:
        with fleet.serving(target) as (variant, container):
            limit = MAX_BYTES_SERVERLESS if "ServerlessConfig" in variant else MAX_BYTES
            if len(body) > limit:
                raise SageMakerError(
                    "ValidationError",
                    f"Request body of {len(body)} bytes exceeded the maximum of {limit} bytes.",
                    413,
                )
            if container is None:
                raise SageMakerError(
                    "ModelNotReadyException", f"The container of {variant['VariantName']} is restarting.", 429
                )
            answer = container.invoke(body, headers, INVOCATION_TIMEOUT)
    except Cold:
        raise SageMakerError("ModelNotReadyException", f"The endpoint {name} is starting.", 429) from None
    except Throttled:
        raise SageMakerError("ThrottlingException", "Rate exceeded") from None
    except LookupError:
        raise SageMakerError(
            "ValidationError", f"Variant {target} of endpoint {name} of account {ACCOUNT} not found."
        ) from None
    except TimeoutError:
        raise ModelError(
            name,
            0,
            "Your invocation timed out while waiting for a response from container primary. Review the "
            "latency metrics for each container, resolve the issue, and try again.",
        ) from None
    except OSError as error:
        raise ModelError(name, 500, f"The container gave no answer: {error}") from error
    return _respond(name, answer, variant["VariantName"])


def _respond(name: str, answer: ContainerResponse, variant: str) -> Response:
    if not answer.ok:
        raise ModelError(name, answer.status, answer.body.decode(errors="replace"))
    if len(answer.body) > MAX_BYTES:
        raise ModelError(name, 500, f"The response is larger than {MAX_BYTES} bytes.")
    return 200, {"Content-Type": answer.content_type, VARIANT: variant}, answer.body
