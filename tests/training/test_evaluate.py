"""Evaluation of packages and APIs on labelled folders."""

import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chalicelib import DISCLAIMER
from chalicelib.limits import MAX_IMAGE_BODY
from chalicelib.models.package import BUNDLED_MODELS, bundled_package
from chalicelib.tasks import Task
from tests.stage import ROOT
from tests.training.fake_api import FakeApi, Reply, classification, fake_api
from tests.training.samples import VIEWS, write_images, write_manifest
from training.evaluate import TOKEN, main
from training.evaluation.stress import CHANGES

QUICK = ["--bootstrap", "50"]
PATIENTS = 3
"""Per class. Nothing is split here, and the time of an evaluation grows with its images."""
GROUPS = 5 * PATIENTS
IMAGES = VIEWS * GROUPS


@dataclass
class Evaluation:
    """The output of an evaluation."""

    folder: Path
    printed: str

    @property
    def facts(self) -> dict[str, Any]:
        def reject_constant(name: str) -> None:
            raise AssertionError(f"{name} is not JSON")

        facts: dict[str, Any] = json.loads(
            (self.folder / "metrics.json").read_text(), parse_constant=reject_constant
        )
        return facts

    @property
    def report(self) -> str:
        return (self.folder / "report.md").read_text(encoding="utf-8")

    @property
    def rows(self) -> list[dict[str, str]]:
        with (self.folder / "predictions.csv").open(encoding="utf-8") as file:
            return list(csv.DictReader(file))


Evaluate = Callable[..., Evaluation]
GetError = Callable[..., str]


@pytest.fixture
def data_folder(tmp_path: Path, task: Task) -> Path:
    """A new labelled folder, which the test may change."""
    return write_images(tmp_path / "data", task.class_names, PATIENTS)


