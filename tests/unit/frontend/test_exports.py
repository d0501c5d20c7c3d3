"""What a module of the page exports, another module or a browser test uses."""

import re
from pathlib import Path

import pytest

from tests.stage import ROOT

MODULES = ROOT / "frontend" / "modules"
SOURCES = {path: path.read_text() for path in sorted(MODULES.rglob("*.js"))}
TESTS = [path.read_text() for path in (ROOT / "tests" / "browser").glob("*.py")]
EXPORT = re.compile(r"^export (?:async )?(?:const|let|function\*?|class) (\w+)", re.MULTILINE)


# Texts are loaded by the code of their language.
MODULES_WITH_CODE = [path for path in SOURCES if path.parent.name != "locales"]


@pytest.mark.parametrize("path", MODULES_WITH_CODE, ids=lambda path: path.relative_to(MODULES).as_posix())
def test_exports_are_used_elsewhere(path: Path) -> None:
    others = [source for other, source in SOURCES.items() if other != path] + TESTS
    importing = "".join(text for text in others if f'/{path.name}"' in text)
    used = set(re.findall(r"\w+", importing))
    assert [name for name in EXPORT.findall(SOURCES[path]) if name not in used] == []
