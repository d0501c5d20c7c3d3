"""The documentation is complete, and everything it names exists."""

import re
import subprocess
from pathlib import Path

import pytest

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
IDS = [page.relative_to(ROOT).as_posix() for page in PAGES]
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
CODE = re.compile(r"^```sh\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


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
def test_commands_exist(page: Path) -> None:
    found = CODE.findall(page.read_text())
    code = "\n".join(block or inline for block, inline in found)
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", code)) <= TARGETS
    for module in re.findall(r"python -m ((?:local|deploy|training|benchmarks|tests)[\w.]*)", code):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
    for path in re.findall(r"(?<![\w./-])((?:tests|deploy|local|chalicelib|training)/[\w./-]+\.\w+)", code):
        assert "TASK" in path or (ROOT / path).exists(), path


@pytest.mark.parametrize("target", sorted(TARGETS - {"help"}))
def test_every_make_target_is_documented(target: str) -> None:
    assert any(f"make {target}" in page.read_text() for page in PAGES)


def test_reference_of_the_api_is_current() -> None:
    assert (ROOT / "docs" / "api.md").read_text() == reference.render()


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 130


def test_files_that_comments_name_exist() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.js", "*.yaml", "*.toml", "*.md", "Makefile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    named = re.compile(
        r"(?<![\w./-])((?:chalicelib|deploy|local|training|tests|statemachine)/[\w/]+\.(?:py|yaml|js|json))\b"
    )
    missing = {
        f"{name}: {path}"
        for name in listed
        if not name.startswith("frontend/vendor")
        for path in named.findall((ROOT / name).read_text(errors="replace"))
        if not (ROOT / path).exists()
    }
    assert missing == set()