@pytest.fixture
def evaluate(evaluate_with_plots: Evaluate, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Run an evaluation without plots, which take most of the time."""
    monkeypatch.setattr("training.reports.evaluation_report.save_plots", lambda *_: None)
    return evaluate_with_plots


@pytest.fixture
def evaluate_with_plots(task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Evaluate:
    def run(data: Path, *options: str) -> Evaluation:
        folder = tmp_path / "evaluation"
        status = main(["--task", task.name, "--data", str(data), "--output", str(folder), *QUICK, *options])
        said = capsys.readouterr()
        assert (status, said.err) == (0, "")
        return Evaluation(folder, said.out)

    return run


@pytest.fixture
def get_error(task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> GetError:
    """Run an evaluation that fails, and return its one-line error message."""

    def run(data: Path | str, *options: str, task_name: str = task.name) -> str:
        folder = tmp_path / "refused"
        assert main(["--task", task_name, "--data", str(data), "--output", str(folder), *options]) == 1
        assert not folder.exists()
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert said.count("\n") == 1
        return said

    return run


@pytest.fixture
def server(task: Task) -> Iterator[FakeApi]:
    with fake_api(task) as api:
        yield api


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)


@pytest.fixture
def package(task: Task, tmp_path: Path) -> Path:
    """A copy of the bundled package that the test may change."""
    return Path(shutil.copytree(BUNDLED_MODELS / task.name, tmp_path / "package"))


def pack(folder: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w:gz") as file:
        for name in ("model.onnx", "model.json"):
            file.add(folder / name, f"./{name}")
    return archive


def change(folder: Path, **facts: Any) -> None:
    content = json.loads((folder / "model.json").read_text(encoding="utf-8")) | facts
    (folder / "model.json").write_text(json.dumps(content), encoding="utf-8")


def test_bundled_package_is_scored_with_a_full_report(
    evaluate_with_plots: Evaluate, data_folder: Path, task: Task
) -> None:
    write_manifest(data_folder)

    done = evaluate_with_plots(data_folder)

    facts, rows = done.facts, done.rows
    bundled = bundled_package(task.name)
    assert bundled
    assert {path.relative_to(done.folder).as_posix() for path in done.folder.rglob("*.*")} == {
        "metrics.json",
        "report.md",
        "predictions.csv",
        *(
            f"plots/{name}.{kind}"
            for name in ("confusion", "reliability", "roc", "precision-recall", "selective")
            for kind in ("svg", "png")
        ),
    }
    assert (facts["images"], facts["groups"]) == (IMAGES, GROUPS)
    matrix = np.zeros((5, 5), int)
    for row in rows:
        matrix[task.class_names.index(row["label"]), task.class_names.index(row["predicted"])] += 1
        assert sum(float(row[f"p({name})"]) for name in task.class_names) == pytest.approx(1, abs=1e-4)
        assert row["predicted"] == max(task.class_names, key=lambda name: float(row[f"p({name})"]))
        assert (row["needs_review"] == "true") == bool(row["reasons"])
        assert (float(row["distance"]) > bundled.thresholds.distance) == ("unfamiliar" in row["reasons"])
    assert facts["metrics"]["confusion_matrix"] == matrix.tolist()
    assert facts["metrics"]["review"]["share"] == pytest.approx(
        np.mean([row["needs_review"] == "true" for row in rows])
    )
    assert {(data_folder / row["path"]).is_file() for row in rows} == {True}
    assert facts["versions"] == [bundled.version]
    assert f"**{DISCLAIMER}**" in done.report
    assert "- Model: the bundled package; version: " in done.report
    assert "- Seen in training: unknown" in done.report
    assert "Not answered" not in done.report
    assert f"accuracy={facts['metrics']['accuracy']['value']:.4f};" in done.printed


def test_log_contains_no_file_names(evaluate: Evaluate, data_folder: Path) -> None:
    done = evaluate(data_folder)

    assert not re.search(r"p\d\d-\d", done.printed)
    assert f"images={IMAGES}/{IMAGES}; images_per_second=" in done.printed


def test_file_names_need_not_be_unicode(evaluate: Evaluate, data_folder: Path, task: Task) -> None:
    folder = data_folder / task.class_names[0]
    try:
        (folder / "p00-0.png").rename(folder / "p00-\udcff.png")
    except OSError as error:
        pytest.skip(f"this file system does not allow such a name: {error}")

    done = evaluate(data_folder)

    assert done.facts["images"] == IMAGES


def test_folder_with_a_single_class_can_be_scored(evaluate: Evaluate, data_folder: Path, task: Task) -> None:
    for name in task.class_names[1:]:
        shutil.rmtree(data_folder / name)

    done = evaluate(data_folder)

    assert done.facts["metrics"]["auc"] == {"value": None, "low": None, "high": None}
    assert done.facts["curves"]["classes"] == dict.fromkeys(task.class_names)
    assert "| AUC | not defined |" in done.report


def test_subgroups_of_the_manifest_are_reported(evaluate: Evaluate, tmp_path: Path, task: Task) -> None:
    # Subgroups of fewer than MIN_SUBGROUP images are not reported.
    folder = write_images(tmp_path / "films", task.class_names, 2 * PATIENTS)
    write_manifest(folder)
    manifest = folder / "manifest.csv"
    lines = manifest.read_text(encoding="utf-8").splitlines()
    scanners = ["scanner", *("new" if index % 3 else "old" for index in range(len(lines) - 1))]
    manifest.write_text("\n".join(f"{line},{value}" for line, value in zip(lines, scanners, strict=True)))

    done = evaluate(folder)

    assert {name: part["images"] for name, part in done.facts["metrics"]["subgroups"]["scanner"].items()} == {
        "new": 40,
        "old": 20,
    }
    assert "### By scanner" in done.report


@pytest.mark.parametrize("form", ["folder", "archive", "graph"])
def test_package_is_accepted_in_any_form(
    form: str, evaluate: Evaluate, package: Path, data_folder: Path, tmp_path: Path
) -> None:
    forms = {
        "folder": lambda: package,
        "graph": lambda: package / "model.onnx",
        "archive": lambda: pack(package, tmp_path / "model.tar.gz"),
    }

    done = evaluate(data_folder, "--package", str(forms[form]()))

    assert done.facts["images"] == IMAGES


def test_packages_of_other_tasks_are_rejected(
    get_error: GetError, package: Path, data_folder: Path, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--package", str(package)]
    assert "is for the task 'mammography-views', not for 'chest-xray'" in get_error(
        data_folder, *options, task_name="chest-xray"
    )
    change(package, input={"width": 50, "height": 50, "channels": 3, "fit": "pad"})
    assert "takes colour images of 50 x 50 pixels" in get_error(data_folder, *options)
    change(package, classes=["one", "two"])
    assert "other classes" in get_error(data_folder, *options)
    monkeypatch.setattr("training.evaluation.package_loading.BUNDLED_MODELS", data_folder)
    assert "No model is bundled for 'chest-xray'" in get_error(data_folder, task_name="chest-xray")
    assert "There is no task 'spam'" in get_error(data_folder, task_name="spam")


def test_damaged_packages_are_rejected(
    get_error: GetError, package: Path, data_folder: Path, tmp_path: Path
) -> None:
    def error_for(path: Path) -> str:
        return get_error(data_folder, "--package", str(path))

    assert "There is no package" in error_for(tmp_path / "nowhere.tar.gz")
    (tmp_path / "text.tar.gz").write_text("no archive")
    assert "cannot be unpacked" in error_for(tmp_path / "text.tar.gz")
    with tarfile.open(tmp_path / "empty.tar.gz", "w:gz"):
        pass
    assert "cannot be read" in error_for(tmp_path / "empty.tar.gz")
    shutil.copy(package / "model.onnx", package / "other.onnx")
    assert "must be called model.onnx" in error_for(package / "other.onnx")
    graph = (package / "model.onnx").read_bytes()
    (package / "model.onnx").write_bytes(graph[:1000])
    assert "sha256 differs" in error_for(package)
    change(package, sha256=hashlib.sha256(graph[:1000]).hexdigest())
    assert "does not run" in error_for(package)
    (package / "model.json").unlink()
    assert "cannot be read" in error_for(package / "model.onnx")


def test_training_manifest_shows_the_images_seen_in_training(
    evaluate: Evaluate, get_error: GetError, data_folder: Path, tmp_path: Path
) -> None:
    paths = sorted(data_folder.glob("*/*.png"))
    parts = ["train", "validation", "test", "test", ""]
    lines = ["path,sha256,class,group,part"]
    for index, path in enumerate(paths):
        if part := parts[index % 5]:
            # Images are identified by their content, not by their name.
            lines.append(f"elsewhere/{index}.png,{hashlib.sha256(path.read_bytes()).hexdigest()},x,y,{part}")
    manifest = tmp_path / "training.csv"
    manifest.write_text("\n".join(lines), encoding="utf-8")
    options = ["--manifest", str(manifest)]

    seen = evaluate(data_folder, *options)
    assert "**yes** (6 in train, 6 in validation, 12 in test, 6 in none)" in seen.report

    fresh = evaluate(data_folder, *options, "--part", "test")
    assert f"- Images: {data_folder}, only the test part of the model's training data" in fresh.report
    assert "- Seen in training: no, by their content (0 in train, 0 in validation, 12 in test" in fresh.report
    tested = {str(path.relative_to(data_folder)) for index, path in enumerate(paths) if index % 5 in (2, 3)}
    assert {row["path"] for row in fresh.rows} == tested

    manifest.write_text("path,sha256,part\n", encoding="utf-8")
    assert "None of the 30 images is in the test part" in get_error(data_folder, *options, "--part", "test")
    manifest.write_text("path,class\na,b\n", encoding="utf-8")
    assert "has no column 'sha256'" in get_error(data_folder, *options)
    manifest.unlink()
    assert "cannot be read" in get_error(data_folder, *options)


def test_part_option_requires_a_manifest_for_unknown_images(get_error: GetError, data_folder: Path) -> None:
    assert "Give the manifest.csv" in get_error(data_folder, "--part", "test")


def test_api_is_scored_with_the_original_files(
    evaluate: Evaluate, server: FakeApi, data_folder: Path, monkeypatch: pytest.MonkeyPatch, task: Task
) -> None:
    sent = {path.read_bytes(): path for path in data_folder.glob("*/*.png")}
    server.classify = lambda body: classification(task, task.class_names.index(sent[body].parent.name))
    monkeypatch.setenv(TOKEN, "from the environment")

    done = evaluate(data_folder, "--url", server.url)

    posted = Counter(request[3] for request in server.requests if request[0] == "POST")
    assert posted == dict.fromkeys(sent, 1)
    assert {request[2] for request in server.requests} == {"from the environment"}
    assert done.facts["metrics"]["accuracy"]["value"] == 1
    assert done.facts["metrics"]["ece_before"] is None
    assert done.facts["curves"]["reliability"]["before"] is None
    assert done.facts["versions"] == ["v1 (embedded)"]
    assert {row["distance"] for row in done.rows} == {""}
    assert f"- Model: the API at {server.url}; version: v1 (embedded)" in done.report


def test_unanswered_images_are_reported_and_counted(
    evaluate: Evaluate, server: FakeApi, data_folder: Path, task: Task
) -> None:
    paths = sorted(data_folder.glob("*/*.png"))
    # This is still an image: decoders ignore the trailing bytes.
    paths[0].write_bytes(paths[0].read_bytes() + bytes(MAX_IMAGE_BODY))
    troubles: dict[bytes, list[Reply]] = {
        paths[1].read_bytes(): [Reply({"code": "DamagedImage", "message": "Cut off."}, 422)],
        paths[2].read_bytes(): [Reply({"code": "DamagedImage", "message": "Cut off, too."}, 422)],
        paths[3].read_bytes(): [Reply(b"{")],
        paths[4].read_bytes(): [Reply({}, 503), classification(task, 1, "unfamiliar")],
    }

    def answer(body: bytes) -> Reply:
        return troubles[body].pop(0) if troubles.get(body) else classification(task)

    server.classify = answer

    done = evaluate(data_folder, "--url", server.url, "--token", "mine")

    assert done.facts["images"] == IMAGES - 4
    reasons = {reason["code"]: reason["images"] for reason in done.facts["not_answered"]}
    assert reasons == {"DamagedImage": 2, "TooLarge": 1, "NoClassification": 1}
    assert "4 images got no answer" in done.report
    assert "| DamagedImage | 2 | Cut off. |" in done.report
    assert done.facts["metrics"]["unfamiliar"] == pytest.approx(1 / (IMAGES - 4))
    errors = {row["path"]: row["error"] for row in done.rows if row["error"]}
    names = [str(path.relative_to(data_folder)) for path in paths]
    assert errors[names[1]] == "DamagedImage: Cut off."
    assert errors[names[0]].startswith("TooLarge: The file has 4,50")
    assert len(done.rows) == IMAGES
    assert {row["predicted"] for row in done.rows if row["error"]} == {""}


def test_package_is_scored_under_stress(evaluate: Evaluate, data_folder: Path) -> None:
    done = evaluate(data_folder, "--stress")

    assert done.facts["metrics"]["stress"].keys() == CHANGES.keys()
    [line] = [line for line in done.report.splitlines() if line.startswith("| inversion |")]
    assert line.count("%") + line.count("not defined") == 3


def test_unusable_api_is_rejected_before_images_are_read(
    get_error: GetError, server: FakeApi, data_folder: Path, task: Task
) -> None:
    server.tasks = Reply({"message": "Unauthorized"}, 401)
    assert "rejects the token (HTTP 401)" in get_error("nowhere", "--url", server.url)
    assert "is not the address" in get_error("nowhere", "--url", "localhost:8000")
    assert "not allowed with argument" in get_error(
        data_folder, "--url", server.url, "--package", "model.tar.gz"
    )
    assert "use --package" in get_error("nowhere", "--url", server.url, "--stress")


def test_folders_without_images_are_rejected(get_error: GetError, tmp_path: Path) -> None:
    assert "There is no data folder 'nowhere'" in get_error("nowhere")
    assert "--help explains" in get_error("nowhere", "--pakage", "x")


def test_too_few_resamples_are_rejected(get_error: GetError, data_folder: Path) -> None:
    assert "--bootstrap must be between 10 and 100000" in get_error(data_folder, "--bootstrap", "0")


def test_copies_are_scored_once(evaluate: Evaluate, data_folder: Path, task: Task) -> None:
    original = data_folder / task.class_names[0] / "p00-0.png"
    shutil.copy(original, original.with_name("copy.png"))

    assert evaluate(data_folder).facts["findings"]["copies"] == 1


def test_evaluation_imports_neither_torch_nor_scikit_learn() -> None:
    program = (
        "import sys, training.evaluate, training.evaluate_candidate, training.prepare; "
        "print(sorted({'sklearn', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")
