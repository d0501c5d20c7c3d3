"""Where jobs and endpoints run: interpreter, folders, and the emulator that they talk to."""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3.session
from botocore.config import Config

from local.sagemaker.resources import REGION
from local.sagemaker.roles import credentials
from local.sagemaker.storage import Storage

CONFIG = Config(
    max_pool_connections=32,
    retries={"mode": "standard"},
    # Nothing is damaged on the way within this machine.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


@dataclass
class ComputeHost:
    """What the service knows of this machine.

    `python` is the interpreter of the training environment, `folder` the place for everything that jobs and
    endpoints need on disk, `endpoint` the address of the emulator, and `grace` the seconds that a program has
    to end after SIGTERM.
    """

    python: Path
    folder: Path
    endpoint: str
    grace: float = 120.0
    _session: Any = field(default_factory=boto3.session.Session)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def records(self) -> Path:
        """The file that keeps everything the service knows."""
        return self.folder / "records.sqlite"

    @property
    def scratch(self) -> Path:
        """The folder for what running jobs and endpoints unpack and write; nothing in it is kept."""
        return self.folder / "scratch"

    def storage(self, role_arn: str) -> Storage:
        """S3 with the rights of a role."""
        return Storage(self._client("s3", credentials(role_arn)), role_arn)

    def logs(self) -> Any:
        """CloudWatch Logs with the rights of the account's root: the service writes logs itself."""
        return self._client("logs", {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"})

    def environment(self, role_arn: str) -> dict[str, str]:
        """Variables by which a program in a container reaches AWS, as its role."""
        return {
            **credentials(role_arn),
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "PATH": f"{self.python.parent}:{os.environ.get('PATH', os.defpath)}",
        }

    def _client(self, service: str, keys: dict[str, str]) -> Any:
        with self._lock:  # clients may be shared between threads, but not made by several at once
            return self._session.client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                config=CONFIG,
                **{name.lower(): value for name, value in keys.items()},
            )
