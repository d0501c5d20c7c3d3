"""An image gets the same result over every channel."""

import csv
from pathlib import Path
from typing import Any

from tests.stack.client import TASK, Client

ANSWER = ("task", "status", "label", "probability", "probabilities", "needs_review", "reasons", "source")


def one_of_each_class(data_set: Path) -> list[Path]:
    """A real image of every class of the task."""
    folder = data_set / TASK
    with (folder / "manifest.csv").open() as manifest:
        images = {row["class"]: folder / row["path"] for row in csv.DictReader(manifest)}
    return list(images.values())


def test_result_is_the_same_for_api_upload_and_drop_folder(client: Client, data_set: Path) -> None:
    for image in one_of_each_class(data_set):
        content = image.read_bytes()
        content_type = "image/png" if image.suffix == ".png" else "image/jpeg"

        direct = client.api("POST", f"/api/tasks/{TASK}/classify", content, Content_Type=content_type).json

        upload = client.open_upload(content, content_type)
        assert client.post_form(upload["upload"], content).status == 204
        uploaded = client.result(upload["id"])

        known = client.ids()
        client.drop(f"{TASK}/every channel/{image.name}", content)
        (dropped,) = client.finished(1, known)
        dropped = client.result(dropped["id"])

        assert direct["status"] == "classified"
        assert [result["arrival"] for result in (direct, uploaded, dropped)] == [
            "api",
            "upload",
            "drop-folder",
        ]
        assert answer(direct) == answer(uploaded) == answer(dropped)
        assert direct["heatmap"] == uploaded["heatmap"] == dropped["heatmap"]


def answer(result: dict[str, Any]) -> dict[str, Any]:
    """The members of a result that must not depend on the channel."""
    return {name: result[name] for name in ANSWER}
