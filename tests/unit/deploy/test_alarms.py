"""The alarms are complete and well formed, and each is in the runbook."""

import json
import re
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from deploy import account_budget, application, stacks, stages, usage
from deploy import alarms as deployed
from deploy.stacks import DeployError, without_comments
from tests.alarms import (
    ALARM,
    INSUFFICIENT_DATA,
    OK,
    STAGE,
    TOPIC,
    Alarm,
    Point,
    alarms,
    emitted,
    properties,
    resources,
)
from tests.cloud import FOUNDATION, RETRAINING, SITE, foundation, template
from tests.stage import ROOT

ALARMS = {alarm.name: alarm for alarm in alarms()}
RUNBOOK = ROOT / "docs" / "runbook.md"
MAX_BYTES = 51_200
"""Of a template in a request (CloudFormation User Guide, "Understand CloudFormation quotas")."""

DOCUMENTED: dict[str, tuple[set[str], set[frozenset[str]]]] = {
    # Lambda Developer Guide, "Types of metrics for Lambda functions"
    "AWS/Lambda": (
        {
            "ConcurrentExecutions",
            "DestinationDeliveryFailures",
            "Duration",
            "Errors",
            "Invocations",
            "Throttles",
        },
        {frozenset({"FunctionName"}), frozenset()},
    ),
    # API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics"
    "AWS/ApiGateway": (
        {"4XXError", "5XXError", "Count", "Latency"},
        {frozenset({"ApiName"}), frozenset({"ApiName", "Stage"})},
    ),
    # Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible"}, {frozenset({"QueueName"})}),
    # Amazon DynamoDB Developer Guide, "DynamoDB metrics and dimensions"
    "AWS/DynamoDB": (
        {
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "ReadThrottleEvents",
            "WriteThrottleEvents",
        },
        {frozenset({"TableName"}), frozenset({"TableName", "GlobalSecondaryIndexName"})},
    ),
    # Step Functions Developer Guide, "Execution metrics"
    "AWS/States": (
        {"ExecutionsFailed", "ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsTimedOut"},
        {frozenset({"StateMachineArn"})},
    ),
    # chalicelib/observability.py
    "Negatoscope": (
        {
            "Classified",
            "Drift",
            "EndpointErrors",
            "InternalErrors",
            "Latency",
            "ModelErrors",
            "NeedsReview",
            "OldestUnfinishedAge",
            "Quarantined",
            "RollbackFailed",
        },
        {frozenset({"stage"})},
    ),
}
"""The metrics that there are, and the sets of dimensions under which they are recorded."""


# ----------------------------------------------------------------------------------------- the template


@pytest.mark.parametrize("alarm", ALARMS.values(), ids=list(ALARMS))
def test_alarm_has_an_existing_metric_and_notifies_the_topic(alarm: Alarm) -> None:
    metrics, dimensions = DOCUMENTED[alarm.properties["Namespace"]]
    assert alarm.properties["MetricName"] in metrics
    assert frozenset(name for name, _ in alarm.dimensions) in dimensions
    assert alarm.properties["AlarmActions"] == [TOPIC]
    assert alarm.properties["AlarmDescription"].endswith(".")
    # A metric that is recorded only when something happens must not leave the alarm in INSUFFICIENT_DATA.
    assert alarm.properties["TreatMissingData"] in ("notBreaching", "breaching", "ignore")


def test_long_runs_are_those_of_more_than_80_percent_of_the_time_out() -> None:
    functions = json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_functions"]
    for name in ("decode", "classify"):
        threshold = ALARMS[f"{name}-long-runs"].properties["Threshold"]
        assert threshold == 0.8 * 1000 * functions[name]["lambda_timeout"]


def test_own_metrics_are_emitted() -> None:
    """tests/functional/test_alarms.py makes every alarm ring, and test_usage.py sees the rest."""
    watched = (one.properties for one in ALARMS.values())
    rung = {one["MetricName"] for one in watched if one["Namespace"] == "Negatoscope"}
    assert DOCUMENTED["Negatoscope"][0] == rung | {*usage.METRICS_BY_TASK, *usage.METRICS_OF_STAGE}


def widgets() -> list[dict[str, Any]]:
    """The charts of the dashboard."""
    [dashboard] = properties("AWS::CloudWatch::Dashboard")
    found: list[dict[str, Any]] = json.loads(dashboard["DashboardBody"])["widgets"]
    return found


def test_dashboard_shows_every_lambda() -> None:
    names = set(stages.functions(STAGE).values())
    for shown in ("Errors", "Throttles", "Duration"):
        metrics = [line for widget in widgets() for line in widget["properties"]["metrics"]]
        assert {line[3] for line in metrics if line[:2] == ["AWS/Lambda", shown]} == names, shown


def test_dashboard_shows_metrics_that_exist() -> None:
    """tests/stack/test_installation.py shows that what they are of exists, too."""
    charts = widgets()
    assert len({(one["x"], one["y"]) for one in charts}) == len(charts), "two at the same place"
    for widget in charts:
        for namespace, metric, *rest in widget["properties"]["metrics"]:
            known, dimensions = DOCUMENTED[namespace]
            assert metric in known
            names = [one for one in rest if isinstance(one, str)]
            assert frozenset(names[::2]) in dimensions
            assert all(STAGE in value for value in names[1::2] if value != "api")


