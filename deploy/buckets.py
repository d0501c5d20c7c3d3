"""Empties and deletes buckets."""

import boto3
from botocore.exceptions import ClientError


def empty(name: str) -> None:
    """Delete all versions of all objects of a bucket, if the bucket exists."""
    try:
        boto3.resource("s3").Bucket(name).object_versions.delete()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise


def delete(name: str) -> None:
    """Delete a bucket with its contents, if it exists, although its policy keeps some of them."""
    s3 = boto3.client("s3")
    try:
        s3.delete_bucket_policy(Bucket=name)
        empty(name)
        s3.delete_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
