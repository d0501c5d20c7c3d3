"""The libraries of the page in frontend/vendor/."""

import json
import re
from pathlib import Path

import pytest

from deploy.page import Page
from local.libraries import FILES, FRONTEND, VENDOR

MODULES = sorted(path for path in VENDOR.rglob("*") if path.suffix in (".js", ".mjs"))


def test_lock_file_pins_libraries_by_digest_and_names_no_registry() -> None:
    packages = json.loads((FRONTEND / "package-lock.json").read_text())["packages"]

    assert all(f"node_modules/{name}" in packages for name in FILES)
    for name, entry in packages.items():
        assert name == "" or entry["integrity"].startswith("sha512-")
        assert "resolved" not in entry


@pytest.mark.parametrize("package", FILES)
def test_every_library_is_served_with_its_licence(package: str) -> None:
    names = [Path(name).name for name in FILES[package] if name != "LICENSE"]
    served = [Page(FRONTEND).find(f"/vendor/{package}/{name}") for name in [*names, "LICENSE.txt"]]

    assert all(served)
    assert served[-1] is not None
    assert b"icense" in served[-1].content


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_modules_import_only_files_of_the_folder(module: Path) -> None:
    for name in re.findall(r'^import [^"]*"([^"]+)"', module.read_text(), re.MULTILINE):
        assert (module.parent / name).resolve() in MODULES


def test_libraries_have_the_right_content_type() -> None:
    page = Page(FRONTEND)
    wasm = page.find("/vendor/onnxruntime-web/ort-wasm-simd-threaded.wasm")
    module = page.find("/vendor/onnxruntime-web/ort.wasm.bundle.min.mjs")

    assert wasm is not None
    assert wasm.media_type == "application/wasm"
    assert module is not None
    assert module.media_type.startswith("text/javascript")


@pytest.mark.parametrize("name", ["package.json", "package-lock.json", ".npmrc"])
def test_files_for_npm_are_not_served(name: str) -> None:
    assert (FRONTEND / name).is_file()
    assert Page(FRONTEND).find(f"/{name}") is None
