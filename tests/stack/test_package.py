"""The deployed packages fit the limits of Lambda and are complete."""

import importlib.util
import zipfile
from pathlib import Path

import pytest

from local.stack import LocalStack
from tests.stage import ROOT

MIB = 1024 * 1024
MAX_ZIPPED = 50 * MIB  # a direct upload
MAX_UNZIPPED = 250 * MIB  # a function with its layers


@pytest.fixture(scope="module")
def packages(stack: LocalStack) -> dict[str, zipfile.ZipFile]:
    """The archives that `chalice deploy` built for the running stack."""
    folder = stack.directory / "app" / ".chalice" / "deployments"
    return {path.name.split("-")[0]: zipfile.ZipFile(path) for path in folder.glob("*.zip")}


def names(package: zipfile.ZipFile) -> set[str]:
    """Top-level names; in a layer, those of its site-packages."""
    parts = [Path(name).parts for name in package.namelist()]
    return {part[4] if part[0] == "python" else part[0] for part in parts}


def test_packages_fit_the_limits_of_lambda(packages: dict[str, zipfile.ZipFile]) -> None:
    zipped = {name: Path(str(package.filename)).stat().st_size for name, package in packages.items()}
    unzipped = sum(info.file_size for package in packages.values() for info in package.infolist())
    print(
        {name: f"{size / MIB:.1f} MiB" for name, size in zipped.items()}, f"{unzipped / MIB:.1f} MiB unzipped"
    )

    assert packages.keys() == {"managed", "appcode"}
    assert max(zipped.values()) < MAX_ZIPPED
    assert unzipped < MAX_UNZIPPED


def test_packages_contain_what_the_app_imports(packages: dict[str, zipfile.ZipFile]) -> None:
    app, layer = names(packages["appcode"]), names(packages["managed"])

    assert {"app.py", "chalicelib"} <= app
    assert {"numpy", "onnxruntime", "PIL", "pydicom", "aws_lambda_powertools"} <= layer
    assert not {"boto3", "botocore"} & (app | layer)  # they come with the runtime


def test_layer_has_the_bytecode_of_what_the_app_imports(packages: dict[str, zipfile.ZipFile]) -> None:
    compiled = {name.split(".cpython")[0] for name in packages["managed"].namelist() if name.endswith(".pyc")}
    for module in (
        "numpy/_core/__pycache__/multiarray",
        "PIL/__pycache__/Image",
        "pydicom/__pycache__/dataset",
    ):
        assert any(name.endswith(module) for name in compiled)


def test_app_has_the_bytecode_of_each_module_once(packages: dict[str, zipfile.ZipFile]) -> None:
    packed = packages["appcode"].namelist()
    modules = [name for name in packed if name.endswith(".py")]

    assert sorted(name for name in packed if name.endswith(".pyc")) == sorted(
        importlib.util.cache_from_source(name) for name in modules
    )


def test_packages_contain_models_and_tasks(packages: dict[str, zipfile.ZipFile]) -> None:
    packed = set(packages["appcode"].namelist())
    wanted = [
        *(ROOT / "chalicelib" / "tasks").glob("*.toml"),
        *(ROOT / "chalicelib" / "models").rglob("model.*"),
    ]

    assert wanted
    assert {str(path.relative_to(ROOT)) for path in wanted} <= packed


def test_committed_settings_match_those_that_deploying_records(stack: LocalStack) -> None:
    deployed = stack.directory / "app" / ".chalice" / "config.json"

    assert deployed.read_text() == (ROOT / ".chalice" / "config.json").read_text()
