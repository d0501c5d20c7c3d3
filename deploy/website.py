"""Deploys the page to a bucket and to CloudFront, which serves the page and the API from one origin.

The page has no build step: its modules import one another by fixed names, so browsers must revalidate files.
Each version is a folder named after a hash of its contents. CloudFront switches to it when all files are
there, so no visitor gets a mixture of two versions, and the cache never has to be invalidated.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from chalicelib import resource_names
from chalicelib.storage.bucket import DataBucket, presigning
from deploy import buckets, stacks, stages
from deploy.page import LISTING, MEDIA_TYPES, Page, listing, security_headers
from deploy.progress import say

FOLDER = Path(__file__).resolve().parent.parent / "frontend"
TEMPLATE = FOLDER / "template.yaml"

CACHE_CONTROL = "public, max-age=0, must-revalidate, s-maxage=31536000"
"""Browsers revalidate each time, mostly with 304 as the answer; CloudFront need not revalidate."""
MAX_COMPRESSED = 10_000_000
"""Bytes. CloudFront does not compress larger files (Developer Guide, "Serve compressed files")."""


@dataclass(frozen=True)
class File:
    """A file of the page with its metadata in S3."""

    name: str
    content: bytes
    headers: dict[str, str]
    """Arguments of put_object."""


class Api(NamedTuple):
    """The API behind the page."""

    id: str
    key: str
    """The key that CloudFront sends with each request."""


def stack_name(stage: str) -> str:
    """Name of the stack."""
    return resource_names.stack_name(stage, "site")


def deploy(
    stage: str,
    api: Api,
    data_bucket: str,
    login_origin: str | None,
    *,
    domain: str | None = None,
    certificate: str | None = None,
    firewall: str | None = None,
) -> str:
    """Deploy the stack and the page; return the page's origin. None keeps the value deployed before."""
    wanted = parameters(
        *(stage, api, data_bucket, login_origin),
        domain=domain,
        certificate=certificate,
        firewall=firewall,
    )
    template = TEMPLATE.read_text()
    outputs = stacks.put_stack(stack_name(stage), template, wanted, protected=False)
    before, version = outputs["Version"], upload(outputs["SiteBucket"])
    stacks.put_stack(stack_name(stage), template, wanted | {"Version": version}, protected=False)
    say(f"version {version} is served")
    # The previous version stays until the next deployment: some edges switch seconds later.
    delete_versions(outputs["SiteBucket"], keep={version, before})
    return outputs["SiteOrigin"]


def parameters(
    stage: str,
    api: Api,
    data_bucket: str,
    login_origin: str | None,
    *,
    domain: str | None = None,
    certificate: str | None = None,
    firewall: str | None = None,
) -> dict[str, str | None]:
    """The parameters of the stack, with the version that is served now."""
    headers = security_headers(*filter(None, (upload_origin(data_bucket), login_origin)))
    return {
        "Stage": stage,
        "ApiId": api.id,
        "ApiKey": api.key,
        "ContentSecurityPolicy": headers["Content-Security-Policy"],
        "DomainName": domain,
        "CertificateArn": certificate,
        "FirewallArn": firewall,
        "Version": None,
    }


def upload_origin(data_bucket: str) -> str:
    """The origin to which browsers upload images."""
    config = Config(**presigning(stages.emulator()))
    bucket = DataBucket(boto3.client("s3", config=config), data_bucket)
    form = bucket.presign_upload("inbox/", 1, "image/png")
    url = urlsplit(form["url"])
    return f"{url.scheme}://{url.netloc}"


def files(folder: Path) -> Iterator[File]:
    """The files of the page in `folder`, sorted by name."""
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
    """Upload the files in `folder` that the bucket lacks, and return the name of the version."""
    found = list(files(folder))
    version = fingerprint(found)
    s3 = boto3.client("s3")
    there = set(keys(bucket, f"{version}/"))
    missing = [file for file in found if f"{version}/{file.name}" not in there]
    for file in missing:
        s3.put_object(Bucket=bucket, Key=f"{version}/{file.name}", Body=file.content, **file.headers)
    say(f"{len(missing)} of {len(found)} files uploaded")
    return version


def deployed_listing(bucket: str, version: str) -> dict[str, str]:
    """The SHA-256 of each file of a version, by its path; empty if the version is gone."""
    s3 = boto3.client("s3")
    try:
        found = s3.get_object(Bucket=bucket, Key=f"{version}/{LISTING}")["Body"].read()
    except s3.exceptions.NoSuchKey:
        return {}
    listed: dict[str, str] = json.loads(found)["files"]
    return listed


def fingerprint(found: list[File]) -> str:
    """The name of a version: a hash of its files."""
    digest = hashlib.sha256()
    for file in found:
        content = hashlib.sha256(file.content).hexdigest()
        digest.update(f"{file.name}\0{sorted(file.headers.items())}\0{content}\n".encode())
    return digest.hexdigest()[:16]


def keys(bucket: str, prefix: str = "") -> Iterator[str]:
    """Keys of the bucket that begin with `prefix`."""
    pages: Any = boto3.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=bucket, Prefix=prefix):
        yield from (entry["Key"] for entry in page.get("Contents", ()))


def delete_versions(bucket: str, keep: set[str]) -> None:
    """Delete the files of all versions except those in `keep`."""
    s3 = boto3.client("s3")
    for key in [key for key in keys(bucket) if key.partition("/")[0] not in keep]:
        s3.delete_object(Bucket=bucket, Key=key)


def delete(stage: str) -> None:
    """Delete the stack and the files of the page."""
    bucket = stacks.resources(stack_name(stage)).get("SiteBucket")
    if bucket:
        buckets.empty(bucket)
    stacks.delete_stack(stack_name(stage))
