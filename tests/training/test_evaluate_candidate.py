"""The evaluation of a candidate: a transform job's answers, the current model, and the gate."""

import csv
import json
import shutil
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chalicelib.models.model_version import IMPORTED
from chalicelib.models.package import ModelPackage
from chalicelib.models.seeding import BUNDLED
from chalicelib.tasks import InputSpec, Task, load_task
from tests.models import write_package
from tests.training.samples import write_manifest
from training import evaluate_candidate, prepare
from training.data.dataset import Record
from training.data.parts import PARTS, Part, fingerprint
from training.data.split import split_by_group
from training.evaluate_candidate import main
from training.evaluation import unseen_images
from training.evaluation.comparison import compare
from training.evaluation.transform import read_test_part
from training.inference import input_fn, model_fn, output_fn, predict_fn

TASK = "mammography-views"


class Context:
    def set_response_status(self, code: int, phrase: str) -> None:
        raise AssertionError(f"{code} {phrase}")


@pytest.fixture(scope="module")
def task() -> Task:
    return load_task(TASK)


@pytest.fixture(scope="module")
def folder(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images whose brightness is their class for the tiny model (a few are wrong), and their preparation."""
    place = tmp_path_factory.mktemp("candidate")
    count = len(task.classes)
    for label, name in enumerate(task.class_names):
        (place / "images" / name).mkdir(parents=True)
        for patient in range(12):
            shown = (label + 1) % count if patient == 0 else label
            grain = np.random.default_rng((label, patient)).integers(-8, 9, (224, 112))
            grey = (255 * shown / (count - 1) + grain).clip(0, 255).astype(np.uint8)
            Image.fromarray(grey).save(place / "images" / name / f"p{patient:02}-{label}.png")
    write_manifest(place / "images")
    options = ["--task", TASK, "--data", str(place / "images"), "--dataset", "undescribed", "--arrays"]
    assert prepare.main([*options, "--output", str(place / "data")]) == 0
    return place


def run_transform_job(folder: Path, package: Path, output: Path) -> Path:
    """Write the answers that a batch transform job would write."""
    model = model_fn(str(package))
    output.mkdir()
    for array in (folder / "data" / "test").iterdir():
        answer = predict_fn(input_fn(array.read_bytes(), "application/x-npy"), model)
        (output / f"{array.name}.out").write_text(output_fn(answer, None, Context())[0], encoding="utf-8")
    return output


def evaluate(folder: Path, answers: Path, candidate: Path, output: Path, *options: str) -> int:
    arguments = ["--task", TASK, "--data", str(folder / "data"), "--answers", str(answers)]
    arguments += ["--candidate", str(candidate), "--output", str(output), "--bootstrap", "200"]
    return main([*arguments, *options])


def read_decision(output: Path) -> dict[str, object]:
    facts: dict[str, object] = json.loads((output / "decision.json").read_text(encoding="utf-8"))
    return facts


def test_arrays_are_those_of_the_test_part(folder: Path) -> None:
    with (folder / "data" / "manifest.csv").open(encoding="utf-8") as file:
        expected = {line["sha256"] for line in csv.DictReader(file) if line["part"] == "test"}

    assert {path.stem for path in (folder / "data" / "test").iterdir()} == expected


def test_candidate_equal_to_the_current_model_is_rejected(folder: Path, tmp_path: Path) -> None:
    package = write_package(tmp_path / "package")
    answers = run_transform_job(folder, package, tmp_path / "answers")

    assert evaluate(folder, answers, package, tmp_path / "out", "--current", str(package)) == 0

    facts = read_decision(tmp_path / "out")
    assert not facts["accepted"]
    assert "better than the current model is 50 %" in str(facts["reasons"])
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "candidate 2026.01.01-tiny is rejected" in report
    assert "| Accuracy | +0.0 (+0.0 to +0.0) |" in report
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "decision.json",
        "metrics.json",
        "plots",
        "predictions.csv",
        "report.md",
    }


def test_metrics_follow_from_the_answers_of_the_transform_job(
    folder: Path, task: Task, tmp_path: Path
) -> None:
    package = write_package(tmp_path / "package")
    answers = run_transform_job(folder, package, tmp_path / "answers")

    assert evaluate(folder, answers, package, tmp_path / "out") == 0

    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    right = sum(line["label"] == line["predicted"] for line in lines)
    assert metrics["accuracy"]["value"] == pytest.approx(right / len(lines))
    facts = read_decision(tmp_path / "out")
    assert facts["images"] == len(lines)
    assert facts["current"] is None
    assert facts["comparison"] is None
    expected = {"images": len(lines), "candidate": pytest.approx(0.95), "current": None}
    assert facts["scores"] == expected


def test_bundled_model_can_be_the_current_one(folder: Path, tmp_path: Path) -> None:
    package = write_package(tmp_path / "package")
    answers = run_transform_job(folder, package, tmp_path / "answers")

    assert evaluate(folder, answers, package, tmp_path / "out", "--current", "bundled") == 0

    facts = read_decision(tmp_path / "out")
    assert facts["current"] != "2026.01.01-tiny"
    # The images are plain bright or dark frames, which only the tiny model classifies correctly.
    comparison = facts["comparison"]
    assert isinstance(comparison, dict)
    assert comparison["accuracy"]["low"] > 0.3
    scores = facts["scores"]
    assert isinstance(scores, dict)
    difference = scores["candidate"] - scores["current"]
    assert difference == pytest.approx(comparison["balanced_accuracy"]["value"])


def read_records(folder: Path) -> tuple[list[Record], list[bytes], list[str]]:
    """The records, digests and parts of all prepared images."""
    task = load_task(TASK)
    with (folder / "data" / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    records = [Record(row["path"], task.class_names.index(row["class"]), row["group"]) for row in rows]
    return records, [bytes.fromhex(row["sha256"]) for row in rows], [row["part"] for row in rows]


@pytest.mark.parametrize(
    ("origin", "same", "remark"),
    [
        ("retraining", False, ""),
        (BUNDLED, False, "is unknown"),
        (IMPORTED, False, "is unknown"),
        ("", False, "is unknown"),
        (BUNDLED, True, ""),
        (IMPORTED, True, ""),
    ],
)
def test_decision_warns_if_the_current_model_may_have_seen_test_images(
    folder: Path, tmp_path: Path, origin: str, same: bool, remark: str
) -> None:
    records, digests, part_of = read_records(folder)
    parts: dict[Part, list[int]] = {
        part: [index for index, own in enumerate(part_of) if own == part] for part in PARTS
    }
    changes: dict[str, Any] = {"data": {"fingerprint": fingerprint(records, digests, parts)}} if same else {}
    candidate = write_package(tmp_path / "package")
    current = write_package(tmp_path / "current", **changes)
    answers = run_transform_job(folder, candidate, tmp_path / "answers")

    options = ("--current", str(current), "--current-origin", origin)
    assert evaluate(folder, answers, candidate, tmp_path / "out", *options) == 0

    reasons = str(read_decision(tmp_path / "out")["reasons"])
    assert ("current model was trained" in reasons) == bool(remark)
    assert remark in reasons


def test_images_that_trained_the_current_model_are_not_compared(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The current model was trained on the same images, split with another seed."""
    task = load_task(TASK)
    records, digests, _ = read_records(folder)
    parts = split_by_group(records, digests, task.class_names, 7)
    trained = {digests[index].hex() for part in ("train", "validation") for index in parts[part]}
    held_out = read_test_part(folder / "data", task)
    unknown = [digest for digest in held_out.digests if digest not in trained]
    assert 0 < len(unknown) < len(held_out.digests)
    facts: dict[str, Any] = {
        "data": {"fingerprint": fingerprint(records, digests, parts)},
        "training": {"split_seed": 7},
    }
    candidate, current = write_package(tmp_path / "package"), write_package(tmp_path / "current", **facts)
    answers = run_transform_job(folder, candidate, tmp_path / "answers")
    compared: list[int] = []

    def counted(*arguments: Any) -> Any:
        compared.append(len(arguments[1]))
        return compare(*arguments)

    monkeypatch.setattr(evaluate_candidate, "compare", counted)
    assert evaluate(folder, answers, candidate, tmp_path / "out", "--current", str(current)) == 0

    assert compared == [len(unknown)]
    seen, every = len(held_out.digests) - len(unknown), len(held_out.digests)
    assert f"trained on {seen} of the {every} test images; they are not" in str(
        read_decision(tmp_path / "out")
    )


def test_model_trained_on_every_test_image_is_compared_with_a_warning(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = read_test_part(folder / "data", load_task(TASK))
    monkeypatch.setattr(unseen_images, "_parts", lambda *_: dict.fromkeys(part.digests, "train"))

    evidence = unseen_images.find_evidence({}, "bundled", folder / "data", part, load_task(TASK))

    assert len(evidence.rows) == len(part.digests)
    assert "trained on all of these test images, so it looks better than it is" in evidence.remark


def test_answers_that_are_incomplete_or_of_another_model_are_rejected(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = write_package(tmp_path / "package")
    answers = run_transform_job(folder, package, tmp_path / "answers")
    first = min(answers.iterdir())
    whole = first.read_text(encoding="utf-8")

    first.unlink()
    assert evaluate(folder, answers, package, tmp_path / "out") == 1
    assert f"has no answer for {first.name.removesuffix('.out')}" in capsys.readouterr().err

    first.write_text(whole[:50], encoding="utf-8")
    assert evaluate(folder, answers, package, tmp_path / "out") == 1
    assert f"answer {first.name} cannot be read" in capsys.readouterr().err

    first.write_text(whole.replace(ModelPackage.load(package).sha256, "0" * 64), encoding="utf-8")
    assert evaluate(folder, answers, package, tmp_path / "out") == 1
    assert "is an answer of a different model than 2026.01.01-tiny" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_test_part_is_read_only_when_it_is_needed(task: Task, tmp_path: Path) -> None:
    large = replace(task, input=InputSpec(512, 512, 3, "pad"))
    arrays = {f"{number:064x}": np.full(large.input.shape, number, np.uint8) for number in range(20)}
    lines = ["path,sha256,class,group,part"]
    (tmp_path / "test").mkdir()
    for digest, array in arrays.items():
        np.save(tmp_path / "test" / f"{digest}.npy", array)
        lines.append(f"{digest}.png,{digest},{task.class_names[0]},{digest},test")
    (tmp_path / "manifest.csv").write_text("\n".join(lines))

    tracemalloc.start()
    pixels = read_test_part(tmp_path, large).pixels
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < arrays[f"{0:064x}"].nbytes
    np.testing.assert_array_equal(pixels[np.array([7, 3])], [arrays[f"{7:064x}"], arrays[f"{3:064x}"]])


def test_folder_without_arrays_is_rejected(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = write_package(tmp_path / "package")
    shutil.copytree(folder / "data", tmp_path / "data", ignore=shutil.ignore_patterns("*.npy"))

    assert evaluate(tmp_path, tmp_path, package, tmp_path / "out") == 1
    assert "holds no prepared test part for mammography-views" in capsys.readouterr().err
