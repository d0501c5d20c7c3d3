"""Everything that people can use or set is documented, and figures agree with what they are taken from."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

import pytest

import app
from chalicelib import DISCLAIMER, VERSION, errors
from chalicelib.errors import NegatoscopeError
from chalicelib.hyperparameters import Hyperparameters
from chalicelib.imaging import prepare
from chalicelib.imaging.decoded import MAX_PIXELS
from chalicelib.limits import MAX_FILE_BYTES, MAX_IMAGE_BODY
from chalicelib.models.classifier import Classifier
from chalicelib.models.package import BUNDLED_MODELS
from chalicelib.monitoring.drift_document import LARGE_PSI
from chalicelib.tasks import load_tasks, reader
from chalicelib.tasks.reader import GATE_METRICS
from chalicelib.tasks.task import Serving
from chalicelib.tasks.toml_table import TomlTable
from deploy import hyperparameter_reference
from tests.alarms import alarms
from tests.cloud import RETRAINING, template
from tests.stage import ROOT

DOCS = ROOT / "docs"
MAKEFILE = (ROOT / "Makefile").read_text()

SET_BY_PROGRAMS = re.compile(
    r"SM_\w+|SAGEMAKER_\w+|TRAINING_JOB_NAME"  # SageMaker
    r"|(?:LOCAL_)?(?:RANK|WORLD_SIZE)|CUBLAS_WORKSPACE_CONFIG"  # torchrun, training
    r"|AWS_LAMBDA_\w+|LOCAL_LAMBDA_\w+|_\w+|GATEWAY_PORT"  # Lambda, emulator
)
"""Environment variables that programs set."""


def page(name: str) -> str:
    return (DOCS / name).read_text()


def constants(path: Path) -> Iterator[str]:
    """Every string in a module, docstrings included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def environment_variables() -> set[str]:
    found = {
        text
        for module in ("chalicelib/settings.py", "local/run.py")
        for text in constants(ROOT / module)
        if re.fullmatch(r"[A-Z][A-Z0-9_]{2,}", text)
    }
    read = re.compile(r'(?:environ(?:\.get)?[\[(]|getenv\()"(\w+)"|"(NEGATOSCOPE_[A-Z]+)"')
    for package in ("chalicelib", "deploy", "local", "training", "benchmarks", "tests/browser", "tests"):
        for path in (ROOT / package).rglob("*.py"):
            if package != "tests" or path.parent == ROOT / "tests":
                found |= {one or other for one, other in read.findall(path.read_text())}
    found |= json.loads((ROOT / ".chalice" / "config.json").read_text())["environment_variables"].keys()
    return {name for name in found if not SET_BY_PROGRAMS.fullmatch(name)}


@pytest.mark.parametrize("name", sorted(environment_variables()))
def test_environment_variable_is_documented(name: str) -> None:
    assert f"`{name}`" in page("operations.md").partition("## Settings")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    "name",
    sorted(
        {
            *re.findall(r"^([A-Z_]+) \?=", MAKEFILE, re.MULTILINE),
            *re.findall(r"\$\((?:if|or) \$\(([A-Z_]+)\)", MAKEFILE),
        }
    ),
)
def test_make_variable_is_documented(name: str) -> None:
    assert f"`{name}`" in page("operations.md").partition("Variables of make")[2].partition("\n## ")[0]


# ------------------------------------------------------------------------------------------------ tasks


