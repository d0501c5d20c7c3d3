"""The AWS account of the emulator: its number, region, root credentials and clients."""

import os
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.session import Session

ACCOUNT = "000000000000"
REGION = "us-east-1"
ROOT_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
"""Environment variables with the credentials of the root user, as ministack has them. They are public."""


def root_client(service: str, aws_url: str, **options: Any) -> Any:
    """A boto3 client of the emulator at `aws_url`, with the permissions of the root user.

    Args:
        service: boto3's name of the service, such as "s3".
        aws_url: the URL of the emulator.
        options: further arguments of `boto3.client`.
    """
    credentials = {name.lower(): value for name, value in ROOT_CREDENTIALS.items()}
    options = {"region_name": REGION, **credentials, **options}
    options["config"] = Config(proxies={}).merge(options.get("config") or Config())
    return _session().client(service, endpoint_url=aws_url, **options)


@cache
def _session() -> boto3.Session:
    """A session that reads no AWS configuration of this machine."""
    settings = {name: (None, None, *rest) for name, (_, _, *rest) in Session.SESSION_VARIABLES.items()}
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    return boto3.Session(botocore_session=Session(settings | files))


def environment_without_aws() -> dict[str, str]:
    """The environment of this process for programs that use the emulator.

    It is without this machine's AWS configuration, and no proxy gets requests to this machine.
    """
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1"),
    }
