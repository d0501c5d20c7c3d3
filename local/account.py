"""The AWS account of the emulator: its number, region, root credentials and clients."""

import os
from typing import Any

import boto3

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
    return boto3.client(service, endpoint_url=aws_url, **{"region_name": REGION} | credentials | options)


def environment_without_aws() -> dict[str, str]:
    """The environment of this process without its AWS configuration, for programs that use the emulator."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
