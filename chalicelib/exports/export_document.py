"""What the API says about an export."""

from typing import Any, Literal, TypedDict

from chalicelib.exports.request import FileFormat

Status = Literal["running", "finished", "failed", "stopped"]
Step = Literal["reading", "writing"]


class Export(TypedDict):
    """An export of results."""

    name: str
    format: FileFormat
    filters: dict[str, Any]
    """Those that were given, by the names of the parameters; also `task` if the user may see only one."""
    status: Status
    step: Step | None
    """What a running export does: DynamoDB copies its table to the bucket (`reading`), or the file is written
    from that copy (`writing`). Null if it does not run."""
    started_at: str
    ended_at: str | None
    rows: int | None
    """Of the file; null until there is one."""
    bytes: int | None
    """The same."""


class FollowedExport(Export):
    """An export of results, with its file."""

    url: str | None
    """A link to the file that is valid for a quarter of an hour; null until there is one."""
