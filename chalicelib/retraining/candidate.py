"""A newly trained model on its way to being the current one, here and in SageMaker's model registry."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.archive import ARCHIVE
from chalicelib.errors import InvalidModelPackage
from chalicelib.registry import MODELS, Registry
from chalicelib.retraining.planning import RETRAININGS, SPLIT
from chalicelib.storage import DataBucket

CONTENT_TYPES = ("application/x-npy", "image/jpeg", "image/png", "image/tiff", "application/dicom")
MOST_DESCRIPTION = 1024
"""Characters that SageMaker takes for an ApprovalDescription."""
MOST_TOKEN = 36
"""Likewise for a ClientToken."""


@dataclass(frozen=True)
class Candidates:
    """Registers candidates and notes what becomes of them."""

    bucket: DataBucket
    registry: Registry
    sagemaker: Callable[[], Any]
    """Makes the boto3 client."""
    stage: str

    def register(self, plan: Mapping[str, Any], trained: Mapping[str, str], image: str) -> dict[str, Any]:
        """Take a training job's model.tar.gz into the registry.

        Args:
            plan: of the retraining.
            trained: `{"job", "model"}`: the training job and the s3:// URI of what it made.
            image: URI of the container image that serves the model.

        Returns:
            `{"version", "sha256", "uri", "package"}`: the URI is that of the registry's own copy, `package`
            the ARN in SageMaker's registry.

        Raises:
            InvalidModelPackage: if the archive is no sound package of the task, or known already.
        """
        task, prefix = plan["task"], f"s3://{self.bucket.name}/"
        if not trained["model"].startswith(prefix):
            raise InvalidModelPackage(f"The training job left its model outside of {prefix}.")
        archive = self.bucket.read(trained["model"].removeprefix(prefix)).body
        origin = {"origin": "retraining", "run": plan["run"], "job": trained["job"]}
        record = self.registry.add(task, archive, origin)
        uri = f"{prefix}{MODELS}{task}/{record['version']}/{ARCHIVE}"
        package = self._add_package(plan, record["version"], uri, image)
        return {"version": record["version"], "sha256": record["sha256"], "uri": uri, "package": package}

    def decide(self, plan: Mapping[str, Any], candidate: Mapping[str, str]) -> dict[str, Any]:
        """Note what the judging job decided: `{"accepted", "reasons": text}`."""
        task, folder = plan["task"], plan["folder"].removeprefix(f"s3://{self.bucket.name}/")
        decision = json.loads(self.bucket.read(f"{folder}judgement/decision.json").body)
        self.registry.decide(
            task, candidate["version"], accepted=decision["accepted"], reasons=decision["reasons"]
        )
        if not decision["accepted"]:
            self._approve(candidate, "Rejected", " ".join(decision["reasons"]))
        # From now on every image has the part it was judged in, whatever was decided.
        self.bucket.copy(f"{folder}data/manifest.csv", f"{RETRAININGS}{task}/{SPLIT}")
        return {"accepted": decision["accepted"], "reasons": " ".join(decision["reasons"])}

    def refuse(self, plan: Mapping[str, Any], candidate: Mapping[str, str], reason: str) -> None:
        """Note that a candidate will not be deployed although it was good enough."""
        self.registry.decide(plan["task"], candidate["version"], accepted=False, reasons=[reason])
        self._approve(candidate, "Rejected", reason)

    def promote(self, plan: Mapping[str, Any], candidate: Mapping[str, str]) -> None:
        """Let the candidate classify from now on."""
        embedded = plan["serving"]["kind"] == "embedded"
        self._approve(candidate, "Approved", "Deployed.")
        self.registry.promote(
            plan["task"],
            candidate["version"],
            None if embedded else plan["serving"]["endpoint"],
            None if embedded else plan["name"],
        )

    # ------------------------------------------------------------------- SageMaker's model registry

    def _add_package(self, plan: Mapping[str, Any], version: str, uri: str, image: str) -> str:
        client, group = self.sagemaker(), f"negatoscope-{self.stage}-{plan['task']}"
        with suppress(ClientError):  # from the second retraining on, the group is there
            client.create_model_package_group(ModelPackageGroupName=group)
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
            ClientToken=plan["name"][-MOST_TOKEN:],
        )
        return str(created["ModelPackageArn"])

    def _approve(self, candidate: Mapping[str, str], status: str, why: str) -> None:
        self.sagemaker().update_model_package(
            ModelPackageArn=candidate["package"],
            ModelApprovalStatus=status,
            ApprovalDescription=why[:MOST_DESCRIPTION],
        )
