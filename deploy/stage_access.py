"""A deployed stage in any account and region: what commands need to work with its models."""

from dataclasses import dataclass
from functools import cached_property

import boto3
import botocore.session
from botocore.exceptions import ClientError

from chalicelib.models.endpoint_manager import EndpointManager
from chalicelib.models.registry import Registry
from chalicelib.models.scaling import Scaling
from chalicelib.retraining.executions import Executions
from chalicelib.retraining.repository import RetrainingRepository
from chalicelib.retraining.service import RetrainingService
from chalicelib.retraining.training_jobs import TrainingJobs
from chalicelib.storage.audit import Audit
from chalicelib.storage.bucket import DataBucket
from deploy import foundation, stages
from deploy.stacks import DeployError


@dataclass(frozen=True)
class StageAccess:
    """A stage, reached with the credentials of `session`."""

    name: str
    session: boto3.session.Session
    account: str
    user: str
    """The ARN of these credentials."""
    outputs: dict[str, str]
    """Of the foundation stack."""

    @classmethod
    def connect(cls, stage: str, profile: str | None = None) -> "StageAccess":
        """Find a stage with the credentials and the region of an AWS profile, or of the environment.

        Raises:
            DeployError: if it is not there.
        """
        stages.check(stage)
        # Otherwise AWS_DEFAULT_REGION would win, and two profiles could not be of two regions.
        settings = botocore.session.Session(profile=profile).get_scoped_config() if profile else {}
        session = boto3.session.Session(profile_name=profile, region_name=settings.get("region"))
        caller = session.client("sts").get_caller_identity()
        try:
            found = session.client("cloudformation").describe_stacks(StackName=foundation.stack_name(stage))
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            raise DeployError(
                f"There is no stage {stage} in account {caller['Account']}, region {session.region_name}. "
                "Name another AWS profile with FROM_PROFILE= or TO_PROFILE=."
            ) from error
        outputs = {one["OutputKey"]: one["OutputValue"] for one in found["Stacks"][0].get("Outputs", ())}
        return cls(stage, session, caller["Account"], caller["Arn"], outputs)

    def __str__(self) -> str:
        return f"stage {self.name} (account {self.account}, {self.session.region_name})"

    @cached_property
    def bucket(self) -> DataBucket:
        """Its data bucket."""
        return DataBucket(self.session.client("s3"), self.outputs["DataBucket"])

    @cached_property
    def registry(self) -> Registry:
        """Its models."""
        return Registry(self.bucket)

    @cached_property
    def endpoint_manager(self) -> EndpointManager:
        """Its endpoints."""
        scaling = Scaling(lambda: self.session.client("application-autoscaling"))
        return EndpointManager(self.session.client("sagemaker"), scaling)

    @cached_property
    def audit(self) -> Audit:
        """Its audit record."""
        return Audit(self.bucket)

    @cached_property
    def retraining_service(self) -> RetrainingService:
        """Its retrainings."""
        return RetrainingService(
            RetrainingRepository(self.session.resource("dynamodb"), self.outputs["RetrainingsTable"]),
            Executions(self.session.client("stepfunctions"), self.outputs["RetrainingArn"]),
            self.bucket,
            TrainingJobs(lambda: self.session.client("sagemaker")),
        )
