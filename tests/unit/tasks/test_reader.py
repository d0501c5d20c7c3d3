"""Task files are read, and mistakes in them reported."""

import re
from pathlib import Path

import pytest

from chalicelib.tasks import (
    DisplayWindow,
    EndpointSpec,
    Serving,
    TaskFileError,
    TrainingSpec,
    load_tasks,
    read_task,
)
from chalicelib.tasks.reader import MAX_NAME
from tests.stage import ROOT


def test_all_tasks_are_loaded() -> None:
    assert list(load_tasks()) == [
        "breast-histology",
        "breast-ultrasound",
        "chest-xray",
        "mammography-views",
        "retinal-oct",
        "retinal-oct-2017",
    ]


def test_tasks_of_this_application_are_translated() -> None:
    assert all(set(task.translations) == {"de"} for task in load_tasks().values())


def test_covered_tasks_exist() -> None:
    assert {name for task in load_tasks().values() for name in task.covers} <= load_tasks().keys()


def test_the_longest_names_fit_what_sagemaker_takes() -> None:
    longest = f"negatoscope-{'s' * 11}-{'t' * MAX_NAME}-{'x' * 8}-eval"
    assert len(longest) <= 63


GOOD = (ROOT / "chalicelib/tasks/mammography-views.toml").read_text()


ENDPOINT = '[endpoint]\nname = "foot"\nprotocol = "image-classification"\n'


SERVERLESS = '[serving]\nkind = "serverless"\n'


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('title = "Mammography views"\n', "", "'title' is missing"),
        ('title = "Mammography views"', "title = 3", "'title' must be a string"),
        ('title = "Mammography views"', 'title = " "', "'title' must not be empty"),
        ('title = "Mammography views"', 'tilte = "x"\ntitle = "x"', "unknown key 'tilte'"),
        ('name = "mammography-views"', 'name = "mammo"', "file is called mammography-views.toml"),
        (
            'name = "mammography-views"',
            'name = "mammography-views-and-more"',
            "'name' may have 24 characters; 'mammography-views-and-more' has 26",
        ),
        ('name = "left-cc"', 'name = "Left CC"', "lower-case words joined by hyphens"),
        ('name = "left-mlo"', 'name = "left-cc"', "two classes are called 'left-cc'"),
        ('flips_to = "right-mlo"', 'flips_to = "right"', "names no class of this task"),
        ('flips_to = "right-mlo"', 'flips_to = "right-cc"', "must flip back"),
        ("width = 112", "width = 4", "'width' must be from 16 to 2048, not 4"),
        ("width = 112\nheight = 224", "width = 2000\nheight = 2001", "at most 4,000,000"),
        ("width = 112", 'width = "112"', "'width' must be an integer"),
        ("channels = 1", "channels = 2", "1 (grey) or 3 (RGB)"),
        ("colour = 0.0", "colour = 0.0\nstain = 0.1", "'stain' needs an input in colour"),
        ("quarter_turns = false", "quarter_turns = true", "'quarter_turns' needs a square input"),
        ('fit = "pad"', 'fit = "crop"', "must be one of pad, stretch, not 'crop'"),
        ("min_probability = 0.9", "min_probability = 90", "must be from 0 to 1, not 90"),
        ("flip = true", "flip = 1", "'flip' must be true or false"),
        ("accuracy = 0.992", "precision = 0.992", "unknown key 'precision'"),
        (
            'modality = "MG"',
            'modality = "MG"\nnegative = "left"',
            "'negative' names no class of this task: 'left'",
        ),
        ('modality = "MG"', 'modality = "MG"\nnegative = ""', "'negative' must not be empty"),
        ("[translations.de]", "[translations.German]", "is called as in BCP 47, such as de, not 'German'"),
        ('left-cc = "Linke Brust, kraniokaudal"\n', "", "'left-cc' is missing"),
        ('left-cc = "Linke', 'left-foot = "x"\nleft-cc = "Linke', "unknown key 'left-foot'"),
        ('title = "Mammographie-Projektionen"\n', "", "'title' is missing"),
        ('covers = ["chest-xray"]', 'covers = ["Toes"]', "'covers' must name other tasks"),
        ('covers = ["chest-xray"]', 'covers = ["mammography-views"]', "'covers' must name other tasks"),
        ('covers = ["chest-xray"]', 'covers = "chest-xray"', "'covers' must be a list"),
        ("[review]\n", '[endpoint]\nprotocol = "negatoscope"\n\n[review]\n', "'name' is missing"),
        ("[review]\n", '[endpoint]\nname = "a"\n\n[review]\n', "'protocol' is missing"),
        ("[review]\n", f'{ENDPOINT}url = "x"\n\n[review]\n', "unknown key 'url'"),
        (
            "[review]\n",
            f"{ENDPOINT.replace('foot', 'foot/2')}\n[review]\n",
            "does not allow the endpoint name 'foot/2'",
        ),
        ("[review]\n", f"{ENDPOINT.replace('image-', 'text-')}\n[review]\n", "not 'text-classification'"),
        ('modality = "MG"', 'modality = "MG"\nendpoint = "foot"', "must be a table [endpoint]"),
        ("[review]\n", '[serving]\nkind = "cheap"\n\n[review]\n', "must be one of embedded, serverless"),
        (
            "[review]\n",
            f"{SERVERLESS}max_concurrency = 5\nmemory_mb = 3000\n\n[review]\n",
            "multiple of 1024, not 3",
        ),
        ("[review]\n", f"{SERVERLESS}memory_mb = 9216\n\n[review]\n", "must be from 1024 to 6144"),
        (
            "[review]\n",
            f"{SERVERLESS}memory_mb = 1024\nmax_concurrency = 5\ninstances = 2\n\n[review]\n",
            "unknown key 'instances'",
        ),
        (
            "[review]\n",
            '[serving]\nkind = "provisioned"\ninstances = 2\ninstance_type = "t3"\n\n[review]\n',
            "no instance type 't3'",
        ),
        (
            "[review]\n",
            "[training]\ninstance_count = 17\n\n[review]\n",
            "'instance_count' must be from 1 to 16, not 17",
        ),
        ("[review]\n", "[training]\ninstances = 2\n\n[review]\n", "unknown key 'instances'"),
        ('name = "skin-line"', 'name = "Skin"', "a window's name is lower-case words joined by hyphens"),
        ('name = "skin-line"', 'name = "dense-tissue"', "two windows are called 'dense-tissue'"),
        ("white = 40", "white = 0", "'white' must be more than 'black', which is 0"),
        ("white = 40", "white = 140", "'white' must be from 0 to 100, not 140"),
        ("white = 40\n", "", "'white' is missing"),
        ("white = 40", "width = 400", "'center' is missing"),
        ("black = 0", "black = 0\ncenter = 40\nwidth = 400", "unknown key 'black'"),
        ("white = 40", "center = 40\nwidth = 0", "'width' must be from 1 to 65536, not 0"),
        ('skin-line = "Hautlinie"\n', "", "'skin-line' is missing"),
        ("[review]\n", "[reviews]\n", "'review' is missing"),
        ("width = 112", "width = = 112", "Invalid value"),
    ],
)
def test_mistake_is_reported_with_file_and_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert GOOD.count(old) == 1
    path = tmp_path / "mammography-views.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(TaskFileError, match=re.escape(problem)) as caught:
        read_task(path)
    file, line, _ = str(caught.value).split(":", 2)
    assert file == str(path)
    if new and "missing" not in problem:
        lines = path.read_text().splitlines()
        assert lines[int(line) - 1] in new or "flip back" in problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Serving("embedded", 3072, 5)),
        ('[serving]\nkind = "embedded"\n', Serving("embedded")),
        (
            '[serving]\nkind = "serverless"\nmemory_mb = 2048\nmax_concurrency = 9\n',
            Serving("serverless", 2048, 9),
        ),
        (
            '[serving]\nkind = "provisioned"\ninstance_type = "ml.g5.xlarge"\ninstances = 2\n',
            Serving("provisioned", instance_type="ml.g5.xlarge", instances=2),
        ),
    ],
)
def test_serving_is_read(tmp_path: Path, text: str, expected: Serving) -> None:
    path = tmp_path / "mammography-views.toml"
    path.write_text(f"{GOOD}\n{text}")
    assert read_task(path).serving == expected


