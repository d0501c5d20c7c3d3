"""The files of a preparation (report, manifest, findings, contact sheet), and its command."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from chalicelib.tasks import Task
from tests.training.samples import write_manifest
from training.data.files import write_files
from training.data.preparation import PreparedData, prepare_data
from training.prepare import main


@pytest.fixture
def data(data_folder: Path, small_task: Task, tmp_path: Path) -> PreparedData:
    """A data set with a copy, a contradictory label, a damaged file and a missing attribute."""
    first, second = small_task.class_names[:2]
    shutil.copy(data_folder / first / "p00-0.png", data_folder / first / "p01-0.png")
    shutil.copy(data_folder / first / "p02-0.png", data_folder / second / "p02-0.png")
    (data_folder / second / "p03-0.png").write_bytes(b"no image")
    write_manifest(data_folder)
    lines = (data_folder / "manifest.csv").read_text(encoding="utf-8").splitlines()
    with_sex = [f"{line},{'F' if number % 2 else ''}" for number, line in enumerate(lines[1:])]
    (data_folder / "manifest.csv").write_text("\n".join([f"{lines[0]},sex", *with_sex]), encoding="utf-8")
    return prepare_data(data_folder, "undescribed", small_task, 0, tmp_path)


def test_manifest_lists_every_used_image_with_its_part(data: PreparedData, tmp_path: Path) -> None:
    write_files(data, tmp_path / "report")

    with (tmp_path / "report" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "sha256", "pixels_sha256", "class", "group", "part", "sex"]
    assert len(rows) == data.findings["used"] == 120 - 1 - 2 - 1
    for part, members in data.parts.items():
        assert {row["path"] for row in rows if row["part"] == part} == {
            data.records[index].path for index in members
        }
    assert {row["sex"] for row in rows} == {"F", ""}


def test_manifest_can_be_read_again(
    data: PreparedData, data_folder: Path, small_task: Task, tmp_path: Path
) -> None:
    write_files(data, tmp_path / "report")
    shutil.copy(tmp_path / "report" / "manifest.csv", data_folder)

    again = prepare_data(data_folder, "undescribed", small_task, 0, tmp_path)

    assert again.fingerprint == data.fingerprint
    assert again.findings["copies"] == again.findings["contradictions"] == 0


def test_report_lists_the_findings(data: PreparedData, tmp_path: Path) -> None:
    write_files(data, tmp_path)
    report = (tmp_path / "data.md").read_text(encoding="utf-8")
    facts = json.loads((tmp_path / "data.json").read_text(encoding="utf-8"))

    assert f"`{data.fingerprint}`" in report
    assert "| 1 | copies left out |" in report
    assert "| 2 | left out because identical images have different labels |" in report
    assert "| PNG | 118 | 40 to 40 | 64 to 64 | 40 x 64 (118) |".replace("118", "117") in report
    first, second = data.class_names[:2]
    assert f"- {first}/p02-0.png = {second}/p02-0.png (correlation 1.0000)" in report
    assert re.search(rf"- {second}/p03-0\.png: .*not an image", report)
    assert "### By sex" in report
    assert "| **images** | " in report
    assert facts["fingerprint"] == data.fingerprint
    assert facts["left_out"]["copies"] == [f"{first}/p01-0.png"]
    assert facts["split"]["train"]["images"] == len(data.parts["train"])


def test_contact_sheet_shows_images_of_every_class(data: PreparedData, tmp_path: Path) -> None:
    write_files(data, tmp_path)

    with Image.open(tmp_path / "contact-sheet.png") as sheet:
        assert sheet.width <= 1400
        rows = sheet.convert("L").resize((1, sheet.height), Image.Resampling.BOX)
    # The bright bands of each class form a row of their own on a dark background.
    bright = [rows.getpixel((0, y)) > 60 for y in range(rows.height)]  # type: ignore[operator]
    beginnings = sum(now and not before for before, now in zip([False, *bright], bright, strict=False))
    assert beginnings >= len(data.class_names)


def test_report_accepts_file_names_that_are_not_unicode(
    data_folder: Path, small_task: Task, tmp_path: Path
) -> None:
    folder = data_folder / small_task.class_names[0]
    try:
        (folder / "p00-0.png").rename(folder / "p00-\udcff.png")
    except OSError as error:
        pytest.skip(f"this file system does not allow such a name: {error}")

    write_files(prepare_data(data_folder, "undescribed", small_task, 0, tmp_path), tmp_path / "report")

    assert b"p00-\xff.png" in (tmp_path / "report" / "manifest.csv").read_bytes()


def test_command_prints_the_findings_without_file_names(
    data_folder: Path, task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(data_folder / task.class_names[0] / "p00-0.png", data_folder / task.class_names[1])
    options = ["--task", task.name, "--data", str(data_folder), "--dataset", "undescribed"]

    assert main([*options, "--output", str(tmp_path / "out")]) == 0

    said = capsys.readouterr()
    assert "2 left out because identical images have different labels" in said.out
    assert f"report: {tmp_path / 'out' / 'data.md'}" in said.out
    assert ".png" not in said.out
    assert said.err == ""
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"data.md", "data.json", "manifest.csv", "contact-sheet.png"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "nowhere"], "error: There is no data folder 'nowhere'"),
        (["--data", ".", "--split-seed", "-1"], "error: split_seed must lie between 0 and"),
        (["--data", ".", "--layout", "none"], "error: There is no layout 'none'"),
        (["--data", ".", "--test-split", "mine"], "error: Argument --test-split: invalid choice"),
    ],
)
def test_command_reports_errors_in_one_line(
    task: Task, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--task", task.name, *options]) == 1

    said = capsys.readouterr().err
    assert said.startswith(message)
    assert said.count("\n") == 1
