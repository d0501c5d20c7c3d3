"""Buckets, emptied before they can be deleted."""

import boto3
from botocore.exceptions import ClientError


def empty(name: str) -> None:
    """Delete every object of a bucket in every version, if there is such a bucket."""
    try:
        boto3.resource("s3").Bucket(name).object_versions.delete()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise


def delete(name: str) -> None:
    """Delete a bucket with all that it holds, if it is there."""
    empty(name)
    try:
        boto3.client("s3").delete_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
