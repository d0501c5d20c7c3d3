"""The machine that jobs and endpoints run on: interpreter, folders and the emulator's address."""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3.session
from botocore.config import Config

from local.account import REGION, ROOT_CREDENTIALS
from local.sagemaker.roles import credentials
from local.sagemaker.storage import Storage

CONFIG = Config(
    max_pool_connections=32,
    retries={"mode": "standard"},
    # Checksums are unnecessary on loopback.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


@dataclass
class ComputeHost:
    """Everything that the service needs to run jobs and endpoints.

    `python` is the interpreter of the training environment, `folder` holds all files of the service,
    `endpoint` is the URL of the emulator, and `grace` the time in seconds between SIGTERM and SIGKILL. An
    idle serverless variant refuses requests for `cold_start` seconds after the first one.
    """

    python: Path
    folder: Path
    endpoint: str
    grace: float = 120.0
    cold_start: float = 0.0
    _session: Any = field(default_factory=boto3.session.Session)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def records(self) -> Path:
        """The file of the service's state."""
        return self.folder / "records.sqlite"

    @property
    def scratch(self) -> Path:
        """The folder for files of running jobs and endpoints. It is emptied at every start."""
        return self.folder / "scratch"

    def storage(self, role_arn: str) -> Storage:
        """S3 with the permissions of a role."""
        return Storage(self._client("s3", credentials(role_arn)), role_arn)

    def logs(self) -> Any:
        """CloudWatch Logs with the permissions of the root user: the service itself writes the logs."""
        return self.service("logs")

    def service(self, name: str) -> Any:
        """A client of a service with the permissions of the root user."""
        return self._client(name, ROOT_CREDENTIALS)

    def environment(self, role_arn: str) -> dict[str, str]:
        """The environment variables of a container's program for AWS access under its role."""
        return {
            **credentials(role_arn),
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "PATH": f"{self.python.parent}:{os.environ.get('PATH', os.defpath)}",
        }

    def _client(self, service: str, keys: dict[str, str]) -> Any:
        with self._lock:  # clients are thread-safe; creating them is not
            return self._session.client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                config=CONFIG,
                **{name.lower(): value for name, value in keys.items()},
            )
