"""Resources are named in one place, and the templates give the same names."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib import resource_names
from deploy import stages
from tests.alarms import TEMPLATE as ALARMS
from tests.cloud import BATCHES, FOUNDATION, RETRAINING, SITE, template
from tests.stage import ROOT

STAGE, ACCOUNT = "prod", "123456789012"
TEMPLATES = [FOUNDATION, RETRAINING, SITE, ALARMS]


def strings(value: Any) -> Iterator[str]:
    """Every string within a value of a template."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def name_of(path: Path, resource: str, member: str) -> str:
    """The name that a template gives to a resource of the stage."""
    name: str = template(path)["Resources"][resource]["Properties"][member]
    return name.replace("${Stage}", STAGE).replace("${AWS::AccountId}", ACCOUNT)


@pytest.mark.parametrize(
    ("path", "resource", "member", "expected"),
    [
        (FOUNDATION, "DataBucket", "BucketName", resource_names.data_bucket(STAGE, ACCOUNT)),
        (FOUNDATION, "LostEvents", "QueueName", resource_names.lost_events_queue(STAGE)),
        (FOUNDATION, "AccessLogs", "LogGroupName", resource_names.access_log(STAGE)),
        (FOUNDATION, "UserPool", "UserPoolName", resource_names.resource_name(STAGE)),
    ],
)
def test_template_gives_the_name_that_the_code_expects(
    path: Path, resource: str, member: str, expected: str
) -> None:
    assert name_of(path, resource, member) == expected


def test_log_groups_have_the_names_of_the_functions() -> None:
    groups = {
        one["Properties"]["LogGroupName"].replace("${Stage}", STAGE)
        for path in (FOUNDATION, BATCHES)
        for one in template(path)["Resources"].values()
        if one["Type"] == "AWS::Logs::LogGroup"
    }
    lambdas = {f"/aws/lambda/{name}" for name in stages.functions(STAGE).values()}
    machine = f"/aws/vendedlogs/states/{resource_names.resource_name(STAGE, 'batch')}"
    assert groups == lambdas | {resource_names.access_log(STAGE), machine}


def test_functions_that_templates_name_exist() -> None:
    named = {
        match.replace("${Stage}", STAGE)
        for path in (FOUNDATION, BATCHES, RETRAINING)
        for text in strings(template(path))
        for match in re.findall(r":function:([\w${}-]+)", text)
    }
    assert named
    assert named <= set(stages.functions(STAGE).values())


def test_endpoints_have_alarms_that_the_state_machine_may_read() -> None:
    pattern = resource_names.endpoint_alarm("${Stage}", "*")
    assert any(text.endswith(f":alarm:{pattern}") for text in strings(template(RETRAINING)))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_name_in_a_template_begins_with_the_stage(path: Path) -> None:
    body = {key: value for key, value in template(path).items() if key not in ("Description", "Parameters")}
    names = [
        match
        for text in strings(body)
        if not re.search(r"\s", text)
        for match in re.findall(r"negatoscope[\w${}:*-]*", text)
    ]
    assert names
    assert [name for name in names if not re.match(r"negatoscope-\$\{Stage\}(?:[-:]|$)", name)] == []


def test_config_has_the_names_of_the_local_stage() -> None:
    recorded = json.loads((ROOT / ".chalice" / "config.json").read_text())["stages"]["local"]
    variables = recorded["environment_variables"]
    assert variables["DATA_BUCKET"] == resource_names.data_bucket("local", "000000000000")
    assert variables["EXPORT_ARN"].endswith(f":{resource_names.resource_name('local', 'export')}")
    assert variables["BATCH_ARN"].endswith(f":{resource_names.resource_name('local', 'batch')}")
    assert variables["RETRAINING_ARN"].endswith(f":{resource_names.resource_name('local', 'retrain')}")


def test_names_are_composed_in_one_module() -> None:
    sources = [
        ROOT / "app.py",
        *(p for room in ("chalicelib", "deploy", "local") for p in (ROOT / room).rglob("*.py")),
    ]
    composed = re.compile(r"negatoscope-(?:\{[\w.]*stage|local-)")
    assert [path.relative_to(ROOT).as_posix() for path in sources if composed.search(path.read_text())] == []
