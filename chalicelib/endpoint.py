"""Runs a model on a SageMaker endpoint."""

import json
from io import BytesIO
from typing import Any

import numpy as np
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as AwsConnectionError

from chalicelib.backend import ModelIdentity, Outputs
from chalicelib.errors import EndpointNotReady, ModelFailed
from chalicelib.film import Pixels

# SageMaker Runtime's own error codes (API reference, InvokeEndpoint).
_TRY_LATER = {"ModelNotReadyException", "ServiceUnavailable", "ThrottlingException", "InternalFailure"}


class EndpointBackend:
    """Sends prepared images to one endpoint and reads its answer.

    `runtime` is a boto3 `sagemaker-runtime` client; retries with jitter and timeouts are its configuration.
    """

    def __init__(self, runtime: Any, name: str):
        self._runtime = runtime
        self._name = name

    def run(self, images: Pixels) -> Outputs:
        """See `Backend.run`."""
        body = BytesIO()
        np.save(body, images, allow_pickle=False)
        try:
            response = self._runtime.invoke_endpoint(
                EndpointName=self._name,
                ContentType="application/x-npy",
                Accept="application/json",
                Body=body.getvalue(),
            )
            answer = json.loads(response["Body"].read())
        except Exception as error:
            raise self._translate(error) from error
        return self._read(answer, len(images))

    def _read(self, answer: Any, count: int) -> Outputs:
        try:
            model = answer["model"]
            outputs = Outputs(
                np.asarray(answer["probabilities"], np.float32),
                np.asarray(answer["activation"], np.float32),
                np.asarray(answer["distance"], np.float32),
                float(model["thresholds"]["distance"]),
                ModelIdentity(str(model["version"]), str(model["sha256"]), "endpoint"),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFailed(
                f"The endpoint {self._name} answered something that is not a classification. "
                "Check that it serves a model package of this application."
            ) from error
        if len(outputs.probabilities) != count or len(outputs.distance) != count:
            raise ModelFailed(f"The endpoint {self._name} answered for another number of images than it got.")
        return outputs

    def _translate(self, error: Exception) -> EndpointNotReady | ModelFailed:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code == "ValidationError":
            return EndpointNotReady(
                f"The endpoint {self._name} does not exist or is not in service. Deploy the task's model, or "
                "remove the endpoint from the stage's ENDPOINTS to use the bundled model."
            )
        if code in _TRY_LATER or isinstance(error, AwsConnectionError | HTTPClientError | OSError):
            return EndpointNotReady(
                f"The endpoint {self._name} is starting or overloaded. Try again in a minute."
            )
        return ModelFailed(f"The model on the endpoint {self._name} failed. Its log in CloudWatch says why.")
