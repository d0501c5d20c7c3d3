"""The page: its files in a bucket, and CloudFront, which serves them and the API from one origin.

The page has no build: its modules import one another by fixed names, so a browser has to ask whether a file
has changed. The files of a version lie in a folder that is named by their content, and CloudFront is told of
the folder when all of them are there: nobody is served half of one version and half of another, what the edge
has cached stays right, and nothing has to be invalidated.
"""

import gzip
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from chalicelib import resource_names
from chalicelib.storage.bucket import DataBucket, presigning
from deploy import buckets, stacks
from deploy.page import LISTING, MEDIA_TYPES, Page, listing, security_headers
from deploy.progress import say

FOLDER = Path(__file__).resolve().parent.parent / "frontend"
TEMPLATE = FOLDER / "template.yaml"

CACHE_CONTROL = "public, max-age=0, must-revalidate, s-maxage=31536000"
"""Browsers ask each time and are mostly told that nothing has changed; the edge need not ask again."""
MAX_COMPRESSED = 10_000_000
"""Bytes; larger files CloudFront does not compress by itself (Developer Guide, "Serve compressed files")."""


@dataclass(frozen=True)
class File:
    """A file of the page as it is stored."""

    name: str
    content: bytes
    headers: dict[str, str]
    """By boto3's names."""


def stack_name(stage: str) -> str:
    """The stack of the stage."""
    return resource_names.stack_name(stage, "site")


def deploy(
    stage: str,
    api_id: str,
    data_bucket: str,
    login_origin: str | None,
    *,
    domain: str | None = None,
    certificate: str | None = None,
) -> str:
    """Put the stack and upload the page; return the page's origin. None keeps what was deployed before."""
    headers = security_headers(*filter(None, (upload_origin(data_bucket), login_origin)))
    parameters = {
        "Stage": stage,
        "ApiId": api_id,
        "ContentSecurityPolicy": headers["Content-Security-Policy"],
        "DomainName": domain,
        "CertificateArn": certificate,
        "Version": None,
    }
    template = TEMPLATE.read_text()
    outputs = stacks.put_stack(stack_name(stage), template, parameters, protected=False)
    before, version = outputs["Version"], upload(outputs["SiteBucket"])
    stacks.put_stack(stack_name(stage), template, parameters | {"Version": version}, protected=False)
    say(f"version {version} is served")
    # The one before stays until the next deployment: the last edge learns of this one some seconds later.
    delete_versions(outputs["SiteBucket"], keep={version, before})
    return outputs["SiteOrigin"]


def upload_origin(data_bucket: str) -> str:
    """The origin that browsers upload images to."""
    config = Config(**presigning(os.environ.get("AWS_ENDPOINT_URL")))
    bucket = DataBucket(boto3.client("s3", config=config), data_bucket)
    form = bucket.presign_upload("inbox/", 1, "image/png")
    url = urlsplit(form["url"])
    return f"{url.scheme}://{url.netloc}"


def files(folder: Path) -> Iterator[File]:
    """The files of the page in `folder`, in the order of their names."""
    page = Page(folder)
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    contents = {name: (folder / name).read_bytes() for name in names if page.holds(name)}
    for name, content in sorted((contents | {LISTING: listing(folder)}).items()):
        headers = {"ContentType": MEDIA_TYPES[PurePath(name).suffix], "CacheControl": CACHE_CONTROL}
        if len(content) > MAX_COMPRESSED:
            content = gzip.compress(content, mtime=0)
            headers["ContentEncoding"] = "gzip"
        yield File(name, content, headers)


def upload(bucket: str, folder: Path = FOLDER) -> str:
    """Upload what is not there yet of the page in `folder`, and return the name of its version."""
    found = list(files(folder))
    version = fingerprint(found)
    s3 = boto3.client("s3")
    there = set(keys(bucket, f"{version}/"))
    missing = [file for file in found if f"{version}/{file.name}" not in there]
    for file in missing:
        s3.put_object(Bucket=bucket, Key=f"{version}/{file.name}", Body=file.content, **file.headers)
    say(f"{len(missing)} of {len(found)} files uploaded")
    return version


def fingerprint(found: list[File]) -> str:
    """The name of the version that consists of these files."""
    digest = hashlib.sha256()
    for file in found:
        content = hashlib.sha256(file.content).hexdigest()
        digest.update(f"{file.name}\0{sorted(file.headers.items())}\0{content}\n".encode())
    return digest.hexdigest()[:16]


def keys(bucket: str, prefix: str = "") -> Iterator[str]:
    """The keys of the bucket that begin with `prefix`."""
    pages: Any = boto3.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=bucket, Prefix=prefix):
        yield from (entry["Key"] for entry in page.get("Contents", ()))


def delete_versions(bucket: str, keep: set[str]) -> None:
    """Delete the files of all versions but those to keep."""
    s3 = boto3.client("s3")
    for key in [key for key in keys(bucket) if key.partition("/")[0] not in keep]:
        s3.delete_object(Bucket=bucket, Key=key)


def delete(stage: str) -> None:
    """Delete the stack, with the page's files."""
    bucket = stacks.resources(stack_name(stage)).get("SiteBucket")
    if bucket:
        buckets.empty(bucket)
    stacks.delete_stack(stack_name(stage))
