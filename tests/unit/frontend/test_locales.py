"""What the page says of the server's errors and reasons, in each of its languages."""

import re
from collections.abc import Iterator

import pytest

from chalicelib import errors
from tests.stage import ROOT

WORDS = ROOT / "frontend" / "modules" / "locales"
LANGUAGES = sorted(path.stem for path in WORDS.glob("??.js") if path.stem != "en")
"""The server's own sentences are English, so that they need no translation there."""
OF_HTTP = {"InternalError", "UnsupportedMediaType"}
"""Codes that only `chalicelib/api/http.py` gives."""
STORED_BEFORE_0_2 = {"GaveUp"}
"""Codes in stored results that are not given any more."""
REVIEW_RULE = ROOT / "chalicelib" / "models" / "review_rule.py"


def codes(kind: type[errors.NegatoscopeError] = errors.NegatoscopeError) -> Iterator[str]:
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each.__name__
            yield from codes(each)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_of_the_server_has_words_in_every_language(language: str) -> None:
    translated = re.findall(r"^  (\w+):", (WORDS / f"errors.{language}.js").read_text(), re.MULTILINE)
    assert len(translated) == len(set(translated))
    assert set(translated) == {*codes()} | OF_HTTP | STORED_BEFORE_0_2


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_for_review_has_words_in_every_language(language: str) -> None:
    given = set(re.findall(r'^ +"([a-z-]+)",$', REVIEW_RULE.read_text(), re.MULTILINE))
    words = re.search(r"\n  reasons: {\n(.*?)\n  },\n", (WORDS / f"{language}.js").read_text(), re.DOTALL)
    assert words
    assert set(re.findall(r'^    "?([\w-]+)"?:', words[1], re.MULTILINE)) == given
    assert len(given) == 4
