"""Labelled images in several folders or buckets are one data set."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from chalicelib.tasks import Task
from tests.training.samples import write_images, write_manifest
from tests.training.trees import classes, groups, list_data, write_tree
from training.arguments import parse_arguments
from training.data.files import write_files
from training.data.parts import PARTS
from training.data.preparation import PreparedData, prepare_data
from training.errors import TrainingError

CLASSES = ("healthy", "ill")


@pytest.fixture
def homes(tmp_path: Path, task: Task) -> tuple[Path, Path]:
    """Two folders with manifests; each has one of the two images of every patient."""
    first = write_images(tmp_path / "first", task.class_names)
    second = tmp_path / "second"
    for path in sorted(first.glob("*/*-1.png")):
        target = second / path.relative_to(first)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    for folder in (first, second):
        write_manifest(folder)
    return first, second


def prepare(data: Any, task: Task, tmp_path: Path, **how: Any) -> PreparedData:
    (tmp_path / "place").mkdir(exist_ok=True)
    return prepare_data(data, "undescribed", task, 0, tmp_path / "place", **how)


def test_a_patient_in_two_folders_is_in_one_part(
    homes: tuple[Path, Path], small_task: Task, tmp_path: Path
) -> None:
    data = prepare(homes, small_task, tmp_path)

    assert len(data.records) == 120
    assert set(Counter(record.group for record in data.records).values()) == {2}
    members = [set(data.groups(part)) for part in PARTS]
    assert sum(map(len, members)) == len(set().union(*members)) == 60
    assert data.how == "first: manifest.csv; second: manifest.csv"


def test_fingerprint_is_independent_of_the_order_and_the_place_of_the_folders(
    homes: tuple[Path, Path], small_task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = prepare(homes, small_task, tmp_path)

    turned = prepare(homes[::-1], small_task, tmp_path)
    monkeypatch.chdir(homes[0])
    relative = prepare([".", "../first/../second"], small_task, tmp_path)

    assert turned.fingerprint == relative.fingerprint == data.fingerprint
    assert turned.records == relative.records == data.records


def test_copies_and_contradictions_are_found_across_folders(
    homes: tuple[Path, Path], small_task: Task, tmp_path: Path
) -> None:
    first, second = homes
    one, other = small_task.class_names[:2]
    shutil.copy(first / one / "p00-0.png", second / one / "p07-3.png")
    shutil.copy(first / one / "p01-0.png", second / other / "p08-3.png")
    write_manifest(second)

    data = prepare(homes, small_task, tmp_path)

    assert data.left_out["copies"] == (f"second/{one}/p07-3.png",)
    assert data.left_out["contradictions"] == (f"first/{one}/p01-0.png", f"second/{other}/p08-3.png")
    # The copy tells that two names are those of one patient.
    group_of = {record.path: record.group for record in data.records}
    assert group_of[f"second/{one}/p07-1.png"] == group_of[f"first/{one}/p00-0.png"] == f"{one}-p00"


def test_files_with_the_same_name_are_different_images(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_tree(tmp_path / name, ["healthy/1.png", "ill/1.png"])

    listing = list_data((tmp_path / "a", tmp_path / "b"), CLASSES)

    assert classes(listing, CLASSES) == {
        "a/healthy/1.png": "healthy",
        "a/ill/1.png": "ill",
        "b/healthy/1.png": "healthy",
        "b/ill/1.png": "ill",
    }
    assert set(groups(listing).values()) == set(groups(listing))
    assert listing.folder == str(tmp_path)


def test_each_folder_has_its_own_layout(tmp_path: Path) -> None:
    write_tree(tmp_path / "a", ["x.png"])
    (tmp_path / "a" / "manifest.csv").write_text("path,class,group\nx.png,ill,p\n", encoding="utf-8")
    write_tree(tmp_path / "b" / "c", ["train/healthy/x.png", "notes.txt"])

    listing = list_data((tmp_path / "a", tmp_path / "b" / "c"), CLASSES)

    assert classes(listing, CLASSES) == {"a/x.png": "ill", "b/c/train/healthy/x.png": "healthy"}
    assert listing.left_out == {"not_images": ("b/c/notes.txt",)}
    assert listing.how.startswith("a: manifest.csv; b/c: one folder per class")


def test_review_corrects_an_image_in_any_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_tree(tmp_path / name, ["healthy/1.png", "ill/2.png"])
    line = {
        "source-ref": str(tmp_path / "b" / "healthy" / "1.png"),
        "label": 1,
        "label-metadata": {"class-name": "ill", "type": "groundtruth/image-classification"},
    }
    labels = tmp_path / "reviews.manifest"
    labels.write_text(json.dumps(line) + "\n", encoding="utf-8")

    listing = list_data((tmp_path / "a", tmp_path / "b"), CLASSES, labels=labels)

    assert classes(listing, CLASSES)["b/healthy/1.png"] == "ill"
    assert classes(listing, CLASSES)["a/healthy/1.png"] == "healthy"


def test_manifests_of_two_labelling_jobs_in_one_folder_are_one_data_set(tmp_path: Path) -> None:
    write_tree(tmp_path, ["1.png", "2.png"])
    for number, name in enumerate(CLASSES, 1):
        line = {"source-ref": f"{number}.png", "x": 1, "x-metadata": {"class-name": name}}
        (tmp_path / f"job-{number}.manifest").write_text(json.dumps(line) + "\n", encoding="utf-8")

    listing = list_data((tmp_path / "job-1.manifest", tmp_path / "job-2.manifest"), CLASSES)

    assert classes(listing, CLASSES) == {"1.png": "healthy", "2.png": "ill"}


@pytest.mark.parametrize(
    ("second", "path"),
    [("s3://films/more", "more/ill/x//2.png"), ("s3://other/more", "s3://other/more/ill/x//2.png")],
)
def test_prefixes_of_one_or_several_buckets_are_one_data_set(s3: Any, second: str, path: str) -> None:
    s3.create_bucket(Bucket="other")
    s3.put_object(Bucket="films", Key="some/healthy/1.png", Body=b"1")
    bucket, _, prefix = second.removeprefix("s3://").partition("/")
    s3.put_object(Bucket=bucket, Key=f"{prefix}/ill/x//2.png", Body=b"2")

    listing = list_data(("s3://films/some/", second), CLASSES, client=s3)

    first = "some/healthy/1.png" if bucket == "films" else "healthy/1.png"
    assert classes(listing, CLASSES) == {first: "healthy", path: "ill"}


def test_images_in_two_buckets_are_read_and_the_manifest_has_their_addresses(
    homes: tuple[Path, Path], small_task: Task, tmp_path: Path, s3: Any
) -> None:
    s3.create_bucket(Bucket="other")
    for folder, bucket in zip(homes, ("films", "other"), strict=True):
        for file in folder.rglob("*.*"):
            s3.upload_file(str(file), bucket, f"data/{file.relative_to(folder).as_posix()}")
    here = prepare(homes, small_task, tmp_path)

    there = prepare(["s3://films/data", "s3://other/data"], small_task, tmp_path, client=s3)

    assert there.fingerprint == here.fingerprint
    write_files(there, tmp_path / "report")
    lines = (tmp_path / "report" / "manifest.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert {line.split("/data/")[0] for line in lines} == {"s3://films", "s3://other"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a", "a"), "named twice"),
        (("a", "a/healthy"), r"a/healthy' is in '.*a', which is data as well"),
        (("a", "s3://films/a"), "either all on disk or all in S3"),
        (("s3://films/a", "s3://films/a/b"), "would be read twice"),
    ],
)
def test_folders_that_are_no_separate_data_are_rejected(
    tmp_path: Path, names: tuple[str, str], message: str
) -> None:
    write_tree(tmp_path / "a", ["healthy/1.png"])
    places = [name if name.startswith("s3:") else tmp_path / name for name in names]

    with pytest.raises(TrainingError, match=message):
        list_data(places, CLASSES)


def test_missing_folder_among_several_is_named(tmp_path: Path) -> None:
    write_tree(tmp_path / "a", ["healthy/1.png"])

    with pytest.raises(TrainingError, match=r"There is no data folder '.*nowhere'"):
        list_data((tmp_path / "a", tmp_path / "nowhere"), CLASSES)


def test_command_line_takes_several_folders() -> None:
    words = ["--task", "breast-histology", "--data", "one", "s3://two/more", "--epochs", "3"]

    arguments = parse_arguments(words)

    assert arguments.data == ("one", "s3://two/more")
    assert arguments.parameters.epochs == 3
