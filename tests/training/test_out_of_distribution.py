"""Out-of-distribution images: loading, preparation for the task, and separation by distance."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chalicelib.imaging import prepare
from chalicelib.models.package import bundled_package
from chalicelib.tasks import Task, load_task
from tests.training.samples import write_images, write_manifest
from training.data.preparation import prepare_data
from training.evaluation import out_of_distribution
from training.evaluation.out_of_distribution import (
    OODImages,
    load_ood_images,
    measure_held_out_ood,
    measure_ood,
)

OTHERS = ("breast-histology", "retinal-oct-2017")


@pytest.fixture
def home(tmp_path: Path, task: Task) -> Path:
    for name in (task.name, *OTHERS):
        write_manifest(write_images(tmp_path / "home" / name, load_task(name).class_names))
    return tmp_path / "home"


def test_ood_images_of_every_other_task_are_prepared_for_this_one(
    home: Path, task: Task, tmp_path: Path
) -> None:
    found = list(load_ood_images(home, task, 3, tmp_path))

    assert tuple(other.name for other in found) == OTHERS
    for other in found:
        name = other.name
        (tmp_path / f"own-{name}").mkdir()
        own = prepare_data(home / name, name, load_task(name), 3, tmp_path / f"own-{name}")
        for images, indices in ((other.train, own.parts["train"]), (other.test, own.parts["test"])):
            paths = [home / name / own.records[index].path for index in indices]
            expected = [prepare(path.read_bytes(), task.input).pixels for path in paths]
            assert np.array_equal(images[:], np.stack(expected))


def test_ood_images_come_from_all_folders_of_a_data_set(home: Path, task: Task, tmp_path: Path) -> None:
    """As in the other task's own training, or images that starting weights have seen could be tested."""
    name, folder = "breast-histology", home / "breast-histology-more"
    write_manifest(write_images(folder, load_task(name).class_names, patients=20))

    [found] = [other for other in load_ood_images(home, task, 3, tmp_path) if other.name == name]

    place = tmp_path / "own"
    place.mkdir()
    own = prepare_data([str(home / name), str(folder)], name, load_task(name), 3, place)
    assert [len(found.train), len(found.test)] == [len(own.parts[part]) for part in ("train", "test")]


def test_ood_images_exclude_tasks_that_a_class_covers(home: Path, task: Task, tmp_path: Path) -> None:
    covering = replace(task, covers=OTHERS[:1])

    assert [other.name for other in load_ood_images(home, covering, 3, tmp_path)] == list(OTHERS[1:])


def test_ood_sample_is_reproducible(
    home: Path, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(out_of_distribution, "MAX_IMAGES", 5)
    places = [tmp_path / "a", tmp_path / "b"]
    for place in places:
        place.mkdir()
    first, again = (list(load_ood_images(home, task, 0, place)) for place in places)

    assert all(len(other.test) == len(other.train) == 5 for other in first)
    assert all(np.array_equal(a.test[:], b.test[:]) for a, b in zip(first, again, strict=True))


def test_data_set_that_cannot_be_split_is_skipped(
    home: Path, task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (home / "retinal-oct-2017").rglob("p*.png"):
        path.unlink()
    (home / "retinal-oct-2017" / "manifest.csv").unlink()

    assert [other.name for other in load_ood_images(home, task, 0, tmp_path)] == ["breast-histology"]
    assert "retinal-oct-2017 is not used as out-of-distribution data: " in capsys.readouterr().out


def test_measure_ood_computes_auroc_and_flagged_share(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distances = {"near": np.array([0.5, 1.5, 2.5]), "far": np.array([9.0, 8.0])}
    monkeypatch.setattr(out_of_distribution, "open_session", lambda _: None)
    monkeypatch.setattr(out_of_distribution, "run", lambda _, images: {"distance": distances[images]})

    measured = measure_ood(
        tmp_path,
        2.0,
        np.array([1.0, 2.0]),
        [OODImages("close", "", "near"), OODImages("strange", "", "far")],  # type: ignore[arg-type]
    )

    # In three of six pairs (0.5, 1.5, 2.5 against 1 and 2) the OOD image is further away.
    assert measured == {
        "close": {"images": 3, "auroc": 0.5, "flagged": pytest.approx(1 / 3)},
        "strange": {"images": 2, "auroc": 1.0, "flagged": 1.0},
    }


def test_measure_ood_runs_the_bundled_model(home: Path, task: Task, tmp_path: Path) -> None:
    package = bundled_package(task.name)
    assert package

    measured = measure_ood(
        package.graph_path,
        package.thresholds.distance,
        np.linspace(5, 25, 50),
        list(load_ood_images(home, task, 0, tmp_path)),
    )

    assert tuple(measured) == OTHERS
    assert all(0 <= other["auroc"] <= 1 and 0 <= other["flagged"] <= 1 for other in measured.values())


def test_held_out_ood_is_measured_without_its_counterexamples(task: Task) -> None:
    class FakeCandidate:
        """Gives images 1 and 2 a distance of 1 if their kind is not hidden, and image 0 always 0."""

        def distances_without(self, hidden: int, pixels: list[int]) -> np.ndarray[Any, Any]:
            return np.array([float(pixel not in (0, hidden + 1)) for pixel in pixels])

    others = [OODImages("first", [], [1, 1]), OODImages("mixed", [], [1, 2])]  # type: ignore[arg-type]

    measured = measure_held_out_ood(FakeCandidate(), [0, 0], others)  # type: ignore[arg-type]

    # A hidden kind is not separated at all; half of the mixed kind is not hidden.
    assert measured == {"first": 0.5, "mixed": 0.75}
