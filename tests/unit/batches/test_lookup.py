"""Keys of inventories, and the files that they name; test_part.py looks up those of folders and lists."""

import pytest

from chalicelib.pipeline.pipeline import Pipeline
from tests import images
from tests.unit.batches.test_part import archived, codes, counts, run

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("ward 1/é+%41.png", "ward+1/%C3%A9%2B%2541.png"),
        ("ward 1/é+%41.png", "ward%201%2F%C3%A9%2B%2541.png"),
        ("a%20b+c.png", "a%20b+c.png"),
    ],
)
def test_keys_of_inventories_are_encoded_as_in_urls(pipeline: Pipeline, name: str, listed: str) -> None:
    """If Step Functions decodes them, they are taken as they are."""
    item = archived(name, images.grey_file())

    found = run(pipeline, {"Bucket": "b", "Key": f"archive/{listed}", "Size": "9"}, kind="inventory")

    assert (counts(found), codes(found)) == ({"classified": 1}, [])
    # It is the image that a list of the folder names.
    assert counts(run(pipeline, item)) == {"classified": 1}
    assert len(pipeline.table.page()[0]) == 1


def test_keys_of_folders_and_lists_are_not_decoded(pipeline: Pipeline) -> None:
    archived("a b.png", images.grey_file())

    assert codes(run(pipeline, {"Key": "archive/a+b.png"}, kind="list")) == ["FileRemoved"]


def test_earlier_versions_in_inventories_are_skipped(pipeline: Pipeline) -> None:
    key = archived("a.png", images.grey_file())["Key"]
    rows = [
        {"Key": key, "IsLatest": "true", "IsDeleteMarker": "false"},
        {"Key": key, "IsLatest": "false", "IsDeleteMarker": "false"},
        {"Key": "archive/b.png", "IsLatest": "true", "IsDeleteMarker": "true"},
    ]

    assert counts(run(pipeline, *rows, kind="inventory")) == {"classified": 1, "skipped": 2}
