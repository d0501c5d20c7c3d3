"""Imports between the packages of the application, and between those of training, run one way."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stage import ROOT

LAYERS = {
    "chalicelib": (
        ("errors", "json_schema", "media_types", "resource_names", "timestamps"),
        ("hyperparameters", "labelled_data", "proportion"),
        ("tasks",),
        ("settings",),
        ("limits",),
        ("observability", "imaging"),
        ("fields", "storage"),
        ("models",),
        ("results",),
        ("pipeline", "retraining", "monitoring"),
        ("exports", "batches"),
        ("api",),
        ("dependencies",),
        ("routes",),
    ),
    "training": (
        ("errors", "core", "inference", "launch"),
        ("archive", "options"),
        ("data",),
        ("arguments",),
        ("model",),
        ("search_space", "evaluation"),
        ("reports",),
        ("run",),
        ("steps",),
        ("train", "prepare", "pretrain", "evaluate", "evaluate_candidate", "export_results"),
        ("tune",),
    ),
}
"""Packages and modules of a package, from the bottom up. Each imports only from the layers below."""

LEVELS = {
    package: {name: level for level, names in enumerate(layers) for name in names}
    for package, layers in LAYERS.items()
}

WITHOUT_AWS = (
    "imaging",
    "models.classifier",
    "models.embedded",
    "monitoring.drift",
    "results.table",
    "retraining.request",
    "tasks",
)


def modules(package: str) -> dict[str, Path]:
    found = {}
    for path in (ROOT / package).rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imported(path: Path) -> Iterator[str]:
    """Full names of everything that a module imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports(package: str) -> Iterator[tuple[str, str]]:
    """Pairs of modules of the package, the first of which imports the second."""
    known = modules(package)
    for name, path in known.items():
        for target in imported(path):
            module = target if target in known else target.rpartition(".")[0]
            if module in known and module != name:
                yield name, module


def package_of(module: str) -> str:
    """The subpackage or module that a module belongs to; "" for the package itself."""
    return module.partition(".")[2].partition(".")[0]


@pytest.mark.parametrize("package", LAYERS)
def test_every_module_has_a_layer(package: str) -> None:
    assert {package_of(module) for module in modules(package)} - {""} == LEVELS[package].keys()


@pytest.mark.parametrize("package", LAYERS)
def test_imports_run_down_the_layers(package: str) -> None:
    levels = LEVELS[package]
    upwards = [
        f"{module} imports {target}"
        for module, target in imports(package)
        if (importing := package_of(module)) != (used := package_of(target))
        and used
        and levels[importing] <= levels[used]
    ]
    assert upwards == []


@pytest.mark.parametrize("package", ["chalicelib", "deploy", "training", "local"])
def test_no_modules_import_each_other(package: str) -> None:
    below: dict[str, set[str]] = {module: set() for module in modules(package)}
    for module, target in imports(package):
        below[module].add(target)
    while free := {module for module, targets in below.items() if not targets}:
        below = {module: targets - free for module, targets in below.items() if module not in free}
    assert below == {}


@pytest.mark.parametrize("package", ["app.py", "chalicelib", "deploy", "training"])
def test_what_ships_imports_no_emulator(package: str) -> None:
    files = [ROOT / package] if package.endswith(".py") else modules(package).values()
    assert not [target for path in files for target in imported(path) if target.split(".")[0] == "local"]


def without(*libraries: str) -> str:
    """Code that makes importing `libraries` fail."""
    return f"import sys; sys.modules.update(dict.fromkeys({libraries}))"


def test_core_logic_needs_neither_chalice_nor_aws() -> None:
    names = ", ".join(f"chalicelib.{name}" for name in WITHOUT_AWS)
    code = f"{without('boto3', 'botocore', 'chalice')}; import {names}"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_only_the_api_needs_chalice() -> None:
    names = [name for name in modules("chalicelib") if package_of(name) not in ("api", "routes")]
    subprocess.run(
        [sys.executable, "-c", f"{without('chalice')}; import {', '.join(names)}"], cwd=ROOT, check=True
    )


def test_lambdas_need_no_pydantic() -> None:
    """Only the generator of openapi.json does; pydantic would take room in the Lambda's layer."""
    files = [ROOT / "app.py", *modules("chalicelib").values()]
    assert not [path for path in files if "pydantic" in {name.split(".")[0] for name in imported(path)}]
