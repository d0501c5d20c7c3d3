"""Progress of training jobs."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError


class TrainingJobs:
    """Reads metrics of training jobs. `client` makes a boto3 `sagemaker` client."""

    def __init__(self, client: Callable[[], Any]):
        self._client = client

    def metrics(self, name: str) -> dict[str, float]:
        """The latest value of each metric that a job has printed; empty if there is no such job yet."""
        try:
            job = self._client().describe_training_job(TrainingJobName=name)
        except ClientError as error:
            # SageMaker has no error code for what does not exist.
            if error.response["Error"]["Code"] == "ValidationException":
                return {}
            raise
        return {metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", ())}
