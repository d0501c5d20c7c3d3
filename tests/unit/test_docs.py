"""Links, commands, options, files and routes that the documentation names exist.

test_docs_complete.py tests the other direction: what exists is documented.
"""

import re
import subprocess
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import app
from chalicelib.hyperparameters import Hyperparameters
from deploy import reference
from tests.stage import ROOT

PAGES = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    if not name.startswith("chalicelib/models/")
)
FILE_NAMES = {
    path.rpartition("/")[2]
    for path in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
}
IDS = [page.relative_to(ROOT).as_posix() for page in PAGES]
CURRENT = [page for page in PAGES if page.name != "CHANGELOG.md"]
"""The changelog may name what is gone."""
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
LISTED_TARGETS = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
"""The targets that `make` lists; others are parts of them."""
CODE = re.compile(r"^```sh\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
VARIABLES = {*re.findall(r"\$\(([A-Z_]+)\)", MAKEFILE), "PORT", "EMULATOR_PORT", "LOGIN"}
"""What can be given to make; local.run reads the last three."""
ARGUMENTS = re.compile(r"-m (?:local|deploy|training|benchmarks|tests)[\w.]*(.*)|ARGS=\"(.*?)\"")
OPTIONS = {
    option
    for package in ("benchmarks", "deploy", "local", "tests", "training")
    for path in (ROOT / package).rglob("*.py")
    for option in re.findall(r'"(--[a-z-]+)"', path.read_text())
} | {f"--{spec.name.replace('_', '-')}" for spec in fields(Hyperparameters)}
NAMED_FILE = re.compile(
    r"(?<![\w./-])((?:tests|deploy|local|chalicelib|training|frontend|statemachine|benchmarks|docs|\.chalice|\.ci)"
    r"/[\w./-]+\.\w+)"
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
WEB_ADDRESS = re.compile(r"https?://[^\s<>()`\"']+")
HOSTS = {"creativecommons.org", "doi.org", "keepachangelog.com", "semver.org"}
"""The only web sites that the documentation links to; the tests use no network."""


def code_of(page: Path) -> list[str]:
    """The blocks of shell commands in a page, and what it sets as code within sentences."""
    return [block or inline for block, inline in CODE.findall(page.read_text())]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as on GitHub."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_have_a_target(page: Path) -> None:
    dead = []
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_web_addresses_are_of_known_hosts(page: Path) -> None:
    """Addresses of this machine are plain HTTP, all others HTTPS."""
    for address in WEB_ADDRESS.findall(page.read_text()):
        parts = urlsplit(address)
        assert parts.hostname in HOSTS | {"localhost"}, address
        assert parts.scheme == ("http" if parts.hostname == "localhost" else "https"), address
        assert parts.port or parts.hostname != "localhost", address


@pytest.mark.parametrize("page", CURRENT, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    code = "\n".join(code_of(page))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", code)) <= TARGETS
    for module in re.findall(r"python -m ((?:local|deploy|training|benchmarks|tests)[\w.]*)", code):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
    for path in NAMED_FILE.findall(code):
        assert "TASK" in path or (ROOT / path).exists(), path
    assert set(re.findall(r"(?<![\w./*-])(\w+\.(?:py|js|yaml))\b", code)) <= FILE_NAMES


@pytest.mark.parametrize("page", CURRENT, ids=lambda page: page.name)
def test_options_and_variables_of_commands_exist(page: Path) -> None:
    for line in "\n".join(code_of(page)).splitlines():
        if found := ARGUMENTS.search(line):
            assert set(re.findall(r"--[a-z-]+", found[1] or found[2] or "")) <= OPTIONS, line
        if command := re.search(r"\bmake [a-z]+((?: [A-Z_]+=\S*)+)", line):
            names = set(re.findall(r" ([A-Z_]+)=", command[1]))
            assert names <= VARIABLES, line


@pytest.mark.parametrize("page", CURRENT, ids=lambda page: page.name)
def test_measured_times_name_the_command_that_prints_them(page: Path) -> None:
    for section in re.split(r"^#+ ", page.read_text(), flags=re.MULTILINE):
        if re.search(r"\d ms\b", section):
            assert re.search(r"make bench|-m benchmarks", section), section.splitlines()[0]


@pytest.mark.parametrize("page", CURRENT, ids=lambda page: page.name)
def test_routes_exist(page: Path) -> None:
    known = [re.sub(r"\{\w+\}", "[^/]+", path) for path in app.app.routes]
    for path in re.findall(r"(?<![\w.])/api(/[\w.$/-]+)", "\n".join(code_of(page))):
        assert any(re.fullmatch(pattern, path.rstrip("/")) for pattern in known), path


@pytest.mark.parametrize("target", sorted(LISTED_TARGETS - {"help"}))
def test_every_make_target_is_documented(target: str) -> None:
    assert any(f"make {target}" in page.read_text() for page in PAGES)


def test_reference_of_the_api_is_current() -> None:
    assert (ROOT / "docs" / "api.md").read_text() == reference.render()


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 130


def sources() -> dict[str, str]:
    """Text of each of the project's own files, by its path."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.js", "*.yaml", "*.toml", "*.md", "Makefile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return {name: (ROOT / name).read_text(errors="replace") for name in listed}


def test_make_targets_that_sources_name_exist() -> None:
    missing = {
        f"{name}: make {target}"
        for name, text in sources().items()
        if name != "CHANGELOG.md"
        for target in re.findall(r"`make ([a-z][a-z-]*)", text)
        if target not in TARGETS
    }
    assert missing == set()


def test_files_that_comments_name_exist() -> None:
    named = re.compile(
        r"(?<![\w./-])((?:chalicelib|deploy|local|training|tests|statemachine)/[\w/]+\.(?:py|yaml|js|json))\b"
    )
    missing = {
        f"{name}: {path}"
        for name, text in sources().items()
        for path in named.findall(text)
        if not (ROOT / path).exists()
    }
    assert missing == set()


@pytest.mark.parametrize("page", ["threat-model.md", "security.md"])
def test_claims_about_safety_name_real_tests(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    found = re.findall(r"`([\w/]+/test_\w+\.py)`", text)
    files = {ROOT / "tests" / name.removeprefix("tests/") for name in found}
    assert [file for file in files if not file.exists()] == []
    code = "".join(file.read_text() for file in files)
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 20
    assert {name for name in named if f"def {name}(" not in code} == set()
