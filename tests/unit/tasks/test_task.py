"""The tasks of this repository."""

from chalicelib.tasks import (
    load_task,
    load_tasks,
)
from tests.stage import ROOT


def test_mirrored_mammogram_has_the_other_side() -> None:
    task = load_task("mammography-views")
    names = task.class_names
    mirrored = [names[index] for index in task.flip_permutation]
    assert dict(zip(names, mirrored, strict=True)) == {
        "left-cc": "right-cc",
        "right-cc": "left-cc",
        "left-mlo": "right-mlo",
        "right-mlo": "left-mlo",
        "not-a-mammogram": "not-a-mammogram",
    }


def test_every_task_states_its_use_and_limits() -> None:
    for task in load_tasks().values():
        assert "research" in task.intended_use
        assert task.limits
        assert all(spec.title for spec in task.classes)
        assert task.gate


def test_disease_tasks_name_their_negative_class() -> None:
    negatives = {name: task.negative for name, task in load_tasks().items()}
    assert negatives.pop("mammography-views") is None
    for name, negative in negatives.items():
        assert negative in load_task(name).class_names


def test_class_names_occur_only_in_task_files() -> None:
    names = {
        name
        for task in load_tasks().values()
        for name in task.class_names
        if "-" in name  # "normal" and similar names are ordinary words
    }
    sources = [ROOT / "app.py"]
    for folder in ("chalicelib", "training", "local", "frontend", "deploy", "benchmarks"):
        sources += [path for kind in ("*.py", "*.js", "*.html") for path in (ROOT / folder).rglob(kind)]
    found = [f"{path}: {name}" for path in sources for name in names if name in path.read_text()]
    assert not found
