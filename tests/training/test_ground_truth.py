"""Labels from SageMaker Ground Truth."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.training.trees import classes, groups, list_data, write_tree
from training.errors import TrainingError

CLASSES = ("left-cc", "right-cc", "not-a-mammogram")


def manifest_line(path: str, class_name: str | None, confidence: float = 0.9, **more: Any) -> str:
    """A line of an output manifest; without a class, that of an image on which the job failed."""
    metadata: dict[str, Any] = {
        "confidence": confidence,
        "job-name": "labeling-job/views",
        "human-annotated": "yes",
        "creation-date": "2020-02-01T14:48:04.189444",
        "type": "groundtruth/image-classification",
    }
    if class_name is None:
        metadata = {"failure-reason": "ClientError: the image is too large"}
    else:
        metadata["class-name"] = class_name
    return json.dumps({"source-ref": path, "views": 0, "views-metadata": metadata, **more})


def write_manifest(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_output_manifest_in_a_folder_labels_its_images(tmp_path: Path) -> None:
    """The class names and empty lines are those of the AWS workshop's manifest."""
    write_tree(tmp_path, ["a b+.png", "ü.png", "c.png"])
    write_manifest(
        tmp_path / "output.manifest",
        manifest_line("a b+.png", "Right-CC"),
        "",
        manifest_line("ü.png", "Left CC", 0.75),
        manifest_line("c.png", "Not a mammography"),
    )

    listing = list_data(tmp_path, CLASSES, "mammography-views")

    assert classes(listing, CLASSES) == {
        "a b+.png": "right-cc",
        "ü.png": "left-cc",
        "c.png": "not-a-mammogram",
    }
    assert dict(listing.records[0].attributes)["human-annotated"] == "yes"


def test_manifest_file_can_be_the_location(tmp_path: Path) -> None:
    write_tree(tmp_path, ["images/a.png"])
    manifest = write_manifest(
        tmp_path / "labels.jsonl", manifest_line("images/a.png", "left-cc", group="p1", split="test")
    )

    listing = list_data(manifest, CLASSES)

    assert groups(listing) == {"images/a.png": "p1"}
    assert listing.records[0].given == "test"


def test_labels_with_low_confidence_and_failures_are_left_out(tmp_path: Path) -> None:
    write_tree(tmp_path, ["a.png", "b.png", "c.png"])
    manifest = write_manifest(
        tmp_path / "output.manifest",
        manifest_line("a.png", "left-cc", 0.95),
        manifest_line("b.png", "left-cc", 0.94),
        manifest_line("c.png", None),
    )

    listing = list_data(manifest, CLASSES, min_confidence=0.95)

    assert classes(listing, CLASSES) == {"a.png": "left-cc"}
    assert listing.left_out == {"unsure": ("b.png",), "unlabelled": ("c.png",)}


def test_labels_add_to_a_folder_and_correct_it(tmp_path: Path) -> None:
    folder = write_tree(
        tmp_path / "data", ["left-cc/a.png", "left-cc/b.png", "right-cc/c.png", "later/d.png"]
    )
    write_tree(tmp_path / "labels", ["e.png"])
    manifest = write_manifest(
        tmp_path / "labels" / "output.manifest",
        manifest_line(str(folder / "left-cc/a.png"), "right-cc", group="p1"),
        manifest_line(str(folder / "left-cc/b.png"), None),
        manifest_line(str(folder / "later/d.png"), "left-cc"),
        manifest_line("e.png", "not-a-mammogram"),
    )

    listing = list_data(folder, CLASSES, labels=manifest)

    assert classes(listing, CLASSES) == {
        "left-cc/a.png": "right-cc",
        "left-cc/b.png": "left-cc",
        "right-cc/c.png": "right-cc",
        "later/d.png": "left-cc",
        str(tmp_path / "labels" / "e.png"): "not-a-mammogram",
    }
    assert groups(listing)["left-cc/a.png"] == "p1"
    assert listing.left_out == {}


def test_manifest_and_images_can_be_in_different_buckets(s3: Any) -> None:
    first = manifest_line("s3://films/raw/a b+.png", "left-cc")
    second = manifest_line("s3://other/ü.png", "right-cc")
    text = f"{first}\n{second}\n"
    s3.put_object(Bucket="films", Key="job/output.manifest", Body=text.encode())
    s3.put_object(Bucket="films", Key="raw/left-cc/c.png", Body=b"")

    alone = list_data("s3://films/job/output.manifest", CLASSES, client=s3)
    together = list_data("s3://films/raw", CLASSES, labels="s3://films/job/output.manifest", client=s3)

    assert classes(alone, CLASSES) == {"s3://films/raw/a b+.png": "left-cc", "s3://other/ü.png": "right-cc"}
    assert classes(together, CLASSES) == {
        "a b+.png": "left-cc",
        "left-cc/c.png": "left-cc",
        "s3://other/ü.png": "right-cc",
    }


