"""Preparation: arrays are equal to those of serving, and left-out images are counted."""

import csv
import json
import pickle
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chalicelib.imaging import prepare
from chalicelib.tasks import Task
from tests.training.samples import write_manifest
from training.core.hosts import Hosts
from training.data.files import write_arrays, write_files
from training.data.files import write_manifest as prepared_manifest
from training.data.manifest import read_parts
from training.data.parts import PARTS
from training.data.pixels import PixelView
from training.data.preparation import PreparedData, prepare_data, prepare_evaluation_data
from training.data.report import render_summary
from training.data.storage import Storage
from training.errors import TrainingError

Edit = Callable[[Path], object]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Folder for the arrays."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def prepare_folder(folder: str | Path, task: Task, place: Path, **how: Any) -> PreparedData:
    return prepare_data(folder, "undescribed", task, 0, place, **how)


def prepare_with_manifest(folder: Path, task: Task, place: Path, home: Path) -> tuple[PreparedData, Path]:
    """The prepared data, and the manifest.csv of the preparation."""
    data = prepare_folder(folder, task, place)
    write_files(data, home / "report")
    return data, home / "report" / "manifest.csv"


def mark_as_test(folder: Path, patients: Sequence[str]) -> None:
    """Rewrite the manifest so that these patients of every class are its test part."""
    manifest = folder / "manifest.csv"
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "class", "group", "split"))
        for row in rows:
            part = "test" if row["group"][-3:] in patients else "train"
            writer.writerow((row["path"], row["class"], row["group"], part))


def test_preparation_produces_the_arrays_of_serving(data_folder: Path, task: Task, place: Path) -> None:
    data = prepare_folder(data_folder, task, place)

    for record, pixels in zip(data.records, data.pixels[:], strict=True):
        served = prepare((data_folder / record.path).read_bytes(), task.input).pixels
        assert np.array_equal(pixels, served)


def test_parts_hold_the_images_and_labels_of_their_records(
    data_folder: Path, small_task: Task, place: Path
) -> None:
    write_manifest(data_folder)
    data = prepare_folder(data_folder, small_task, place)

    for part, members in data.parts.items():
        images = data.labelled(part)
        assert images.pixels.shape == (len(members), 1, 64, 40)
        assert np.array_equal(images.pixels[:], data.pixels[:][members])
        assert images.labels.tolist() == [data.records[index].label for index in members]
        assert data.groups(part) == [data.records[index].group for index in members]


def test_view_reads_only_indexed_images() -> None:
    images = np.arange(10 * 4, dtype=np.uint8).reshape(10, 1, 2, 2)
    view = PixelView(images, np.array([7, 2, 2, 9])).view([3, 0, 1])

    assert len(view) == 3
    assert view.shape == (3, 1, 2, 2)
    assert np.array_equal(view[:], images[[9, 7, 2]])
    assert np.array_equal(view[np.array([2, 0])], images[[2, 9]])
    view[:1][:] = 0
    assert images[9, 0, 0, 0] == 36


def test_damaged_image_is_left_out_and_counted(data_folder: Path, small_task: Task, place: Path) -> None:
    damaged = f"{small_task.class_names[0]}/p00-0.png"
    (data_folder / damaged).write_bytes(b"not an image")

    data = prepare_folder(data_folder, small_task, place)

    assert data.left_out["unreadable"] == (damaged,)
    assert "not an image" in data.problems[damaged]
    assert damaged not in {record.path for record in data.records}
    assert "1 left out because they cannot be read, 119 images used" in render_summary(data)


def test_object_that_was_deleted_since_the_listing_is_left_out(
    data_folder: Path, small_task: Task, place: Path, tmp_path: Path, s3: Any
) -> None:
    write_manifest(data_folder)
    upload(s3, data_folder)
    name = small_task.class_names[0]
    image, review = f"{name}/p00-0.png", "s3://films/prepared/x.npy"
    s3.delete_object(Bucket="films", Key=f"data/{image}")
    labels = write_reviews(tmp_path / "reviews.manifest", {review: name})

    data = prepare_folder("s3://films/data", small_task, place, client=s3, labels=labels)

    assert data.left_out["unreadable"] == (image, review)
    assert "NoSuchKey" in data.problems[image]
    assert len(data.records) == 119