def task_keys() -> set[str]:
    """The keys that the reader of task files asks for."""
    readers = {name for name in vars(TomlTable) if not name.startswith("_")} - {"error", "refuse_unknown"}
    asked: list[ast.expr] = []
    for node in ast.walk(ast.parse(Path(reader.__file__).read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in readers:
            asked += node.args[:1]
        elif isinstance(node, ast.IfExp):  # a key that had another name before
            asked += (node.body, node.orelse)
    keys = {str(one.value) for one in asked if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return keys | set(GATE_METRICS)


def documented_task_keys() -> set[str]:
    """The keys in the tables of docs/tasks.md, and the names of the tables."""
    text = page("tasks.md")
    tables = re.findall(r"^\| key \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    keys = {
        key
        for table in tables
        for row in table.splitlines()
        for key in re.findall("`([a-z_0-9]+)`", row.split("|")[1])
    }
    return keys | set(re.findall(r"^`\[+([a-z]+)\]+`", text, re.MULTILINE))


def test_task_keys_are_documented_and_no_others() -> None:
    assert task_keys() >= {"name", "flips_to", "memory_mb", "serving", "classes", "accuracy"}
    assert documented_task_keys() == task_keys()


@pytest.mark.parametrize("name", ["memory_mb", "max_concurrency", "instances", "instance_type", "kind"])
def test_defaults_of_serving_are_documented(name: str) -> None:
    row = next(line for line in page("tasks.md").splitlines() if line.startswith(f"| `{name}` |"))
    assert row.split("|")[3].strip(' `"') == str(getattr(Serving(), name))


def test_reasons_for_review_are_documented() -> None:
    source = (ROOT / "chalicelib" / "models" / "review_rule.py").read_text()
    codes = set(re.findall(r'Reason\(\s*"([a-z-]+)"', source))
    table = page("tasks.md").partition("| code | reason |")[2].partition("\n\n")[0]
    assert codes
    assert set(re.findall("^\\| `([a-z-]+)`", table, re.MULTILINE)) == codes


# ------------------------------------------------------------------------------------------ the API


def test_routes_are_documented_and_no_others() -> None:
    routes = {f"{method} {path}" for path, methods in app.app.routes.items() for method in methods}
    documented = set(re.findall(r"^\| `([A-Z]+ /\S*)` \|", page("api.md"), re.MULTILINE))
    assert routes
    assert documented == routes


def error_classes(base: type[NegatoscopeError]) -> Iterator[type[NegatoscopeError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from error_classes(kind)


@pytest.mark.parametrize(
    "code",
    sorted(kind.__name__ for kind in error_classes(NegatoscopeError) if kind.__module__ == errors.__name__),
)
def test_error_code_is_documented(code: str) -> None:
    assert f"| `{code}` |" in page("api.md")


def test_errors_of_api_gateway_are_documented() -> None:
    given = json.loads((ROOT / "deploy" / "gateway-errors.json").read_text()).values()
    section = page("operations.md").partition("## Errors of API Gateway")[2].partition("\n## ")[0]
    assert set(re.findall("^\\| `([A-Za-z]+)`", section, re.MULTILINE)) == {one["code"] for one in given}


# --------------------------------------------------------------------------------------------- training


def test_keys_of_a_retraining_request_are_documented_and_no_others() -> None:
    description = json.loads((ROOT / "chalicelib" / "openapi.json").read_text())
    keys = description["components"]["schemas"]["RetrainingBody"]["properties"].keys()
    table = page("retraining.md").partition("| key of the request |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == keys


def test_probability_of_the_gate_is_that_of_the_code() -> None:
    source = (ROOT / "training" / "evaluation" / "gate.py").read_text()
    [probability] = re.findall(r"^MIN_PROBABILITY_BETTER = ([\d.]+)$", source, re.MULTILINE)
    assert f"with a probability of at least {probability}" in page("retraining.md")


def test_instances_that_cost_are_those_of_the_template() -> None:
    parameters = template(RETRAINING)["Parameters"]
    costs = page("retraining.md").partition("## Costs")[2].partition("\n## ")[0]
    for name in ("TrainingInstanceType", "TransformInstanceType"):
        assert f"`{parameters[name]['Default']}`" in costs


def test_reference_of_hyperparameters_is_current() -> None:
    assert page("hyperparameters.md") == hyperparameter_reference.render()
    assert all(f"| `{spec.name}` |" in page("hyperparameters.md") for spec in fields(Hyperparameters))


# ---------------------------------------------------------------------------------------------- figures


def test_version_is_the_same_everywhere() -> None:
    assert 'version = { attr = "chalicelib.VERSION" }' in (ROOT / "pyproject.toml").read_text()
    newest = re.search(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == VERSION


@pytest.mark.parametrize("name", ["models.md", "runbook.md"])
def test_drift_threshold_is_that_of_the_code_and_of_the_alarm(name: str) -> None:
    [alarm] = [one for one in alarms() if one.name == "drift"]
    assert alarm.properties["Threshold"] == LARGE_PSI
    stated = re.findall(r"(?:PSI|population stability index) above\s+([\d.]+\d)", page(name))
    assert stated == [str(LARGE_PSI)]


def test_sizes_are_those_of_the_code() -> None:
    readme = (ROOT / "README.md").read_text()
    assert f"up to {MAX_FILE_BYTES // 1_000_000} MB and {MAX_PIXELS // 1_000_000} megapixels" in " ".join(
        readme.split()
    )
    assert f"at most {MAX_IMAGE_BODY / 1e6:g} MB" in page("api.md")


def test_readme_shows_the_answer_to_its_command() -> None:
    text = (ROOT / "README.md").read_text()
    command = re.search(r"--data-binary @(\S+) .*?/api/tasks/([a-z-]+)/classify", text, re.DOTALL)
    assert command is not None
    task = load_tasks()[command[2]]
    prepared = prepare((ROOT / command[1]).read_bytes(), task.input)
    [answer] = Classifier({}, lambda: None).classify(task, prepared.pixels[None], [prepared.box])
    shown = json.loads(text.partition("```json\n")[2].partition("```")[0])
    assert shown["label"] == answer.label
    assert shown["probability"] == pytest.approx(answer.probability, abs=0.0005)
    assert answer.heatmap is not None
    for side in ("width", "height"):
        assert shown["heatmap"][side] == answer.heatmap[side]
    assert shown["heatmap"]["values"][:2] == pytest.approx(answer.heatmap["values"][:2], abs=0.0005)
    assert shown["source"].items() <= asdict(prepared.source).items()
    assert shown["disclaimer"] == DISCLAIMER


@pytest.mark.parametrize("name", load_tasks())
def test_readme_says_whether_the_model_of_a_task_passes_its_gate(name: str) -> None:
    row = next(
        line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(f"| `{name}`")
    )
    facts = BUNDLED_MODELS / name / "model.json"
    if not facts.exists():
        assert "| none" in row
    else:
        short = load_tasks()[name].shortfall(json.loads(facts.read_text())["metrics"]["test"])
        assert f"[{'below' if short else 'passes'} its gate](chalicelib/models/{name}/card.md)" in row


# ---------------------------------------------------------------------------------------- architecture


def test_every_entry_of_the_root_has_its_reason() -> None:
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    entries = {f"{name.partition('/')[0]}/" if "/" in name else name for name in files}
    documented = page("architecture.md")
    assert {entry for entry in entries if f"`{entry}`" not in documented} == set()
