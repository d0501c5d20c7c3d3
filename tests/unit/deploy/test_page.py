"""Which files are the page, and what is said of them."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from deploy.page import Page, listing, security_headers
from tests.stage import ROOT

FRONTEND = ROOT / "frontend"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("index.html", "modules/app.js", "package.json", "template.yaml", ".hidden.js"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_listing_has_the_digest_of_every_file(folder: Path) -> None:
    files = json.loads(listing(folder))["files"]

    assert files == {
        f"/{name}": hashlib.sha256(name.encode()).hexdigest() for name in ("index.html", "modules/app.js")
    }


def test_listing_is_served_current(folder: Path) -> None:
    page = Page(folder)
    before = page.find("/files.json")
    (folder / "modules" / "app.js").write_text("changed")
    after = page.find("/files.json")

    assert before is not None
    assert after is not None
    assert before.etag != after.etag
    assert after.content == listing(folder)
    assert after.media_type == "application/json"


def test_policy_allows_webassembly_but_not_eval() -> None:
    policy = security_headers("https://bucket.example")["Content-Security-Policy"]

    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "worker-src 'self';" in policy
    assert "'unsafe-eval'" not in policy


def test_types_of_all_scripts_are_checked() -> None:
    """TypeScript checks files that ask for it, so that it leaves the libraries alone."""
    scripts = [*FRONTEND.glob("*.js"), *FRONTEND.glob("modules/**/*.js")]

    assert [path.name for path in scripts if not path.read_text().startswith("// @ts-check\n")] == []


def imports(module: Path) -> set[Path]:
    """A module and all that it cannot do without."""
    found, left = {module}, [module]
    while left:
        here = left.pop()
        for name in re.findall(r'(?:^|\n)(?:import|export)\b[^;"]*"(\.[^"]+)"', here.read_text()):
            other = (here.parent / name).resolve()
            if other not in found:
                found.add(other)
                left.append(other)
    return found


def test_page_preloads_the_modules_of_its_first_view() -> None:
    html = (FRONTEND / "index.html").read_text()
    preloaded = re.findall(r'<link rel="modulepreload" href="/([^"]+)">', html)

    app = FRONTEND / "modules" / "app.js"
    assert preloaded == sorted(path.relative_to(FRONTEND).as_posix() for path in imports(app) - {app})