def test_folder_of_other_files_is_rejected(data_folder: Path, small_task: Task, place: Path) -> None:
    for path in data_folder.glob("*/*.png"):
        path.write_bytes(b"text")

    with pytest.raises(TrainingError, match="120 of 120 files cannot be read"):
        prepare_folder(data_folder, small_task, place)


def test_undescribed_data_set_is_reported_as_such(data_folder: Path, small_task: Task, place: Path) -> None:
    source = prepare_folder(data_folder, small_task, place).source

    assert source.licence == source.citation == "not stated"
    assert "not described in training/data/datasets.toml" in source.notes[0]


def test_fingerprint_is_independent_of_place_and_order(
    data_folder: Path, small_task: Task, place: Path, tmp_path: Path
) -> None:
    name = small_task.class_names[0]
    shutil.copy(data_folder / name / "p00-0.png", data_folder / name / "p05-0.png")
    write_manifest(data_folder)
    first = prepare_folder(data_folder, small_task, place)
    moved = data_folder.rename(tmp_path / "moved")
    header, *lines = (moved / "manifest.csv").read_text(encoding="utf-8").splitlines()
    (moved / "manifest.csv").write_text("\n".join([header, *reversed(lines)]), encoding="utf-8")

    again = prepare_folder(moved, small_task, place)
    assert again.fingerprint == first.fingerprint
    assert again.records == first.records
    assert prepare_data(moved, "undescribed", small_task, 1, place).fingerprint != first.fingerprint


def upload(s3: Any, folder: Path) -> None:
    """Copy a data set to s3://films/data."""
    for path in folder.rglob("*.*"):
        s3.upload_file(str(path), "films", f"data/{path.relative_to(folder).as_posix()}")


def test_data_in_s3_equal_data_on_disk(data_folder: Path, small_task: Task, place: Path, s3: Any) -> None:
    odd = data_folder / small_task.class_names[0] / "p00-0.png"
    odd.rename(odd.with_name("p00-0 ü+(1).png"))
    write_manifest(data_folder)
    upload(s3, data_folder)

    here = prepare_folder(data_folder, small_task, place)
    there = prepare_folder("s3://films/data", small_task, place, client=s3)

    assert there.fingerprint == here.fingerprint
    assert there.records == here.records
    s3.delete_object(Bucket="films", Key="data/manifest.csv")
    folders = prepare_folder("s3://films/data", small_task, place, client=s3)
    assert folders.findings["ungrouped"] == folders.findings["used"] == 120


def test_listed_object_that_is_missing_is_reported(
    data_folder: Path, small_task: Task, place: Path, s3: Any
) -> None:
    write_manifest(data_folder)
    s3.upload_file(str(data_folder / "manifest.csv"), "films", "data/manifest.csv")

    with pytest.raises(TrainingError, match=r"'s3://films/data/.*\.png' cannot be read: .*NoSuchKey"):
        prepare_folder("s3://films/data", small_task, place, client=s3)


def test_given_test_part_is_kept_and_leaks_are_removed_from_the_rest(
    data_folder: Path, small_task: Task, place: Path
) -> None:
    first, second = small_task.class_names[:2]
    write_manifest(data_folder)
    # A byte-identical copy of a test image under another patient, and a patient in both parts.
    shutil.copy(data_folder / first / "p10-0.png", data_folder / first / "p05-0.png")
    mark_as_test(data_folder, ["p10", "p11"])
    manifest = data_folder / "manifest.csv"
    text = manifest.read_text(encoding="utf-8")
    shared = f"{second}/p11-1.png,{second},{second}-p11,"
    manifest.write_text(text.replace(f"{shared}test", f"{shared}train"), encoding="utf-8")

    data = prepare_folder(data_folder, small_task, place, test_split="given")

    given = data.given_split
    assert given is not None
    assert (given.test, given.rest) == (19, 101)
    assert (given.groups, given.of_shared_groups, given.copies) == (1, 1, 1)
    assert data.left_out["copies"] == (f"{first}/p05-0.png",)
    assert data.left_out["leaks"] == (f"{first}/p05-1.png", f"{second}/p11-1.png")
    assert {data.records[index].path for index in data.parts["test"]} == {
        record.path for record in data.records if record.given == "test"
    }
    assert len(data.parts["test"]) == 19
    assert "It is kept: 2 images were removed" in render_summary(data)


