"""The page's limits are those of the API, in its modules and in its texts."""

import re

import pytest

from chalicelib import limits
from chalicelib.imaging import decoded
from chalicelib.imaging.jpeg import segments
from chalicelib.imaging.png import chunks
from chalicelib.retraining import request
from statemachine.batch import PART_IMAGES
from tests.stage import ROOT

MODULES = ROOT / "frontend" / "modules"
LANGUAGES = sorted(path.stem for path in (MODULES / "locales").glob("??.js"))
API_LIMITS = {
    "MAX_FILE_BYTES": limits.MAX_FILE_BYTES,
    "MAX_TEXT": limits.MAX_TEXT,
    "MAX_PAGE_SIZE": limits.RESULTS_PER_PAGE.high,
    "DEFAULT_TRIALS": request.DEFAULT_TRIALS,
    "MIN_TRIALS": limits.MIN_TRIALS,
    "MAX_TRIALS": limits.MAX_TRIALS,
    "DEFAULT_CONCURRENCY": limits.CONCURRENCY.default,
    "MAX_CONCURRENCY": limits.CONCURRENCY.high,
}
"""Every constant of limits.js, which is the only module that repeats limits of requests."""


def constants(module: str) -> dict[str, int]:
    """The numeric constants of a module of the page."""
    found = re.findall(
        r"^(?:export )?const (\w+) = (\d[\d_]*);", (MODULES / module).read_text(), re.MULTILINE
    )
    return {name: int(value) for name, value in found}


def messages(language: str, name: str) -> list[str]:
    """The texts of a name in a language, in all its files."""
    files = sorted((MODULES / "locales").glob(f"*{language}.js"))
    text = "".join(path.read_text() for path in files)
    return re.findall(rf'^ +{name}: "(.*)",$', text, re.MULTILINE)


def test_limits_of_requests_are_those_of_the_api() -> None:
    assert constants("limits.js") == API_LIMITS


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        ("device/prepare.js", "MAX_PIXELS", decoded.MAX_PIXELS),
        ("device/prepare.js", "MIN_SIDE", decoded.MIN_SIDE),
        ("device/jpeg.js", "MAX_SEGMENTS", segments._MAX_SEGMENTS),
        ("device/png.js", "MAX_CHUNKS", chunks._MAX_CHUNKS),
    ],
)
def test_limits_of_images_are_those_of_the_server(module: str, name: str, value: int) -> None:
    assert constants(module)[name] == value


def test_text_fields_take_their_length_from_the_limits() -> None:
    lengths = {
        length
        for path in MODULES.rglob("*.js")
        for length in re.findall(r"maxLength: (\w+)", path.read_text())
    }
    assert lengths == {"MAX_TEXT"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("formats", f" {limits.MAX_FILE_BYTES // 1_000_000} MB"),
        ("formatsOnDevice", f" {limits.MAX_FILE_BYTES // 1_000_000} MB"),
        ("tooLarge", f" {decoded.MAX_PIXELS // 1_000_000} megapixel"),
        ("tooSmall", f" {decoded.MIN_SIDE} × {decoded.MIN_SIDE} pixel"),
        ("trials", f"({limits.MIN_TRIALS} to {limits.MAX_TRIALS})"),
        ("concurrencyHelp", f" {PART_IMAGES} "),
    ],
)
def test_texts_state_the_limits(language: str, name: str, limit: str) -> None:
    (text,) = messages(language, name)
    assert limit.lower() in text.lower().replace(" bis ", " to ")
