"""One change of a stage at a time: a lock in its data bucket. `python -m deploy.stage_lock STAGE` breaks it.

The process that holds the lock renews it every minute. If it dies, the lock is free ten minutes later.
"""

import argparse
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import boto3

from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.documents import Document, Documents
from chalicelib.storage.errors import StorageFailed
from chalicelib.timestamps import timestamp
from deploy import failures, foundation, stages
from deploy.progress import say
from deploy.stacks import DeployError

KEY = "deployments/lock.json"
RENEWAL = 60.0
"""Seconds between two renewals."""
EXPIRY = timedelta(minutes=10)
"""After this time without a renewal, the holder counts as dead."""
FREE: Document = {"holder": None}


def main() -> None:
    """Break the lock of a stage, whoever holds it."""
    parser = argparse.ArgumentParser(description="Break the lock of a deployment that died.")
    parser.add_argument("stage", help="name of the installation, for example prod")
    stage = parser.parse_args().stage
    with failures.reported("Not done."):
        stages.check(stage)
        stages.check_account(stage)
        bucket = foundation.data_bucket(stage)
        if bucket is None:
            raise DeployError(f"There is no stage {stage} in this account and region.")
        unlock(DataBucket(boto3.client("s3"), bucket))


def unlock(bucket: DataBucket) -> None:
    """Free the lock, and say who had it. A holder that is still alive stops at its next step."""
    holder: Document | None = None

    def freed(before: Document | None) -> Document:
        nonlocal holder
        holder = (before or FREE)["holder"]
        return FREE

    Documents(bucket).change(KEY, freed)
    say(f"The lock of {_describe(holder)} is broken" if holder else "Nobody holds the lock")


@dataclass
class StageLock:
    """The lock of a stage, whose data bucket is `bucket`."""

    bucket: DataBucket
    stage: str
    purpose: str
    """What it is held for, such as `make deploy`."""
    owner: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _token: str = field(default_factory=lambda: uuid4().hex)
    _lost: threading.Event = field(default_factory=threading.Event)

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            DeployError: if somebody else holds it.
        """
        began = timestamp(self.clock())

        def taken(before: Document | None) -> Document:
            holder = (before or FREE)["holder"]
            if holder and holder["token"] != self._token and not self._is_dead(holder):
                raise DeployError(
                    f"The stage {self.stage} is being changed by {_describe(holder)}. Wait for its end. If "
                    f"it died, the lock is free {EXPIRY.seconds // 60} minutes after its last sign of life, "
                    f"{holder['renewed_at']}; `make unlock STAGE={self.stage}` breaks it at once."
                )
            return {
                "holder": {
                    "token": self._token,
                    "owner": self.owner,
                    "purpose": self.purpose,
                    "began_at": began,
                    "renewed_at": timestamp(self.clock()),
                }
            }

        Documents(self.bucket).change(KEY, taken)

    def renew(self) -> None:
        """Show that the holder is alive. If somebody has broken the lock, `check` says so from now on."""

        def renewed(before: Document | None) -> Document:
            holder = (before or FREE)["holder"]
            if not holder or holder["token"] != self._token:
                self._lost.set()
                return before or FREE
            return {"holder": {**holder, "renewed_at": timestamp(self.clock())}}

        Documents(self.bucket).change(KEY, renewed)

    def check(self) -> None:
        """Make sure that the lock is still held.

        Raises:
            DeployError: if somebody has broken it.
        """
        if self._lost.is_set():
            raise DeployError(f"Somebody else broke the lock of the stage {self.stage}.")

    def release(self) -> None:
        """Free the lock if it is still held."""

        def freed(before: Document | None) -> Document:
            holder = (before or FREE)["holder"]
            return FREE if holder and holder["token"] == self._token else before or FREE

        Documents(self.bucket).change(KEY, freed)

    def _is_dead(self, holder: Document) -> bool:
        return self.clock() - datetime.fromisoformat(holder["renewed_at"]) > EXPIRY


@contextmanager
def held(stage: str, bucket: str, purpose: str) -> Iterator[StageLock]:
    """Hold the lock of a stage inside the context.

    Raises:
        DeployError: if somebody else holds it.
    """
    lock = StageLock(DataBucket(boto3.client("s3"), bucket), stage, purpose, caller())
    lock.acquire()
    done = threading.Event()
    renewing = threading.Thread(target=_renew, args=(lock, done), daemon=True)
    renewing.start()
    try:
        yield lock
    finally:
        done.set()
        renewing.join()
        with suppress(StorageFailed):  # it expires by itself
            lock.release()


def caller() -> str:
    """Who is working where: the credentials' ARN, and the name of the machine."""
    return f"{boto3.client('sts').get_caller_identity()['Arn']} on {socket.gethostname()}"


def _renew(lock: StageLock, done: threading.Event) -> None:
    while not done.wait(RENEWAL):
        with suppress(StorageFailed):  # there are nine more tries
            lock.renew()


def _describe(holder: Document) -> str:
    return f"`{holder['purpose']}` of {holder['owner']}, since {holder['began_at']}"


if __name__ == "__main__":
    main()
