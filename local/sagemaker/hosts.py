"""The hosts of a job: processes on this machine. Several have addresses of the loopback device."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

ONLY = "algo-1"
"""The name of the host of a job on one instance."""
MAX_HOSTS = 8
"""More would not fit on this machine."""


def names(job: str, count: int) -> list[str]:
    """The hosts of a job: SageMaker's names resolve in its containers only, so several are addresses."""
    if count == 1:
        return [ONLY]
    number = zlib.crc32(job.encode())
    return [f"127.{1 + number % 250}.{number // 250 % 250}.{host}" for host in range(1, count + 1)]


def description(current: str, hosts: Sequence[str]) -> dict[str, Any]:
    """What resourceconfig.json says to a host of any job."""
    return {"current_host": current, "hosts": list(hosts)}


def shard(items: list[Any], source: Mapping[str, Any], number: int, hosts: int) -> list[Any]:
    """The objects of a data source that the host with this number gets."""
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    return items[number::hosts] if sharded else items
