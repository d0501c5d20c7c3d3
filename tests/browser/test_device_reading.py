"""The page prepares files with the server's pixels, or leaves them to the server."""

import csv
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route

from chalicelib import errors
from chalicelib.imaging.dicom import defined_terms
from chalicelib.limits import MAX_FILE_BYTES
from chalicelib.tasks import InputSpec
from tests.browser import device_reading, odd_dicoms, odd_files, odd_pngs
from tests.browser.device_reading import Reading
from tests.stage import ROOT

SPECS = [
    InputSpec(width=112, height=224, channels=1, fit="pad"),
    InputSpec(width=90, height=60, channels=3, fit="stretch"),
]

TOLERANCE = 1
"""Grey levels by which a pixel may differ: alpha and reduced JPEGs are rounded at a different point."""
HARD_TO_REDUCE = {"JPEG: large, saturated", "JPEG: large, noise"}
"""JPEGs that libjpeg reduces during decoding, and the page afterwards. No real image has such hard edges."""
REDUCED_TOLERANCE, REDUCED_MEAN = 8, 1.5

READ_HERE = {
    f"{kind}: {name}": data
    for kind, files in {
        "PNG": odd_pngs.pngs_read_here(),
        "JPEG": odd_files.jpegs_read_here(),
        "DICOM": odd_dicoms.dicoms_read_here(),
    }.items()
    for name, data in files.items()
}
LEFT_TO_THE_SERVER = {
    f"{kind}: {name}": data
    for kind, files in {
        "PNG": odd_pngs.pngs_left_to_the_server(),
        "JPEG": odd_files.jpegs_left_to_the_server(),
        "DICOM": odd_dicoms.dicoms_left_to_the_server(),
        "TIFF": odd_files.tiffs(),
    }.items()
    for name, data in files.items()
}
REFUSED = odd_files.refused_everywhere()


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Page]:
    """An empty page that can load the page's modules."""
    context = browser.new_context()
    page = context.new_page()
    page.route("**/*", module_or_empty_page)
    page.goto("http://localhost/")
    page.evaluate("import('/modules/text.js').then(({ loadPreferredLanguage }) => loadPreferredLanguage())")
    yield page
    context.close()


def module_or_empty_page(route: Route) -> None:
    path = urlsplit(route.request.url).path
    if path == "/":
        route.fulfill(body="<!doctype html>", content_type="text/html")
    else:
        route.fulfill(path=ROOT / "frontend" / path[1:])


@pytest.fixture(scope="module")
def here(lab: Page, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Reading]]:
    """All files as prepared by the page, once per spec."""
    files = READ_HERE | LEFT_TO_THE_SERVER | REFUSED
    return device_reading.on_the_page(lab, files, SPECS, tmp_path_factory.mktemp("files"))


def disagreement(name: str, here: Reading, server: Reading) -> str:
    """The difference between page and server; empty if they agree, or the file is left to the server."""
    if here.refusal:
        verdict = device_reading.VERDICTS.get(here.refusal)
        return (
            "" if verdict is None or verdict.__name__ == server.refusal else f"{here.refusal}, not {server}"
        )
    if server.refusal:
        return f"read, though the server says {server.refusal}"
    assert here.pixels is not None
    assert server.pixels is not None
    if (here.box, here.source) != (server.box, server.source):
        return f"{here.box} of {here.source}, not {server.box} of {server.source}"
    differs = np.abs(here.pixels - server.pixels)
    most, mean = (REDUCED_TOLERANCE, REDUCED_MEAN) if name in HARD_TO_REDUCE else (TOLERANCE, TOLERANCE)
    return f"differs by up to {differs.max()}" if differs.max() > most or differs.mean() > mean else ""


def check(name: str, data: bytes, readings: list[Reading]) -> None:
    for spec, reading in zip(SPECS, readings, strict=True):
        assert disagreement(name, reading, device_reading.on_the_server(data, spec)) == ""


@pytest.mark.parametrize("name", READ_HERE)
def test_page_reads_usual_files_as_the_server_does(here: dict[str, list[Reading]], name: str) -> None:
    assert [reading.refusal for reading in here[name]] == ["", ""]
    check(name, READ_HERE[name], here[name])


@pytest.mark.parametrize("name", LEFT_TO_THE_SERVER)
def test_page_leaves_unusual_files_to_the_server(here: dict[str, list[Reading]], name: str) -> None:
    """Whether or not the server reads them."""
    assert all(reading.refusal and reading.refusal not in device_reading.VERDICTS for reading in here[name])


@pytest.mark.parametrize("name", REFUSED)
def test_page_refuses_what_the_server_refuses(here: dict[str, list[Reading]], name: str) -> None:
    assert all(reading.refusal for reading in here[name])
    assert device_reading.on_the_server(REFUSED[name], SPECS[0]).refusal
    check(name, REFUSED[name], here[name])


def test_page_refuses_files_over_the_size_limit(lab: Page, tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    (reading,) = device_reading.of_paths(lab, [tmp_path / "large"], SPECS[:1])[0]
    assert device_reading.VERDICTS[reading.refusal] is errors.ImageTooLarge


def test_defined_terms_match_the_server(lab: Page) -> None:
    found = lab.evaluate(
        """async () => {
            const { MODALITIES, LATERALITIES, VIEW_POSITIONS } = await import("/modules/dicomterms.js");
            return [MODALITIES, LATERALITIES, VIEW_POSITIONS].map((terms) => [...terms]);
        }"""
    )
    terms = (defined_terms.MODALITIES, defined_terms.LATERALITIES, defined_terms.VIEW_POSITIONS)
    assert [set(group) for group in found] == [set(group) for group in terms]


def test_real_dicom_files_are_read_as_on_the_server(lab: Page, data_set: Path) -> None:
    with (data_set / "dicom" / "manifest.csv").open() as manifest:
        paths = [data_set / "dicom" / row["path"] for row in csv.DictReader(manifest)]
    readings = device_reading.of_paths(lab, paths, SPECS[:1])
    found = {
        path.name: disagreement(path.name, reading, device_reading.on_the_server(path.read_bytes(), SPECS[0]))
        for path, (reading,) in zip(paths, readings, strict=True)
    }
    assert {name: words for name, words in found.items() if words} == {}
    assert sum(not reading.refusal for (reading,) in readings) >= 9
