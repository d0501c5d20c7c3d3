"""What training and the server store in English with models and retrainings has a text in every language."""

import ast
import re
from collections.abc import Iterator

import pytest

from chalicelib.hyperparameters import Hyperparameters
from chalicelib.models.package import BUNDLED_MODELS
from tests.stage import ROOT
from tests.unit.frontend.test_locales import LANGUAGES, LOCALES

FORMS = ROOT / "frontend" / "modules" / "sentences.js"
WRITERS = (
    "chalicelib/models/seeding.py",
    "chalicelib/models/unused_endpoint.py",
    "chalicelib/retraining/candidate.py",
    "chalicelib/retraining/executions.py",
    "chalicelib/retraining/failure.py",
    "chalicelib/retraining/finalization.py",
    "chalicelib/retraining/stopper.py",
    "chalicelib/retraining/task_lock.py",
    "training/evaluation/gate.py",
    "training/evaluation/unseen_images.py",
)
"""The modules that write reasons of decisions and outcomes of retrainings."""


def forms() -> dict[str, re.Pattern[str]]:
    """The forms that the page knows, by name."""
    found = re.findall(r"^  (\w+): /(.*)/,$", FORMS.read_text(), re.MULTILINE)
    return {name: re.compile(form.replace("(?<", "(?P<").replace(r"\/", "/")) for name, form in found}


def sentences(path: str) -> Iterator[str]:
    """Texts in a module that end as sentences do, with 1 for every value: no docstrings, and no errors."""
    tree = ast.parse((ROOT / path).read_text())
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            left_out.update(map(id, ast.walk(node)))
        elif isinstance(node, ast.JoinedStr) and id(node) not in left_out:
            left_out.update(id(part) for part in ast.walk(node) if part is not node)
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "1" for part in node.values)
            text = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if re.search(r"\w \w.*[.:] ?$", text):
            yield text


@pytest.mark.parametrize("path", WRITERS)
def test_stored_sentences_have_a_form(path: str) -> None:
    found = list(sentences(path))
    assert found
    for sentence in found:
        left = sentence
        for form in sorted(forms().values(), key=lambda form: -len(form.pattern)):
            left = form.sub("", left)
        assert not re.search("[A-Za-z]{3}", left), sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_forms_have_texts_in_every_language(language: str) -> None:
    assert set(forms()) | {"notDefined"} == names("sentences", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_hyperparameters_have_texts_in_every_language(language: str) -> None:
    assert set(Hyperparameters().to_dict()) == names("hyperparameterMeanings", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_of_plots_have_texts_in_every_language(language: str) -> None:
    """Those in the plots of the bundled models; a label of several lines is a group of texts."""
    known = names("plotWords", language)
    for path in BUNDLED_MODELS.glob("*/plots/*.svg"):
        classes = set(re.findall(r'name = "([\w-]+)"', task_file(path.parts[-3])))
        for group in re.findall(r'<g id="text_\d+">(.*?)</g>', path.read_text(), re.DOTALL):
            lines = re.findall(r"<text[^>]*>([^<]*)</text>", group)
            label = re.sub(r" \((AUC|AP|ECE|\d).*\)$", "", "".join(lines))
            if re.search("[a-z]{3}", label):
                assert label in known | classes or lines[0] in known, path


def task_file(task: str) -> str:
    return (ROOT / "chalicelib" / "tasks" / f"{task}.toml").read_text()


def names(table: str, language: str) -> set[str]:
    """The keys of a table of texts."""
    source = (LOCALES / f"sentences.{language}.js").read_text()
    entries = re.search(rf"\nexport const {table} = {{\n(.*?)\n}};\n", source, re.DOTALL)
    assert entries
    found = re.findall(r'^  (?:(\w+)|"([^"]+)"):', entries[1], re.MULTILINE)
    return {word or words for word, words in found}
