"""Requests for batches."""

from typing import Any

import pytest

from chalicelib.batches.request import parse_request
from chalicelib.errors import InvalidRequest
from chalicelib.tasks import load_task
from tests.models import TASK


@pytest.mark.parametrize(
    ("given", "kind", "source"),
    [
        ({"source": "archive/"}, "folder", "archive/"),
        ({"source": "archive/Müller 2019/"}, "folder", "archive/Müller 2019/"),
        ({"source": "archive/2019/list.csv"}, "list", "archive/2019/list.csv"),
        (
            {"source": "archive/inventory/2026/manifest.json"},
            "inventory",
            "archive/inventory/2026/manifest.json",
        ),
        ({"again": True}, "again", f"prepared/{TASK}/"),
    ],
)
def test_kind_follows_from_the_source(given: Any, kind: str, source: str) -> None:
    request = parse_request({"task": TASK, **given}, load_task(TASK))

    assert (request.kind, request.source, request.concurrency, request.dry_run) == (kind, source, 4, False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "either 'source'"),
        ({"source": "archive/", "again": True}, "either 'source'"),
        ({"source": ""}, "either 'source'"),
        ({"source": "inbox/"}, "must be in archive/"),
        ({"source": "archive/a.png"}, "must be in archive/"),
        ({"source": "archives/"}, "must be in archive/"),
        ({"source": "archive/", "concurrency": 0}, "'concurrency'"),
        ({"source": "archive/", "concurrency": True}, "'concurrency'"),
        ({"source": "archive/", "concurrency": 101}, "'concurrency'"),
        ({"source": "archive/", "sauce": 1}, "'sauce'"),
        ({"source": 3}, "'source' must be a string"),
        ({"again": "yes"}, "'again' must be true or false"),
    ],
)
def test_requests_without_sense_are_refused(given: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        parse_request({"task": TASK, **given}, load_task(TASK))
