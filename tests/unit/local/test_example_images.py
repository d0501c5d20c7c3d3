"""The example images of the page are complete, small, and as drawn."""

import re

import numpy as np
import pytest
from PIL import Image

from chalicelib.tasks import load_tasks
from deploy.page import Page
from local.example_images import DRAWINGS, EXAMPLES
from tests.stage import ROOT

FILES = sorted(EXAMPLES.glob("*.jpg"), key=lambda path: path.stem)
MODULES = ROOT / "frontend" / "modules"


@pytest.mark.parametrize("task", DRAWINGS)
def test_drawing_is_the_file(task: str) -> None:
    drawn = DRAWINGS[task]()
    with Image.open(EXAMPLES / f"{task}.jpg") as stored:
        assert (drawn.size, drawn.mode) == (stored.size, stored.mode)
        # JPEG is lossy, and its encoders differ.
        assert np.abs(np.asarray(drawn, np.int16) - np.asarray(stored, np.int16)).mean() < 8


def test_each_task_has_an_example_that_the_page_offers() -> None:
    names = [path.stem for path in FILES]
    assert names == list(load_tasks())
    offered = re.search(r"EXAMPLES = \[(.*?)\]", (MODULES / "emptystate.js").read_text())
    assert offered
    assert re.findall('"(.*?)"', offered[1]) == names


def test_examples_are_small_files_of_the_page_without_metadata() -> None:
    page = Page(ROOT / "frontend")
    for path in FILES:
        assert path.stat().st_size < 25_000
        assert page.find(f"/examples/{path.name}") is not None
        with Image.open(path) as image:
            assert not image.getexif()


def test_images_of_patients_name_their_source_and_licence() -> None:
    sources = (MODULES / "example.js").read_text()
    readme = (EXAMPLES / "README.md").read_text()
    for path in FILES:
        assert f"`{path.name}`" in readme
        assert (f'"{path.stem}": {{ name: "' in sources) == (path.stem not in DRAWINGS)