def test_relative_paths_are_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path, ["data/left-cc/a.png", "data/right-cc/b.png", "labels/e.png"])
    write_manifest(
        tmp_path / "labels/x.manifest",
        manifest_line("../data/left-cc/a.png", "left-cc"),
        manifest_line("e.png", "left-cc"),
    )
    monkeypatch.chdir(tmp_path)

    listing = list_data("./data/", CLASSES, labels="labels/x.manifest")

    assert str(tmp_path / "labels/e.png") in classes(listing, CLASSES)
    assert len(listing.records) == 4


def test_newest_label_of_chained_jobs_counts(tmp_path: Path) -> None:
    write_tree(tmp_path, ["a.png"])
    adjusted = {
        "class-name": "right-cc",
        "creation-date": "2021-01-01T00:00:00",
        "type": "groundtruth/image-classification",
    }
    text = json.dumps(
        json.loads(manifest_line("a.png", "left-cc")) | {"again": 1, "again-metadata": adjusted}
    )
    manifest = write_manifest(tmp_path / "output.manifest", text)

    assert classes(list_data(manifest, CLASSES), CLASSES) == {"a.png": "right-cc"}


def test_newest_of_several_labels_of_an_image_counts(tmp_path: Path) -> None:
    """Wherever it is among the lines; an image on which a later job failed keeps its label."""
    folder = write_tree(tmp_path / "data", ["left-cc/a.png", "left-cc/b.png", "right-cc/c.png"])
    newer = manifest_line("data/left-cc/a.png", "right-cc").replace("2020-", "2021-")
    manifest = write_manifest(
        tmp_path / "reviews.manifest",
        newer,
        manifest_line("data/left-cc/a.png", "left-cc"),
        manifest_line("data/left-cc/b.png", "right-cc"),
        manifest_line("data/left-cc/b.png", None),
    )

    listing = list_data(folder, CLASSES, labels=manifest)

    assert set(classes(listing, CLASSES).values()) == {"right-cc"}


def test_group_can_be_null_or_a_number(tmp_path: Path) -> None:
    write_tree(tmp_path, ["a.png", "b.png", "c.png", "d.png"])
    manifest = write_manifest(
        tmp_path / "output.manifest",
        manifest_line("a.png", "left-cc", group=None, split=None),
        manifest_line("b.png", "left-cc", group=None),
        manifest_line("c.png", "left-cc", group=7),
        manifest_line("d.png", "left-cc", group="7 "),
    )

    found = groups(list_data(manifest, CLASSES))

    assert found == {"a.png": "a.png", "b.png": "b.png", "c.png": "7", "d.png": "7"}


BOXES = {"class-name": "x", "type": "groundtruth/object-detection"}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ('{"source-ref": "a.png",', r"output\.manifest, line 2: this is not JSON"),
        ('["a.png"]', "line 2: a JSON object is expected"),
        ('{"views": 0}', "line 2: 'source-ref' is missing"),
        ('{"source-ref": "a.png"}', "line 2: there is no label.*input manifest"),
        (json.dumps({"source-ref": "a.png", "b-metadata": BOXES}), "line 2: 'b' is of type .*detection"),
        (
            '{"source-ref": "a.png", "v": 0, "v-metadata": {}}',
            "line 2: the metadata of 'v' have no 'class-name'",
        ),
        (
            manifest_line("a.png", "left-cc").replace("0.9", '"high"'),
            "line 2: the confidence of 'views' is 'high'",
        ),
        (manifest_line("a.png", "left-cc").replace("0.9", "NaN"), "the confidence of 'views' is nan"),
        (manifest_line("a.png", "left-cc").replace('"left-cc"', "3"), "the 'class-name' of 'views' is 3"),
        (manifest_line("a.png", "left-cc").replace('"left-cc"', '["x"]'), "'views' is \\['x'\\], not a text"),
        (manifest_line("a.png", "left-cc", split="tset"), "line 2: the split 'tset' is not one of train"),
        (manifest_line("a.png", "spine"), "the class 'spine', which the task does not have"),
        (manifest_line("z.png", "left-cc"), r"1 of 2 files .* do not exist, for example 'z\.png'"),
    ],
)
def test_invalid_lines_are_reported_with_file_and_line(tmp_path: Path, bad: str, message: str) -> None:
    write_tree(tmp_path, ["a.png"])
    manifest = write_manifest(tmp_path / "output.manifest", manifest_line("a.png", "left-cc"), bad)

    with pytest.raises(TrainingError, match=message):
        list_data(manifest, CLASSES)
