"""The kinds of SageMaker resources, their names and ARNs."""

from dataclasses import dataclass
from typing import Any

from local.account import ACCOUNT, REGION

Record = dict[str, Any]
"""The data of a resource: the request that created it and what Describe adds."""


@dataclass(frozen=True)
class Kind:
    """A kind of resource, as the API names it."""

    noun: str
    """The operations are called Create{noun}, Describe{noun} and so on."""
    arn_part: str
    title: str
    """The name in messages."""
    summaries: str
    """The member of the List response that holds the list."""
    plural: str = ""
    status: str = ""
    """The member that holds the status; empty if there is none."""
    descending: bool = True
    """The default order of List."""

    @property
    def name(self) -> str:
        """The member that holds the name."""
        return f"{self.noun}Name"

    @property
    def arn_member(self) -> str:
        """The member that holds the ARN."""
        return f"{self.noun}Arn"

    @property
    def list_operation(self) -> str:
        """The List operation of this kind."""
        return f"List{self.plural or self.noun + 's'}"

    def arn(self, name: str) -> str:
        """The ARN of the resource `name`, in lower case as SageMaker writes it."""
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{self.arn_part}/{name.lower()}"


TRAINING_JOB = Kind(
    "TrainingJob", "training-job", "training job", "TrainingJobSummaries",
    status="TrainingJobStatus", descending=False,
)  # fmt: skip
TUNING_JOB = Kind(
    "HyperParameterTuningJob", "hyper-parameter-tuning-job", "hyperparameter tuning job",
    "HyperParameterTuningJobSummaries", status="HyperParameterTuningJobStatus",
)  # fmt: skip
TRANSFORM_JOB = Kind(
    "TransformJob", "transform-job", "transform job", "TransformJobSummaries", status="TransformJobStatus"
)
PROCESSING_JOB = Kind(
    "ProcessingJob", "processing-job", "processing job", "ProcessingJobSummaries",
    status="ProcessingJobStatus", descending=False,
)  # fmt: skip
MODEL = Kind("Model", "model", "model", "Models")
ENDPOINT_CONFIG = Kind("EndpointConfig", "endpoint-config", "endpoint configuration", "EndpointConfigs")
ENDPOINT = Kind("Endpoint", "endpoint", "endpoint", "Endpoints", status="EndpointStatus")
PACKAGE_GROUP = Kind(
    "ModelPackageGroup", "model-package-group", "model package group", "ModelPackageGroupSummaryList",
    status="ModelPackageGroupStatus", descending=False,
)  # fmt: skip
PACKAGE = Kind(
    "ModelPackage", "model-package", "model package", "ModelPackageSummaryList",
    status="ModelPackageStatus", descending=False,
)  # fmt: skip

KINDS = (
    TRAINING_JOB, TUNING_JOB, TRANSFORM_JOB, PROCESSING_JOB, MODEL, ENDPOINT_CONFIG, ENDPOINT, PACKAGE_GROUP,
    PACKAGE,
)  # fmt: skip
JOBS = (TRAINING_JOB, TUNING_JOB, TRANSFORM_JOB, PROCESSING_JOB)
