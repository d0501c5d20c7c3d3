"""Limits on what the emulator keeps in memory.

ministack keeps the content of every S3 object version in memory although it is on disk, and every log stream
and event for ever: one stream per Lambda invocation, each event twice. Each patch can go when the memory
limit of `make soak` holds without it.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch_logs, lambda_svc, s3

from local.aws import patching

MAX_STREAMS_PER_GROUP = 1000
MAX_EVENTS_PER_STREAM = 10_000
MAX_LOG_RECORDS = 10_000


def install() -> None:
    """Keep object contents on disk only, and only the newest log streams and events."""
    patching.wrap(s3, "_persist_object", _dropping_contents)
    patching.wrap(lambda_svc, "_emit_lambda_logs", _dropping_streams)
    patching.wrap(cloudwatch_logs, "_append_log_events", _dropping_events)


def _dropping_contents(persist: Callable[..., None]) -> Callable[..., None]:
    def persist_object(bucket: str, key: str, record: Any) -> None:
        persist(bucket, key, record)
        if record.get("body") is not None:  # it could not be written to disk
            return
        for version in s3._object_versions.get((bucket, key)) or ():
            is_current = version["version_id"] == (record.get("version_id") or "null")
            if is_current or s3._version_file_exists(bucket, key, version["version_id"]):
                version["data"] = None

    return persist_object


def _dropping_streams(emit: Callable[..., None]) -> Callable[..., None]:
    def emit_lambda_logs(function: dict[str, Any], *rest: Any, **more: Any) -> None:
        emit(function, *rest, **more)
        config = function.get("config") or function
        group = cloudwatch_logs._log_groups.get(f"/aws/lambda/{config['FunctionName']}")
        streams = group["streams"] if group else {}
        while len(streams) > MAX_STREAMS_PER_GROUP:
            streams.pop(next(iter(streams)), None)

    return emit_lambda_logs


def _dropping_events(append: Callable[..., None]) -> Callable[..., None]:
    def append_log_events(stream: dict[str, Any], events: list[Any]) -> None:
        append(stream, events)
        del stream["events"][:-MAX_EVENTS_PER_STREAM]
        records = cloudwatch_logs._log_records._data
        while len(records) > MAX_LOG_RECORDS:
            records.pop(next(iter(records)), None)

    return append_log_events