def test_instances_of_a_training_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mammography-views.toml"
    path.write_text(f"{GOOD}\n[training]\ninstance_count = 4\n")
    assert read_task(path).training == TrainingSpec(4, 1)
    path.write_text(f"{GOOD}\n[training]\npreparation_instance_count = 3\n")
    assert read_task(path).training == TrainingSpec(1, 3)
    path.write_text(f"{GOOD}\n[training]\nstream = true\n")
    assert read_task(path).training == TrainingSpec(1, 1, True)
    path.write_text(GOOD)
    assert read_task(path).training == TrainingSpec(1)


def test_windows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mammography-views.toml"
    path.write_text(GOOD.replace("black = 0\nwhite = 40\n", "center = -40\nwidth = 400.5\n"))
    task = read_task(path)
    assert task.windows == (
        DisplayWindow("skin-line", "Skin line", center=-40, width=400.5),
        DisplayWindow("dense-tissue", "Dense tissue", black=30, white=100),
    )
    assert task.translations["de"].windows["skin-line"] == "Hautlinie"


@pytest.mark.parametrize("name", ["f", "F-2", "foot--2", "f" * 63])
def test_endpoint_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mammography-views.toml"
    path.write_text(GOOD + ENDPOINT.replace("foot", name))
    assert read_task(path).endpoint == EndpointSpec(name, "image-classification")


def test_endpoint_protocol_may_be_called_contract_as_before_0_2(tmp_path: Path) -> None:
    path = tmp_path / "mammography-views.toml"
    path.write_text(GOOD + ENDPOINT.replace("protocol", "contract"))
    assert read_task(path).endpoint == EndpointSpec("foot", "image-classification")


@pytest.mark.parametrize("name", ["-f", "f-", "f_2", "f" * 64, "füß"])
def test_endpoint_names_invalid_at_sagemaker_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mammography-views.toml"
    path.write_text(GOOD + ENDPOINT.replace("foot", name))
    with pytest.raises(TaskFileError, match="endpoint name"):
        read_task(path)


def test_gate_without_a_metric_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mammography-views.toml"
    path.write_text(GOOD.replace("accuracy = 0.992\nbalanced_accuracy = 0.97\n", ""))
    with pytest.raises(TaskFileError, match="the gate needs at least one of accuracy"):
        read_task(path)


def test_single_class_is_refused(tmp_path: Path) -> None:
    head, _, _ = GOOD.partition("[[classes]]")
    _, _, tail = GOOD.partition("[input]")
    path = tmp_path / "mammography-views.toml"
    path.write_text(f'{head}[[classes]]\nname = "only"\ntitle = "Only"\n\n[input]{tail}')
    with pytest.raises(TaskFileError, match="at least two"):
        read_task(path)
