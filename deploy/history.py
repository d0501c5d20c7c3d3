"""The last complete deployment of a stage, in its data bucket: what there is to go back to."""

import hashlib
from typing import TypedDict

import boto3

from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.documents import Document, Documents
from chalicelib.storage.errors import ObjectMissing
from chalicelib.timestamps import now
from deploy import application, retraining, stage_lock

KEY = "deployments/last.json"


class CompleteDeployment(TypedDict):
    """A deployment that reached its end."""

    commit: str
    """Of the code, with "-dirty" if files differed from it; empty if it is unknown."""
    packages: str
    """Digest of the lock file of the Lambdas' packages."""
    ended_at: str
    by: str


def packages() -> str:
    """A digest of the packages in the layer of the Lambdas."""
    return hashlib.sha256((application.PROJECT / "requirements.txt").read_bytes()).hexdigest()


def record(bucket: str) -> None:
    """Record that a deployment is complete."""
    done = CompleteDeployment(
        commit=retraining.commit(), packages=packages(), ended_at=now(), by=stage_lock.caller()
    )
    Documents(_bucket(bucket)).change(KEY, lambda _: Document(done))


def last(bucket: str) -> CompleteDeployment | None:
    """The last complete deployment; None if there is none."""
    try:
        found: CompleteDeployment = Documents(_bucket(bucket)).read(KEY)  # type: ignore[assignment]
    except ObjectMissing:
        return None
    return found


def way_back(stage: str, before: CompleteDeployment | None) -> str:
    """How to return to the deployment before, in a sentence; empty if its commit is unknown or the same."""
    commit = before["commit"].removesuffix("-dirty") if before else ""
    if before is None or not commit or before["commit"] == retraining.commit():
        return ""
    changed = " (with changes that were not committed)" if before["commit"] != commit else ""
    return (
        f"To go back to the deployment of {before['ended_at']}, of commit {commit[:12]}{changed}: "
        f"git checkout {commit[:12]} && make deploy STAGE={stage}"
    )


def _bucket(name: str) -> DataBucket:
    return DataBucket(boto3.client("s3"), name)
