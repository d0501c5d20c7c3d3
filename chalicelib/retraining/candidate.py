"""A newly trained model on its way to being the current one, here and in SageMaker's model registry."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.errors import InvalidModelPackage, ModelChanged
from chalicelib.media_types import ARRAY_TYPE, FILE_TYPES
from chalicelib.models.archive import ARCHIVE
from chalicelib.models.registry import Registry
from chalicelib.models.version_store import MODELS
from chalicelib.observability import logger
from chalicelib.resource_names import model_package_group
from chalicelib.retraining.decision_count import COUNT, count_decisions
from chalicelib.retraining.locations import EVALUATION, EVALUATION_BEFORE, RETRAININGS, SPLIT
from chalicelib.retraining.payloads import Candidate, GateDecision, TrainedModel
from chalicelib.retraining.planning.plan import Plan
from chalicelib.retraining.record import Scores
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectMissing

CONTENT_TYPES = (ARRAY_TYPE, *FILE_TYPES)
MAX_DESCRIPTION = 1024
"""Characters that SageMaker takes for an ApprovalDescription."""
MAX_TOKEN = 36
"""Characters that SageMaker takes for a ClientToken."""


@dataclass(frozen=True)
class Candidates:
    """Registers candidates and records the decisions on them."""

    bucket: DataBucket
    registry: Registry
    sagemaker: Callable[[], Any]
    """Makes the boto3 client."""
    stage: str

    def register(self, plan: Plan, trained: TrainedModel, image: str) -> Candidate:
        """Add a training job's model.tar.gz to the registry.

        Args:
            plan: of the retraining.
            trained: what the training job has left.
            image: URI of the container image that serves the model.

        Raises:
            InvalidModelPackage: if the archive is not a valid package of the task, or is known already.
        """
        task, prefix = plan["task"], f"s3://{self.bucket.name}/"
        if not trained["model"].startswith(prefix):
            raise InvalidModelPackage(f"The training job wrote its model outside of {prefix}.")
        archive = self.bucket.read(trained["model"].removeprefix(prefix)).body
        origin = {"origin": "retraining", "run": plan["run"], "job": trained["job"]}
        record = self.registry.add(task, archive, origin)
        uri = f"{prefix}{MODELS}{task}/{record['version']}/{ARCHIVE}"
        package = self._add_package(plan, record["version"], uri, image)
        return {"version": record["version"], "sha256": record["sha256"], "uri": uri, "package": package}

    def decide(self, plan: Plan, candidate: Candidate) -> GateDecision:
        """Record the decision of the evaluation job."""
        task, version = plan["task"], candidate["version"]
        folder = self._folder(plan)
        decision = self._read_decision(folder)
        manifest, split = f"{folder}data/manifest.csv", f"{RETRAININGS}{task}/{SPLIT}"
        count = count_decisions(self.bucket, self.registry, task, version, (manifest, split))
        accepted, reasons = decision["accepted"], decision["reasons"] + _warning(count)
        self.registry.decide(task, version, accepted=accepted, reasons=reasons, **{COUNT: count})
        logger.info("decided", extra={"run": plan["run"], "accepted": accepted, COUNT: count})
        if not accepted:
            self._approve(candidate, "Rejected", " ".join(reasons))
        # From now on every image keeps the part it had in this evaluation, whatever was decided.
        self.bucket.copy(manifest, split)
        return {"accepted": accepted, "reasons": " ".join(reasons)}

    def scores(self, plan: Plan) -> Scores | None:
        """The scores in the decision of the evaluation job; None if it is of an earlier release."""
        found: Scores | None = self._read_decision(self._folder(plan)).get("scores")
        return found

    def _folder(self, plan: Plan) -> str:
        return plan["folder"].removeprefix(f"s3://{self.bucket.name}/")

    def _read_decision(self, folder: str) -> dict[str, Any]:
        try:
            content = self.bucket.read(f"{folder}{EVALUATION}decision.json")
        except ObjectMissing:
            content = self.bucket.read(f"{folder}{EVALUATION_BEFORE}decision.json")
        decision: dict[str, Any] = json.loads(content.body)
        return decision

    def refuse(self, plan: Plan, candidate: Candidate, reason: str) -> None:
        """Record that a candidate is not deployed although it passed the gate."""
        self.registry.decide(plan["task"], candidate["version"], accepted=False, reasons=[reason])
        self._approve(candidate, "Rejected", reason)

    def promote(self, plan: Plan, candidate: Candidate) -> None:
        """Make the candidate the current model.

        Raises:
            ModelChanged: if the current model is not the one that the candidate was compared with.
        """
        embedded = plan["serving"]["kind"] == "embedded"
        current = self.registry.current(plan["task"])
        if current and current.previous == candidate["version"]:
            raise ModelChanged(f"{candidate['version']} was deployed, and has been rolled back since.")
        self._approve(candidate, "Approved", "Deployed.")
        self.registry.promote(
            plan["task"],
            candidate["version"],
            None if embedded else plan["serving"]["endpoint"],
            None if embedded else plan["name"],
            # Plans of earlier releases do not name the version that may be replaced.
            replaces=(plan["current"].get("deployed", plan["current"]["version"]),),
        )

    # ------------------------------------------------------------------- SageMaker's model registry

    def _add_package(self, plan: Plan, version: str, uri: str, image: str) -> str:
        client, group = self.sagemaker(), model_package_group(self.stage, plan["task"])
        try:
            client.create_model_package_group(ModelPackageGroupName=group)
        except ClientError as error:
            # SageMaker has no error code for this. The group exists from the second retraining on.
            if "already exist" not in str(error):
                raise
        created = client.create_model_package(
            ModelPackageGroupName=group,
            ModelPackageDescription=version,
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={
                "Containers": [{"Image": image, "ModelDataUrl": uri}],
                "SupportedContentTypes": list(CONTENT_TYPES),
                "SupportedResponseMIMETypes": ["application/json"],
            },
            # A step that is repeated adds no second package.
            ClientToken=plan["name"][-MAX_TOKEN:],
        )
        return str(created["ModelPackageArn"])

    def _approve(self, candidate: Candidate, status: str, why: str) -> None:
        self.sagemaker().update_model_package(
            ModelPackageArn=candidate["package"],
            ModelApprovalStatus=status,
            ApprovalDescription=why[:MAX_DESCRIPTION],
        )


def _warning(count: int) -> list[str]:
    """A warning about a test set that has been used for several decisions."""
    if count == 1:
        return []
    return [
        f"It was decision {count} by these test images; the more they decide, the likelier a model passes by "
        "chance."
    ]