def test_near_duplicates_of_test_images_count_as_leaks(
    data_folder: Path, small_task: Task, place: Path
) -> None:
    name = small_task.class_names[0]
    write_manifest(data_folder)
    mark_as_test(data_folder, ["p00"])
    with (data_folder / "manifest.csv").open("a", encoding="utf-8") as file:
        for patient, part, seed in (
            ("x", "test", 99),
            ("y", "train", 99),
            ("z", "test", 98),
            ("u", "test", 98),
        ):
            write_scene(data_folder / name / f"{patient}.png", seed, noise=ord(patient))
            file.write(f"{name}/{patient}.png,{name},{patient},{part}\n")

    data = prepare_folder(data_folder, small_task, place, test_split="given", near_duplicates=0.985)

    assert data.given_split is not None
    assert data.given_split.similar == 1
    assert data.left_out["leaks"] == (f"{name}/y.png",)


def test_many_files_are_read_in_chunks_with_progress(
    data_folder: Path,
    small_task: Task,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = prepare_folder(data_folder, small_task, place)
    pixels = whole.pixels[:]
    assert "files; " not in capsys.readouterr().out
    monkeypatch.setattr("training.data.pixels.CHUNK", 50)
    monkeypatch.setattr("training.data.pixels.PRINT_EVERY", 0.0)

    parted = prepare_folder(data_folder, small_task, place)

    assert parted.fingerprint == whole.fingerprint
    assert np.array_equal(parted.pixels[:], pixels)
    said = capsys.readouterr().out
    assert [f"read {done} of 120 files" in said for done in (50, 100, 120)] == [True] * 3


def test_given_test_part_is_examined_even_if_it_is_not_used(
    data_folder: Path, small_task: Task, place: Path
) -> None:
    write_manifest(data_folder)
    mark_as_test(data_folder, ["p00"])

    data = prepare_folder(data_folder, small_task, place)

    assert (
        "tests on 10 images, which share no group (patient) and no image with the other 110"
        in render_summary(data)
    )
    assert "leaks" not in data.left_out
    assert len(data.parts["test"]) == 24


def test_missing_given_test_part_is_rejected(data_folder: Path, small_task: Task, place: Path) -> None:
    with pytest.raises(TrainingError, match=r"has no test part.*--test-split own"):
        prepare_folder(data_folder, small_task, place, test_split="given")


def write_scene(path: Path, seed: int, noise: int) -> None:
    """Write a scene that depends only on the seed, apart from the noise."""
    blocks = np.random.default_rng(seed).integers(30, 220, (8, 5)).repeat(8, 0).repeat(8, 1)
    grain = np.random.default_rng((seed, noise)).integers(0, 9, blocks.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((blocks + grain).astype(np.uint8)).save(path)


def test_near_duplicates_without_patients_form_a_group(tmp_path: Path, small_task: Task, place: Path) -> None:
    for number in range(100):
        name = small_task.class_names[number % 5]
        write_scene(
            tmp_path / "data" / name / f"{number}.png", seed=number // 10 * 5 + number % 5, noise=number
        )

    data = prepare_folder(tmp_path / "data", small_task, place, near_duplicates=0.95)

    pairs: dict[str, set[int]] = {}
    for record in data.records:
        pairs.setdefault(record.group, set()).add(int(Path(record.path).stem))
    assert len(pairs) == 50
    assert all(len(numbers) == 2 and max(numbers) - min(numbers) == 5 for numbers in pairs.values())
    assert data.findings["clustered"] == 100
    assert "ungrouped" not in data.findings


def test_near_duplicates_with_different_labels_are_left_out(
    data_folder: Path, small_task: Task, place: Path
) -> None:
    first, second = small_task.class_names[:2]
    for name, noise in ((first, 1), (second, 2)):
        write_scene(data_folder / name / "scene.png", seed=99, noise=noise)

    data = prepare_folder(data_folder, small_task, place, near_duplicates=0.9999)
    strict = prepare_folder(data_folder, small_task, place, near_duplicates=0.985)

    assert "near_contradictions" not in data.left_out
    assert strict.left_out["near_contradictions"] == tuple(sorted(f"{n}/scene.png" for n in (first, second)))
    assert strict.contradictions[0].correlation > 0.99
    assert strict.findings["used"] == 120


@pytest.mark.parametrize("threshold", [-0.1, 1.0, float("nan")])
def test_near_duplicate_threshold_must_be_a_correlation(
    data_folder: Path, small_task: Task, place: Path, threshold: float
) -> None:
    with pytest.raises(TrainingError, match="correlation from 0 to below 1"):
        prepare_folder(data_folder, small_task, place, near_duplicates=threshold)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda folder: shutil.rmtree(folder / "left-cc"), "holds no image of class 'left-cc'"),
        (
            lambda folder: [path.unlink() for path in sorted((folder / "left-cc").iterdir())[2:]],
            "Class 'left-cc' has images of 2 groups",
        ),
    ],
)
def test_errors_are_reported_before_images_are_read(
    data_folder: Path,
    small_task: Task,
    place: Path,
    edit: Edit,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    edit(data_folder)
    monkeypatch.setattr("training.data.preparation.prepare_images", None)

    with pytest.raises(TrainingError, match=message):
        prepare_folder(data_folder, small_task, place)


def test_evaluation_accepts_any_labelled_images(data_folder: Path, small_task: Task, place: Path) -> None:
    absent, *others = small_task.class_names
    shutil.rmtree(data_folder / absent)
    shutil.copy(data_folder / others[0] / "p00-0.png", data_folder / others[0] / "copy.png")
    write_manifest(data_folder)

    data = prepare_evaluation_data(data_folder, "undescribed", small_task, place)

    assert data.findings["copies"] == 1
    assert len(data.records) == len(data.digests) == len(data.groups) == len(data.labelled.labels) == 96
    assert data.labelled.pixels.shape == (96, 1, 64, 40)
    assert 0 not in data.labelled.labels
    assert data.folder == str(data_folder)
    served = prepare((data_folder / data.records[5].path).read_bytes(), small_task.input).pixels
    assert np.array_equal(data.labelled.pixels[5:6][0], served)


def test_evaluation_without_any_image_is_rejected(tmp_path: Path, small_task: Task, place: Path) -> None:
    (tmp_path / "manifest.csv").write_text("path,class\n", encoding="utf-8")

    with pytest.raises(TrainingError, match="holds no image of any class"):
        prepare_evaluation_data(tmp_path, "undescribed", small_task, place)


def test_growing_data_set_keeps_its_split(
    data_folder: Path, small_task: Task, place: Path, tmp_path: Path
) -> None:
    name = small_task.class_names[0]
    write_manifest(data_folder)
    before, manifest = prepare_with_manifest(data_folder, small_task, place, tmp_path)
    tested = before.records[before.parts["test"][0]]
    with (data_folder / "manifest.csv").open("a", encoding="utf-8") as file:
        # A new file of a test patient, and files of new patients; below, a corrected label.
        for number, patient in enumerate([tested.group, *(f"new-{number}" for number in range(20))]):
            write_scene(data_folder / name / f"more-{number}.png", number, noise=0)
            file.write(f"{name}/more-{number}.png,{name},{patient}\n")
    relabel(data_folder, tested.path, small_task.class_names[1])

    after = prepare_folder(data_folder, small_task, place, earlier=manifest)

    was, is_ = (
        {data.digests[index]: part for part, members in data.parts.items() for index in members}
        for data in (before, after)
    )
    assert all(is_[digest] == part for digest, part in was.items())
    parts = {after.records[index].path: part for part in PARTS for index in after.parts[part]}
    assert parts[f"{name}/more-0.png"] == "test"
    assert {parts[f"{name}/more-{number}.png"] for number in range(1, 21)} >= {"train", "test"}
    labels = {record.path: record.label for record in after.records}
    assert labels[tested.path] == 1
    assert "parts of earlier images from" in after.how


def test_prepared_manifest_reproduces_the_data(
    data_folder: Path, small_task: Task, place: Path, tmp_path: Path
) -> None:
    write_manifest(data_folder)
    first, manifest = prepare_with_manifest(data_folder, small_task, place, tmp_path)
    shutil.copy(manifest, data_folder)

    again = prepare_folder(data_folder, small_task, place, test_split="fixed")

    assert again.parts == first.parts
    assert again.fingerprint == first.fingerprint
    assert "It is kept: 0 images were removed" in render_summary(again)


def test_manifest_of_images_in_s3_can_be_used_from_anywhere(
    data_folder: Path, small_task: Task, place: Path, tmp_path: Path, s3: Any
) -> None:
    write_manifest(data_folder)
    upload(s3, data_folder)
    first = prepare_folder("s3://films/data", small_task, place, client=s3)
    manifest = tmp_path / "manifest.csv"
    prepared_manifest(first, manifest)
    s3.upload_file(str(manifest), "films", "runs/1/manifest.csv")

    again = prepare_folder("s3://films/runs/1", small_task, place, client=s3, test_split="fixed")

    assert again.fingerprint == first.fingerprint
    assert [len(again.parts[part]) for part in PARTS] == [len(first.parts[part]) for part in PARTS]


def test_earlier_parts_need_the_manifest_of_a_preparation(
    data_folder: Path, small_task: Task, place: Path
) -> None:
    write_manifest(data_folder)

    with pytest.raises(TrainingError, match=r"has no column 'sha256': it was not written by a preparation"):
        prepare_folder(data_folder, small_task, place, earlier=data_folder / "manifest.csv")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a.png,1.2E+05,train", r"manifest\.csv, line 2: .*'1\.2E\+05'.* are not hexadecimal digests"),
        ('"a.png,ab,train', "is not valid CSV"),
        ("a.png", "line 2: '' is not a part"),
    ],
)
def test_damaged_manifest_of_a_preparation_is_rejected(tmp_path: Path, lines: str, message: str) -> None:
    """As after a spreadsheet has saved it."""
    (tmp_path / "manifest.csv").write_text(f"path,sha256,part\n{lines}\n", encoding="utf-8")

    with pytest.raises(TrainingError, match=message):
        read_parts(Storage(), str(tmp_path / "manifest.csv"))