def test_alarms_are_in_no_other_stack() -> None:
    for path in (FOUNDATION, RETRAINING, SITE):
        assert "AWS::CloudWatch::Alarm" not in path.read_text(), path


def test_lambdas_all_have_alarms() -> None:
    names = stages.functions(STAGE)
    for metric, functions in (
        ("Errors", names),
        ("Throttles", names),
        ("DestinationDeliveryFailures", application.ASYNCHRONOUS),
    ):
        watched = {one.dimensions for one in ALARMS.values() if one.properties["MetricName"] == metric}
        assert watched == {frozenset({("FunctionName", names[function])}) for function in functions}


def test_tables_and_indexes_all_have_alarms() -> None:
    expected = set()
    for table in (one for one in foundation().values() if one["Type"] == "AWS::DynamoDB::Table"):
        properties = table["Properties"]
        name = ("TableName", properties["TableName"].replace("${Stage}", STAGE))
        indexes = [one["IndexName"] for one in properties["GlobalSecondaryIndexes"]]
        expected.add(frozenset({name}))
        expected |= {frozenset({name, ("GlobalSecondaryIndexName", index)}) for index in indexes}
    for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
        watched = {one.dimensions for one in ALARMS.values() if one.properties["MetricName"] == metric}
        assert watched == expected


def test_alarm_names_agree_with_other_stacks_and_chalice() -> None:
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())
    assert dict(ALARMS["gateway-errors"].dimensions)["Stage"] == config["api_gateway_stage"]
    for value, resource in (
        (dict(ALARMS["lost-events"].dimensions)["QueueName"], foundation()["LostEvents"]),
        (
            dict(ALARMS["failed-retrainings"].dimensions)["StateMachineArn"].rpartition(":")[2],
            template(RETRAINING)["Resources"]["Retraining"],
        ),
    ):
        given = resource["Properties"].get("QueueName") or resource["Properties"]["StateMachineName"]
        assert value == given.replace("${Stage}", STAGE)


@pytest.mark.parametrize(
    "path", [*(ROOT / "deploy").glob("*.yaml"), RETRAINING, SITE], ids=lambda path: path.name
)
def test_template_fits_into_a_request(path: Path) -> None:
    size, most = len(without_comments(path.read_text()).encode()), int(0.9 * MAX_BYTES)
    assert size <= most, (
        f"{path.name} has {size:,} bytes without comments. CloudFormation takes {MAX_BYTES:,} in a request, "
        f"and {most:,} leave room: move resources into a stack of their own, as deploy/alarms.yaml has them."
    )


def test_alarms_fit_into_a_request_with_expanded_loops() -> None:
    """Quotas apply to what Fn::ForEach results in."""
    assert len(json.dumps(resources())) < 0.9 * MAX_BYTES


# ------------------------------------------------------------------------------------------- the runbook


def test_runbook_covers_every_alarm() -> None:
    section = RUNBOOK.read_text().partition("\n## Alarms")[2].partition("\n## ")[0]
    named: list[str] = []
    for text in section.partition("\n### Alarms without an action")[0].split("\n### ")[1:]:
        title, _, body = text.partition("\n")
        named += re.findall("`([a-z-]+)`", title)
        for part in ("**Means.**", "**Look.**", "**Do.**"):
            assert body.count(part) == 1, f"{title} needs one {part}"
    assert sorted(named) == sorted(ALARMS)


# ----------------------------------------------------------------------------- how alarms are evaluated


