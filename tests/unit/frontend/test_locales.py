"""The page's translations cover the server's errors, reasons and states."""

import json
import re
from collections.abc import Iterator
from typing import get_args

import pytest

from chalicelib import errors
from chalicelib.batches import part
from chalicelib.batches.outcome import NOT_PROCESSED
from chalicelib.monitoring.drift_document import MissingReport
from chalicelib.storage.audit import Act
from tests.stage import ROOT

LOCALES = ROOT / "frontend" / "modules" / "locales"
LANGUAGES = sorted(path.stem for path in LOCALES.glob("??.js") if path.stem != "en")
"""The server's own sentences are English, so that they need no translation there."""
OF_HTTP = {"InternalError", "UnsupportedMediaType"}
"""Codes that only `chalicelib/api/http.py` gives."""
STATE_MACHINE = ROOT / "statemachine" / "retrain.asl.json"
STORED_BEFORE_0_2 = {"GaveUp"}
"""Codes in stored results that are not given any more."""
REFUSED_REQUESTS = {"InvalidHyperparameters", "ExportTooLarge"}
"""Kinds of `InvalidRequest` that no image can be."""
REVIEW_RULE = ROOT / "chalicelib" / "models" / "review_rule.py"


def codes(kind: type[errors.NegatoscopeError] = errors.NegatoscopeError) -> Iterator[str]:
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each.__name__
            yield from codes(each)


@pytest.mark.parametrize("language", LANGUAGES)
def test_server_errors_have_texts_in_every_language(language: str) -> None:
    translated = re.findall(r"^  (\w+):", (LOCALES / f"errors.{language}.js").read_text(), re.MULTILINE)
    assert len(translated) == len(set(translated))
    assert set(translated) == {*codes()} | OF_HTTP | STORED_BEFORE_0_2


@pytest.mark.parametrize("language", LANGUAGES)
def test_review_reasons_have_texts_in_every_language(language: str) -> None:
    given = set(re.findall(r'^ +"([a-z-]+)",$', REVIEW_RULE.read_text(), re.MULTILINE))
    words = re.search(r"\n  reasons: {\n(.*?)\n  },\n", (LOCALES / f"{language}.js").read_text(), re.DOTALL)
    assert words
    assert set(re.findall(r'^    "?([\w-]+)"?:', words[1], re.MULTILINE)) == given
    assert len(given) == 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_retraining_states_have_texts_in_every_language(language: str) -> None:
    """Except questions, which the page does not list."""
    states = {name for name in json.loads(STATE_MACHINE.read_text())["States"] if not name.endswith("?")}
    texts = re.search(
        r"\n  steps: {\n(.*?)\n  },\n", (LOCALES / f"modelpages.{language}.js").read_text(), re.DOTALL
    )
    assert texts
    assert states == set(re.findall(r'^    "?([\w: ]+?)"?: "', texts[1], re.MULTILINE))


@pytest.mark.parametrize("language", LANGUAGES)
def test_reasons_for_no_drift_report_have_texts_in_every_language(language: str) -> None:
    given = set(get_args(MissingReport.__annotations__["code"]))
    texts = re.search(
        r"\n    missing: {\n(.*?)\n    },\n", (LOCALES / f"modelpages.{language}.js").read_text(), re.DOTALL
    )
    assert texts
    assert given == set(re.findall(r'^      "([\w-]+)":', texts[1], re.MULTILINE))


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_reasons_for_files_without_a_result_have_texts_in_every_language(language: str) -> None:
    given = {NOT_PROCESSED, errors.ModelFailed.__name__}  # the latter of answers of transform jobs
    for kind in part._UNUSABLE:
        given |= {kind.__name__, *codes(kind)}
    assert given - REFUSED_REQUESTS == texts(f"batches.{language}.js", "reasons")


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_acts_of_the_audit_record_have_texts_in_every_language(language: str) -> None:
    assert set(get_args(Act)) == texts(f"audit.{language}.js", "acts")


def texts(file: str, table: str) -> set[str]:
    """The keys of a table of texts."""
    found = re.search(rf"\n  {table}: [^\n]*{{\n(.*?)\n  }}\)?,\n", (LOCALES / file).read_text(), re.DOTALL)
    assert found
    return set(re.findall(r'^    "?([\w-]+)"?: ', found[1], re.MULTILINE))