def test_earlier_parts_exclude_a_test_split_option(
    data_folder: Path, small_task: Task, place: Path, tmp_path: Path
) -> None:
    _, manifest = prepare_with_manifest(data_folder, small_task, place, tmp_path)

    with pytest.raises(TrainingError, match="leave out --test-split own"):
        prepare_folder(data_folder, small_task, place, test_split="own", earlier=manifest)


def save_again(image: Path, path: Path) -> Path:
    """Save an image in another format, with the same pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(image) as opened:
        opened.save(path)
    return path


def list_again(folder: Path, copies: dict[str, Path], change: Edit = lambda path: path) -> None:
    """Add copies in another format to the manifest, each a patient by itself; then `change` the originals."""
    lines = (folder / "manifest.csv").read_text(encoding="utf-8").splitlines()
    for name, image in copies.items():
        class_name = image.parent.name
        lines.append(f"{save_again(image, folder / name).relative_to(folder)},{class_name},")
        change(image)
    exist = [line for line in lines[1:] if (folder / line.split(",")[0]).exists()]
    (folder / "manifest.csv").write_text("\n".join([lines[0], *exist]) + "\n", encoding="utf-8")


def parts_of(data: PreparedData) -> dict[str, str]:
    return {data.records[index].path: part for part in PARTS for index in data.parts[part]}


def test_image_saved_in_another_format_is_a_copy(data_folder: Path, small_task: Task, place: Path) -> None:
    name, other = small_task.class_names[:2]
    write_manifest(data_folder)
    before = prepare_folder(data_folder, small_task, place)
    images = {f"zz/{file.stem}.tiff": file for file in sorted(data_folder.glob(f"{name}/*.png"))}
    list_again(data_folder, images)
    save_again(data_folder / other / "p03-0.png", data_folder / "zz" / "contradictory.tiff")
    with (data_folder / "manifest.csv").open("a", encoding="utf-8") as file:
        file.write(f"zz/contradictory.tiff,{name},\n")

    data = prepare_folder(data_folder, small_task, place)

    assert data.left_out["copies"] == tuple(sorted(images))
    assert data.left_out["contradictions"] == (f"{other}/p03-0.png", "zz/contradictory.tiff")
    assert len(data.records) == len(before.records) - 1
    digest_of = dict(zip((record.path for record in before.records), before.digests, strict=True))
    assert all(
        digest_of[record.path] == digest for record, digest in zip(data.records, data.digests, strict=True)
    )


def test_copy_in_another_format_tells_that_two_names_are_those_of_one_patient(
    data_folder: Path, small_task: Task, place: Path
) -> None:
    name = small_task.class_names[0]
    write_manifest(data_folder)
    save_again(data_folder / name / "p00-0.png", data_folder / name / "p00-0.tiff")
    (data_folder / name / "p00-0.png").replace(data_folder / name / "p07-0.png")
    manifest = data_folder / "manifest.csv"
    manifest.write_text(
        manifest.read_text(encoding="utf-8").replace(f"{name}/p00-0.png", f"{name}/p00-0.tiff")
    )

    data = prepare_folder(data_folder, small_task, place)

    group_of = {record.path: record.group for record in data.records}
    assert data.left_out["copies"] == (f"{name}/p07-0.png",)
    assert group_of[f"{name}/p07-1.png"] == group_of[f"{name}/p00-1.png"] == f"{name}-p00"


@pytest.mark.parametrize(
    "how", ["beside the originals", "instead of the originals", "manifest without pixels"]
)
def test_image_saved_in_another_format_keeps_its_part(
    data_folder: Path, small_task: Task, place: Path, tmp_path: Path, how: str
) -> None:
    write_manifest(data_folder)
    before, manifest = prepare_with_manifest(data_folder, small_task, place, tmp_path)
    if how == "manifest without pixels":  # of an earlier version
        with manifest.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        with manifest.open("w", newline="", encoding="utf-8") as file:
            columns = [column for column in rows[0] if column != "pixels_sha256"]
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    was = parts_of(before)
    # They come first in the listing, so that they are kept instead of the originals.
    images = {f"a/{path.replace('/', '-')}.tiff": data_folder / path for path in sorted(was)[::2]}
    list_again(data_folder, images, Path.unlink if how == "instead of the originals" else lambda path: path)

    after = parts_of(prepare_folder(data_folder, small_task, place, earlier=manifest))

    assert len(after) == len(was)
    for copy, image in images.items():
        assert after[copy] == was[str(image.relative_to(data_folder))]


def relabel(folder: Path, path: str, class_name: str) -> None:
    manifest = folder / "manifest.csv"
    lines = [line.split(",") for line in manifest.read_text(encoding="utf-8").splitlines()]
    changed = [
        [path, class_name, group] if name == path else [name, old, group] for name, old, group in lines
    ]
    manifest.write_text("".join(",".join(line) + "\n" for line in changed), encoding="utf-8")


def write_reviews(
    path: Path, verdicts: Mapping[Path, str] | Mapping[str, str], dates: Sequence[str] = ()
) -> Path:
    """Write reviews of images as a Ground Truth output manifest."""
    lines = []
    for (image, name), date in zip(verdicts.items(), dates or [""] * len(verdicts), strict=True):
        metadata = {"class-name": name, **({"creation-date": date} if date else {})}
        lines.append({"source-ref": str(image), "label": 0, "label-metadata": metadata})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def write_array(image: Path, task: Task, path: Path) -> Path:
    """Write an image as the array that the application keeps of it."""
    np.save(path, prepare(image.read_bytes(), task.input).pixels)
    return path


def test_reviews_of_prepared_arrays_change_the_labels_of_their_images(
    data_folder: Path, small_task: Task, place: Path, tmp_path: Path
) -> None:
    first, second = small_task.class_names[:2]
    write_manifest(data_folder)
    changed, confirmed = (data_folder / first / f"p0{number}-0.png" for number in (1, 2))
    write_scene(tmp_path / "new.png", 5, noise=0)
    verdicts = {
        write_array(changed, small_task, tmp_path / "1.npy"): second,
        write_array(confirmed, small_task, tmp_path / "2.npy"): first,
        write_array(tmp_path / "new.png", small_task, tmp_path / "3.npy"): second,
    }

    data = prepare_folder(
        data_folder, small_task, place, labels=write_reviews(tmp_path / "reviews.manifest", verdicts)
    )

    records = {record.path: record for record in data.records}
    kept = records[f"{first}/p01-0.png"]
    assert (kept.label, kept.review, kept.group) == (1, "changed", f"{first}-p01")
    assert records[f"{first}/p02-0.png"].review == "confirmed"
    assert records[str(tmp_path / "3.npy")].review == "added"
    assert {name: data.findings[name] for name in ("changed", "confirmed", "added", "copies")} == {
        "changed": 1,
        "confirmed": 1,
        "added": 1,
        "copies": 2,
    }
    assert len(data.records) == 121
    index = data.records.index(records[str(tmp_path / "3.npy")])
    assert np.array_equal(data.pixels[:][index], np.load(tmp_path / "3.npy"))
    assert "1 labels changed in reviews" in render_summary(data)


def test_reviewed_copy_of_a_test_image_is_not_trained_on(
    data_folder: Path, small_task: Task, place: Path, tmp_path: Path
) -> None:
    write_manifest(data_folder)
    before, manifest = prepare_with_manifest(data_folder, small_task, place, tmp_path)
    tested = [before.records[index] for index in before.parts["test"]][:5]
    name = small_task.class_names[2]
    verdicts = {
        write_array(data_folder / record.path, small_task, tmp_path / f"{number}.npy"): name
        for number, record in enumerate(tested)
    }

    after = prepare_folder(
        data_folder,
        small_task,
        place,
        labels=write_reviews(tmp_path / "reviews.manifest", verdicts),
        earlier=manifest,
    )

    assert after.parts == before.parts
    records = {record.path: record for record in after.records}
    assert {records[record.path].label for record in tested} == {2}


def test_image_with_contradictory_reviews_is_left_out(
    data_folder: Path, small_task: Task, place: Path, tmp_path: Path
) -> None:
    first, second = small_task.class_names[:2]
    write_manifest(data_folder)
    image = data_folder / first / "p01-0.png"
    arrays = [write_array(image, small_task, tmp_path / f"{number}.npy") for number in (1, 2)]

    data = prepare_folder(
        data_folder,
        small_task,
        place,
        labels=write_reviews(tmp_path / "reviews.manifest", dict(zip(arrays, (first, second), strict=True))),
    )

    assert f"{first}/p01-0.png" not in {record.path for record in data.records}
    assert data.findings["contradictions"] == 3


def test_newest_review_of_an_image_counts(
    data_folder: Path, small_task: Task, place: Path, tmp_path: Path
) -> None:
    first, second, third = small_task.class_names[:3]
    write_manifest(data_folder)
    known = data_folder / first / "p01-0.png"
    write_scene(tmp_path / "new.png", 5, noise=0)
    verdicts = {
        write_array(known, small_task, tmp_path / "1.npy"): third,
        write_array(known, small_task, tmp_path / "2.npy"): second,
        write_array(tmp_path / "new.png", small_task, tmp_path / "3.npy"): first,
        write_array(tmp_path / "new.png", small_task, tmp_path / "4.npy"): third,
    }
    dates = ["2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"] * 2
    manifest = write_reviews(tmp_path / "reviews.manifest", verdicts, dates)

    data = prepare_folder(data_folder, small_task, place, labels=manifest)

    records = {record.path: record for record in data.records}
    assert (records[f"{first}/p01-0.png"].label, records[f"{first}/p01-0.png"].review) == (2, "changed")
    added = records[str(tmp_path / "3.npy")]
    assert (added.label, added.review) == (0, "added")
    assert "contradictions" not in data.left_out


def test_array_for_another_input_is_left_out(
    data_folder: Path, small_task: Task, place: Path, tmp_path: Path
) -> None:
    write_manifest(data_folder)
    old = [tmp_path / f"old-{number}.npy" for number in range(20)]
    for number, path in enumerate(old):
        np.save(path, np.full((1, 8, 8), number, np.uint8))
    (tmp_path / "cut.npy").write_bytes(old[0].read_bytes()[:-9])
    verdicts = dict.fromkeys([*old, tmp_path / "cut.npy"], small_task.class_names[0])

    data = prepare_folder(
        data_folder, small_task, place, labels=write_reviews(tmp_path / "reviews.manifest", verdicts)
    )

    # They are more than a twentieth of the files, but no sign of a wrong folder.
    assert data.left_out["outdated"] == tuple(sorted(map(str, old)))
    assert data.problems == {str(tmp_path / "cut.npy"): "The array is damaged."}
    assert (data.findings["outdated"], data.findings["unreadable"], len(data.records)) == (20, 1, 120)
    assert "20 reviewed images left out because the input" in render_summary(data)


def prepare_on_hosts(folder: Path, task: Task, home: Path, count: int) -> list[PreparedData]:
    """Prepare in a thread for each host; they exchange objects as processes would."""
    barrier = Barrier(count)
    given: list[bytes] = [b""] * count

    def prepare_on(number: int) -> PreparedData:
        def gather(own: Any) -> list[Any]:
            given[number] = pickle.dumps(own)
            barrier.wait(60)
            everything = [pickle.loads(message) for message in given]
            barrier.wait(60)
            return everything

        place = home / f"{count}-{number}"
        place.mkdir()
        return prepare_folder(folder, task, place, hosts=Hosts(number, count, gather), near_duplicates=0.999)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(prepare_on, range(count)))


def everything_written(data: PreparedData, folder: Path) -> dict[str, bytes]:
    write_files(data, folder)
    write_arrays(data, folder / "test")
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("count", [2, 3, 4])
def test_hosts_share_the_reading_and_find_the_same(
    data_folder: Path,
    small_task: Task,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    addresses_read: list[str],
    count: int,
) -> None:
    first, second, third = small_task.class_names[:3]
    # Copies, contradictory labels, arrays of images, and damaged files: beside each other, or not.
    shutil.copy(data_folder / first / "p00-0.png", data_folder / first / "p01-0.png")
    shutil.copy(data_folder / first / "p00-0.png", data_folder / first / "p09-0.png")
    shutil.copy(data_folder / first / "p02-0.png", data_folder / third / "p02-0.png")
    (data_folder / second / "p03-0.png").write_bytes(b"no image")
    (data_folder / second / "p04-0.png").write_bytes(b"no image")
    pixels = prepare((data_folder / third / "p05-0.png").read_bytes(), small_task.input).pixels
    np.save(data_folder / third / "p06-0.npy", pixels)
    write_manifest(data_folder)
    files = sum(1 for line in (data_folder / "manifest.csv").read_text().splitlines()) - 1
    monkeypatch.setattr("training.data.pixels.CHUNK", 13)
    alone = everything_written(
        prepare_folder(data_folder, small_task, tmp_path, near_duplicates=0.999), tmp_path / "alone"
    )
    addresses_read.clear()

    together = prepare_on_hosts(data_folder, small_task, tmp_path, count)

    assert len(addresses_read) == len(set(addresses_read)) == files
    for number, data in enumerate(together):
        assert everything_written(data, tmp_path / f"report-{count}-{number}") == alone
    found = together[0].findings
    assert all(found[reason] for reason in ("copies", "contradictions", "unreadable"))


def test_hosts_refuse_a_folder_without_images_together(
    data_folder: Path, small_task: Task, tmp_path: Path
) -> None:
    for file in data_folder.glob("*/*.png"):
        file.write_bytes(b"no image " + file.name.encode())

    with pytest.raises(TrainingError, match=r"files cannot be read\. The first: .* Is this a folder"):
        prepare_on_hosts(data_folder, small_task, tmp_path, 2)
