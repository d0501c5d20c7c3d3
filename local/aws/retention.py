"""What the emulator forgets: it would keep in memory whatever it has ever been given.

Objects of S3 are on disk, but ministack holds the content of every version in memory besides. CloudWatch Logs
gets a stream for each invocation of a Lambda, and each line twice that is sent to it.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch_logs, lambda_svc, s3

from local.aws import patching

STREAMS_PER_GROUP = 1000
EVENTS_PER_STREAM = 10_000
LOG_RECORDS = 10_000


def install() -> None:
    """Keep contents on disk only, and no more than the newest of what is logged."""
    patching.wrap(s3, "_persist_object", _dropping_contents)
    patching.wrap(lambda_svc, "_emit_lambda_logs", _dropping_streams)
    patching.wrap(cloudwatch_logs, "_append_log_events", _dropping_events)


def _dropping_contents(persist: Callable[..., None]) -> Callable[..., None]:
    def persist_object(bucket: str, key: str, record: Any) -> None:
        persist(bucket, key, record)
        if record.get("body") is not None:  # it could not be written
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
        while len(streams) > STREAMS_PER_GROUP:
            streams.pop(next(iter(streams)), None)

    return emit_lambda_logs


def _dropping_events(append: Callable[..., None]) -> Callable[..., None]:
    def append_log_events(stream: dict[str, Any], events: list[Any]) -> None:
        append(stream, events)
        del stream["events"][:-EVENTS_PER_STREAM]
        records = cloudwatch_logs._log_records._data
        while len(records) > LOG_RECORDS:
            records.pop(next(iter(records)), None)

    return append_log_events
