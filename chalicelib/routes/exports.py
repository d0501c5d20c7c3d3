"""Routes of exports of any size."""

from typing import cast

from chalicelib import dependencies
from chalicelib.api import queries, schemas
from chalicelib.api.http import api
from chalicelib.errors import ExportsNotDeployed, UnknownTask
from chalicelib.exports.export_document import Export, FollowedExport
from chalicelib.exports.request import ExportRequest, FileFormat


@api.post("/exports", costly=True, query=queries.EXPORT, status=201, errors=(UnknownTask, ExportsNotDeployed))
def start_export() -> Export:
    """Start an export of any number of results to one file, CSV or Parquet.

    It takes some minutes; GET /exports/{export} follows it and has the file. Rows are not sorted. Two exports
    of a user can run at the same time.
    """
    wanted = queries.exported(api.query, api.groups)
    kind = cast(FileFormat, queries.FILE_FORMAT.read(api.query))
    return dependencies.exports().start(ExportRequest(wanted, kind), api.user)


@api.get("/exports")
def list_exports() -> schemas.Exports:
    """List one's own exports, newest first, at most 20.

    They are deleted after seven days.
    """
    return {"exports": dependencies.exports().list(api.user)}


@api.get("/exports/{export}")
def follow_export(export: str) -> FollowedExport:
    """Get one of one's own exports: its progress, and a link to its file."""
    return dependencies.exports().follow(export, api.user)


@api.post("/exports/{export}/stop")
def stop_export(export: str) -> Export:
    """Stop one of one's own exports. One that has ended stays as it is."""
    return dependencies.exports().stop(export, api.user)
