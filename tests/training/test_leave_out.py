"""One source left out: it is the test part, and nothing of it is in training or validation."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from chalicelib.tasks import Task
from tests.training.samples import NO_RECIPE, write_images
from training.arguments import parse_arguments
from training.data.dataset import Listing, Record
from training.data.files import write_files
from training.data.leave_out import mark_left_out
from training.data.listing import Location
from training.data.parts import PARTS
from training.data.preparation import PreparedData, prepare_data
from training.data.report import render_summary
from training.errors import TrainingError
from training.prepare import main as prepare_main
from training.train import main as train_main


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Folder for the arrays."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def prepare(folders: Path | Sequence[Path], task: Task, place: Path, **how: Any) -> PreparedData:
    data = folders if isinstance(folders, Path) else list(map(str, folders))
    return prepare_data(data, "undescribed", task, 0, place, **how)


def write_scanners(folder: Path, scanners: dict[str, str], classes: Sequence[str] = ()) -> None:
    """Write a manifest.csv with a scanner for each patient; of `classes`, or of all if there are none.

    Args:
        folder: the images.
        scanners: by the patient's name (p00, p01, ...), or by class/patient/view.
        classes: those of which the scanner is known.
    """
    lines = ["path,class,group,scanner,split"]
    for path in sorted(folder.glob("*/*.png")):
        name, patient = path.parent.name, path.stem[:3]
        scanner = scanners.get(f"{name}/{path.stem}", scanners.get(patient, "old"))
        known = scanner if not classes or name in classes else ""
        lines.append(f"{name}/{path.name},{name},{name}-{patient},{known},")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def paths(data: PreparedData, part: str) -> set[str]:
    return {data.records[index].path for name in PARTS if name == part for index in data.parts[name]}


def test_source_that_is_left_out_is_the_test_part(data_folder: Path, small_task: Task, place: Path) -> None:
    write_scanners(data_folder, {"p00": "new", "p01": "new"})

    data = prepare(data_folder, small_task, place, leave_out="scanner = new")

    expected = {f"{name}/p0{n}" for name in small_task.class_names for n in (0, 1)}
    assert {path.rpartition("-")[0] for path in paths(data, "test")} == expected
    assert {dict(r.attributes)["scanner"] for r in data.records if r.path not in paths(data, "test")} == {
        "old"
    }
    assert all(data.parts[part] for part in PARTS)
    assert "left out for the test: scanner=new" in data.how
    assert data.fingerprint != prepare(data_folder, small_task, place).fingerprint


def test_other_images_of_its_patients_are_removed(data_folder: Path, small_task: Task, place: Path) -> None:
    name = small_task.class_names[0]
    write_scanners(data_folder, {f"{name}/p00-0": "new", "p01": "new"})

    data = prepare(data_folder, small_task, place, leave_out="scanner=new")

    others = {path.relative_to(data_folder).as_posix() for path in data_folder.glob(f"{name}/p00-*.png")}
    others.remove(f"{name}/p00-0.png")
    assert others
    assert set(data.left_out["leaks"]) == others
    assert f"{name}/p00-0.png" in paths(data, "test")
    assert not others & {record.path for record in data.records}


def test_test_part_may_lack_classes(data_folder: Path, small_task: Task, place: Path) -> None:
    first, *rest = small_task.class_names
    write_scanners(data_folder, {"p00": "new"}, [first])

    data = prepare(data_folder, small_task, place, leave_out="scanner=new")

    described = data.describe_given_test()
    assert described
    assert data.describe_split()["test"]["classes"] == {
        first: len(data.parts["test"]),
        **dict.fromkeys(rest, 0),
    }
    assert f"no image of {', '.join(rest)}" in described
    assert "listed images have no scanner and were not left out" in described


def test_reports_state_what_was_left_out(
    data_folder: Path, small_task: Task, place: Path, tmp_path: Path
) -> None:
    write_scanners(data_folder, {"p00": "new"})
    data = prepare(data_folder, small_task, place, leave_out="scanner=new")

    write_files(data, tmp_path / "report")

    report = (tmp_path / "report" / "data.md").read_text(encoding="utf-8")
    count = len(data.parts["test"])
    for text in (report, render_summary(data)):
        assert f"Left out: the test part is the {count} images with scanner = new" in text
    assert "Test is the source that was left out" in report
    facts = json.loads((tmp_path / "report" / "data.json").read_text(encoding="utf-8"))
    assert facts["left_out_source"] == {"attribute": "scanner", "value": "new", "unknown": 0}
    with (tmp_path / "report" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        assert {(row["part"] == "test", row["scanner"]) for row in csv.DictReader(file)} == {
            (True, "new"),
            (False, "old"),
        }


@pytest.mark.parametrize("place_names", [("first", "second"), ("one/images", "two/images")])
def test_folder_of_the_data_can_be_left_out(
    tmp_path: Path, small_task: Task, place: Path, place_names: tuple[str, str]
) -> None:
    folders = [tmp_path / "all" / name for name in place_names]
    write_images(folders[0], small_task.class_names)
    write_images(folders[1], small_task.class_names)
    # Other pixels, so that the second folder does not hold copies of the first.
    for path in folders[1].rglob("*.png"):
        with Image.open(path) as image:
            image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(path)

    data = prepare(folders, small_task, place, leave_out=f"folder={place_names[1]}")

    assert paths(data, "test")
    assert all(path.startswith(place_names[1]) for path in paths(data, "test"))
    assert all(
        path.startswith(place_names[0]) for part in ("train", "validation") for path in paths(data, part)
    )


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("scanner", r"needs ATTRIBUTE=VALUE, not 'scanner'"),
        ("scanner=", r"needs ATTRIBUTE=VALUE"),
        ("", r"needs ATTRIBUTE=VALUE"),
        ("camera=new", r"no attribute 'camera'. Known: scanner, folder\."),
        ("scanner=newer", r"No image has scanner=newer. Values of scanner: new, old\."),
        ("folder=other", r"No image has folder=other. Values of folder: data\."),
        ("folder=data", r"has no image to train on if folder=data"),
    ],
)
def test_unknown_sources_are_rejected_with_the_known_ones(
    data_folder: Path, small_task: Task, place: Path, asked: str, message: str
) -> None:
    write_scanners(data_folder, {"p00": "new"})

    with pytest.raises(TrainingError, match=message):
        prepare(data_folder, small_task, place, leave_out=asked)


def test_class_that_only_this_source_has_is_rejected(
    data_folder: Path, small_task: Task, place: Path
) -> None:
    name = small_task.class_names[1]
    write_scanners(data_folder, {f"{name}/{path.stem}": "new" for path in data_folder.glob(f"{name}/*.png")})

    with pytest.raises(TrainingError, match=f"Class '{name}' has no image to train on if scanner=new"):
        prepare(data_folder, small_task, place, leave_out="scanner=new")


@pytest.mark.parametrize(
    ("how", "option"),
    [
        ({"test_split": "given"}, "--test-split given"),
        ({"test_split": "fixed"}, "--test-split fixed"),
        ({"test_split": "own"}, "--test-split own"),
        ({"earlier": "manifest.csv"}, "--earlier"),
    ],
)
def test_other_choices_of_the_test_part_are_rejected(
    data_folder: Path, small_task: Task, place: Path, how: dict[str, Any], option: str
) -> None:
    write_scanners(data_folder, {"p00": "new"})

    with pytest.raises(TrainingError, match=f"--leave-out sets the test part: leave out {option}"):
        prepare(data_folder, small_task, place, leave_out="scanner=new", **how)


def test_option_is_accepted_by_training_and_preparation(
    data_folder: Path, task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scanners(data_folder, {"p00": "new"})
    words = ["--task", task.name, "--data", str(data_folder), "--leave-out", "scanner=new"]

    assert parse_arguments(words).reading["leave_out"] == "scanner=new"
    assert prepare_main([*words, "--output", str(tmp_path / "report")]) == 0
    assert "images with scanner = new" in capsys.readouterr().out


@pytest.mark.parametrize("present", [1, 2])
def test_package_and_card_state_what_was_left_out(
    data_folder: Path, task: Task, tmp_path: Path, present: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the source that was left out lacks classes; that with one class has no AUC."""
    write_scanners(data_folder, {"p00": "new", "p01": "new"}, task.class_names[:present])
    places = ("model", "output", "checkpoint")
    words = [word for name in places for word in (f"--{name}-dir", str(tmp_path / name))]
    words += ["--task", task.name, "--data", str(data_folder), "--leave-out", "scanner=new"]
    words += ["--smoke", *NO_RECIPE]

    assert train_main([*words, "--epochs", "1"]) == 0

    model = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))
    described = model["data"]["given_split"]
    assert described.startswith(f"Left out: the test part is the {4 * present} images with scanner = new;")
    assert f"no image of {', '.join(task.class_names[present:])}" in described
    assert described in (tmp_path / "model" / "card.md").read_text(encoding="utf-8")
    printed = capsys.readouterr().out
    assert "test_accuracy=" in printed
    assert ("test_auc=" in printed) == (present > 1)


def test_folders_of_several_buckets_can_be_left_out() -> None:
    records = (Record("a.png", 0, "p1"), Record("s3://two/films/b.png", 0, "p2"))
    listing = Listing("s3://one/images/", "", records, 0, {})
    location = Location(("s3://one/images/", "s3://two/films/"))

    marked, left_out = mark_left_out(listing, location, "folder=films", ("any",))

    assert [record.given for record in marked.records] == ["", "test"]
    assert left_out.unknown == 0
