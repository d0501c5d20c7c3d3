"""Calls SageMaker endpoints."""

import json
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as AwsConnectionError

from chalicelib.errors import EndpointMissing, EndpointNotReady, ModelFailed

# Error codes of SageMaker Runtime (API reference, InvokeEndpoint), and those of all services.
_TRY_LATER = {
    "InternalDependencyException",
    "InternalFailure",
    "ModelNotReadyException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "ThrottlingException",
    "TooManyRequestsException",
}
_CONTAINER_GONE = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
"""The status for a container that has died or is being replaced; a failing model answers 500."""


class Endpoint:
    """A SageMaker endpoint that answers JSON.

    `runtime` is a boto3 `sagemaker-runtime` client, whose configuration has retries and timeouts.
    """

    def __init__(self, runtime: Any, name: str):
        self._runtime = runtime
        self.name = name

    def invoke(self, content_type: str, body: bytes) -> tuple[Any, str]:
        """The answer, and the name of the production variant that answered.

        Raises:
            EndpointMissing: if there is no such endpoint.
            EndpointNotReady: if trying again later can help.
            ModelFailed: if trying again cannot help.
        """
        try:
            response = self._runtime.invoke_endpoint(
                EndpointName=self.name, ContentType=content_type, Accept="application/json", Body=body
            )
            answer = response["Body"].read()
        except Exception as error:
            raise self._translate(error) from error
        try:
            return json.loads(answer), response.get("InvokedProductionVariant", "")
        except ValueError as error:
            raise ModelFailed(
                f"The endpoint {self.name} did not answer with JSON. Check what it serves."
            ) from error

    def _translate(self, error: Exception) -> EndpointNotReady | ModelFailed:
        response: dict[str, Any] = dict(error.response) if isinstance(error, ClientError) else {}
        code = response.get("Error", {}).get("Code", "")
        if code == "ValidationError":
            # The code has several reasons. "not found" stands for missing, new and failed endpoints.
            kind = EndpointMissing if "not found" in str(error) else EndpointNotReady
            return kind(
                f"The endpoint {self.name} does not exist or is not in service. Deploy it, or take it out of "
                "the stage's ENDPOINTS and the task's file to use the bundled model."
            )
        if code == "AccessDeniedException":
            return ModelFailed(
                f"This stage may not call the endpoint {self.name}. Deploy the stage again: that allows it "
                "the endpoints that its ENDPOINTS and the task files name."
            )
        gone = code == "ModelError" and response.get("OriginalStatusCode") in _CONTAINER_GONE
        if gone or code in _TRY_LATER or isinstance(error, AwsConnectionError | HTTPClientError | OSError):
            return EndpointNotReady(
                f"The endpoint {self.name} is starting or overloaded. Try again in a minute."
            )
        return ModelFailed(f"The model on the endpoint {self.name} failed. Its log in CloudWatch says why.")