def alarm(**properties: object) -> Alarm:
    """An alarm of one metric."""
    usual = {
        "AlarmName": f"negatoscope-{STAGE}-x",
        "Namespace": "N",
        "MetricName": "M",
        "Dimensions": [{"Name": "stage", "Value": STAGE}],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    return Alarm(usual | properties)


def points(*values: tuple[float, float], **dimensions: str) -> list[Point]:
    """Data points (value, time)."""
    named = frozenset((dimensions or {"stage": STAGE}).items())
    return [Point("N", "M", named, value, at) for value, at in values]


@pytest.mark.parametrize(
    ("properties", "values", "state"),
    [
        ({}, [(1, 900), (1, 950)], ALARM),
        ({}, [(1, 900)], OK),
        ({}, [(2, 600)], OK),
        ({}, [], OK),
        ({"Statistic": "Maximum"}, [(1, 900), (1, 950)], OK),
        ({"Statistic": "Maximum"}, [(1, 900), (2, 950)], ALARM),
        ({"EvaluationPeriods": 3}, [(2, 200), (2, 500), (2, 800)], ALARM),
        ({"EvaluationPeriods": 3}, [(2, 500), (2, 800)], OK),
        ({"EvaluationPeriods": 3, "DatapointsToAlarm": 2}, [(2, 500), (2, 800)], ALARM),
        ({"TreatMissingData": "breaching"}, [], ALARM),
        ({"TreatMissingData": "missing"}, [], INSUFFICIENT_DATA),
        (
            {"Statistic": "SampleCount", "ComparisonOperator": "LessThanThreshold", "Threshold": 2},
            [(0, 950)],
            ALARM,
        ),
    ],
)
def test_alarm_state_follows_the_data_points(
    properties: dict[str, object], values: list[tuple[float, float]], state: str
) -> None:
    assert alarm(**properties).state(points(*values), now=1000) == state


@pytest.mark.parametrize("before", [OK, ALARM])
def test_alarm_keeps_its_state_over_ignored_gaps(before: str) -> None:
    assert alarm(TreatMissingData="ignore").state([], now=1000, before=before) == before


def test_alarm_ignores_other_dimensions() -> None:
    assert alarm().state(points((9, 950), stage=STAGE, task="x"), now=1000) == OK
    assert alarm().state(points((9, 950), stage="other"), now=1000) == OK


def test_emitted_reads_the_embedded_metric_format() -> None:
    line = {
        "_aws": {
            "Timestamp": 1,
            "CloudWatchMetrics": [{"Namespace": "N", "Dimensions": [["stage"]], "Metrics": [{"Name": "M"}]}],
        },
        "stage": STAGE,
        "M": [1.0, 2.0],
    }
    assert emitted(f"other\n{json.dumps(line)}\n", at=5) == points((1, 5), (2, 5))


# ------------------------------------------------------------------------------------ how they are deployed


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that may run 1000 Lambdas at once."""
    limit = {"AccountLimit": {"ConcurrentExecutions": 1000}}
    monkeypatch.setattr(boto3, "client", lambda _: SimpleNamespace(get_account_settings=lambda: limit))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.mark.parametrize(("budget", "sent"), [(None, None), (0, "0"), (50, "50")])
def test_parameters_have_the_limit_and_the_budget(budget: int | None, sent: str | None) -> None:
    given = deployed.parameters(STAGE, {"AlarmTopicArn": TOPIC, "AlarmEmail": "a@b.org"}, budget)
    assert (given["BusyConcurrency"], given["BudgetUsd"], given["BudgetEmail"]) == ("800", sent, "a@b.org")


@pytest.mark.parametrize(
    ("given", "held", "changed"),
    [
        (None, "0", None),
        (
            None,
            "200",
            (STAGE, 200, "a@b.org"),
        ),  # also one that an earlier version made as a part of the stack
        (50, "50", (STAGE, 50, "a@b.org")),
        (0, "0", (STAGE,)),
    ],
)
def test_budget_is_that_of_the_stack(
    monkeypatch: pytest.MonkeyPatch, given: int | None, held: str, changed: tuple[Any, ...] | None
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(account_budget, "put", lambda *arguments: asked.append(arguments))
    monkeypatch.setattr(account_budget, "delete", lambda *arguments: asked.append(arguments))
    found = {"BudgetUsd": held, "BudgetEmail": "a@b.org"}
    monkeypatch.setattr(stacks, "put_stack", lambda *_, **__: found)

    deployed.deploy(STAGE, {"AlarmTopicArn": TOPIC, "AlarmEmail": "a@b.org"}, given)

    assert asked == ([changed] if changed else [])


@pytest.mark.parametrize(("held", "deleted"), [("0", []), ("200", [STAGE])])
def test_budget_is_deleted_with_the_alarms(
    monkeypatch: pytest.MonkeyPatch, held: str, deleted: list[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(account_budget, "delete", asked.append)
    monkeypatch.setattr(stacks, "stack_status", lambda _name: "UPDATE_COMPLETE")
    monkeypatch.setattr(stacks, "outputs", lambda _name: {"BudgetUsd": held})
    monkeypatch.setattr(stacks, "delete_stack", lambda _name: None)

    deployed.delete(STAGE)

    assert asked == deleted


def test_alarms_are_deployed_in_regions_where_cloudformation_has_no_budgets() -> None:
    assert "AWS::Budgets::Budget" not in {one["Type"] for one in resources().values() if "Type" in one}


def test_budget_without_an_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the deployment changes anything, too."""
    with pytest.raises(DeployError, match="EMAIL="):
        deployed.parameters(STAGE, {"AlarmTopicArn": TOPIC, "AlarmEmail": ""}, 50)
    deployed.check(STAGE, 50, "a@b.org")
    deployed.check(STAGE, 0, None)
    for status, before, works in (
        (None, "", False),
        ("UPDATE_COMPLETE", "", False),
        ("UPDATE_COMPLETE", "a@b.org", True),
    ):
        monkeypatch.setattr(stacks, "stack_status", lambda _name, status=status: status)
        monkeypatch.setattr(stacks, "outputs", lambda _name, before=before: {"AlarmEmail": before})
        with nullcontext() if works else pytest.raises(DeployError, match="EMAIL="):
            deployed.check(STAGE, 50, None)


@pytest.mark.parametrize(
    ("email", "told"),
    [("a@b.org", "sent to a@b.org once"), ("", "no e-mail address is set. Set one with EMAIL=")],
)
def test_deployment_says_who_is_told(email: str, told: str) -> None:
    assert told in deployed.told({"AlarmEmail": email})
